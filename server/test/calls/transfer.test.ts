/** Handing a caller over to a person, as whole calls on the virtual clock. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { parseWav } from '#audio/wav.ts';
import type { LanguageModel, ModelPart } from '#models/language-model.ts';
import { type Sound, type SoundFormat, samplesPerFrame, silence } from '#audio/frame.ts';
import type { DialledCall } from '#telephony/loopback/gateway.ts';
import type { LoopbackLeg } from '#telephony/loopback/leg.ts';
import { CallCentre, type Caller } from './telephone.ts';

let centre: CallCentre;
/** No call may leave anything behind. */
afterEach(async () => {
  expect(await centre.close()).toBe(0);
  expect(centre.switchboard.live).toBe(0);
});

/** Hands over when it is asked for a person, and takes no for an answer. */
const receptionist: LanguageModel = {
  name: 'receptionist',
  async *generate({ messages, tools }): AsyncGenerator<ModelPart> {
    const last = messages.at(-1);
    if (last?.role === 'user' && /person/.test(last.text) && tools.some(({ name }) => name === 'transfer_call')) {
      yield { type: 'tool-call', call: { id: 'tool_1', name: 'transfer_call', arguments: { target: 'Front desk' } } };
      return;
    }
    yield { type: 'text', text: last?.role === 'tool' ? 'Nobody is there. May I take a message?' : 'I can help with that.' };
  },
};

const assistant = { builtInTools: ['transfer_call' as const], transferTargets: [{ name: 'Front desk', to: '+15550111', description: '' }] };

/** The person who is called. */
class Agent {
  readonly dialled: DialledCall[] = [];
  ended: string | undefined;
  digits = '';
  leg: LoopbackLeg | undefined;
  /** When loud sound was heard last began, on the clock. */
  loudAt: number | undefined;

  answer(call: DialledCall, format: SoundFormat): void {
    this.leg = call.pickUp({ format });
    this.leg.attach({
      frame: ({ sound }) => {
        if (this.loudAt === undefined && isLoud(sound)) this.loudAt = centre.kit.clock.now();
      },
      digit: (digit) => (this.digits += digit),
      typed: () => {},
      recognised: () => {},
      ended: (cause) => (this.ended = cause),
    });
  }
}

/** Louder than speech here ever is: a square wave. */
function isLoud(sound: Sound): boolean {
  let loud = 0;
  for (const sample of sound) if (sound instanceof Int16Array ? Math.abs(sample) > 12_000 : (~sample & 0x7f) > 0x6a) loud++;
  return loud > sound.length / 3;
}

function squareWave(format: SoundFormat, frames: number): Sound {
  const sound = silence(format, samplesPerFrame(format) * frames);
  for (let i = 0; i < sound.length; i++) {
    const high = Math.floor(i / 8) % 2 === 0;
    sound[i] = sound instanceof Int16Array ? (high ? 20_000 : -20_000) : high ? 0x8c : 0x0c;
  }
  return sound;
}

async function* once(sound: Sound): AsyncGenerator<Sound> {
  yield sound;
}

async function open(
  behave: (call: DialledCall, agent: Agent) => void,
  options: { record?: boolean } = {},
): Promise<{ caller: Caller; agent: Agent }> {
  centre = await CallCentre.open({ assistant, languageModel: receptionist, ...options });
  const agent = new Agent();
  centre.gateway.whenDialled((call) => {
    agent.dialled.push(call);
    behave(call, agent);
  });
  const caller = await centre.call();
  await caller.untilQuiet();
  return { caller, agent };
}

const facts = (...types: string[]) => centre.journal.events.filter(({ type }) => types.includes(type));
const spoken = () => centre.events('speech-played').map(({ text }) => text);
const ending = () => centre.events('call-ended').map(({ by, reason }) => ({ by, reason }));

describe.each(['mulaw-8000', 'linear-16000'] satisfies SoundFormat[])('an agent (%s) answers', (format) => {
  const joined = async (options?: { record?: boolean }) => {
    const both = await open((call, agent) => void centre.kit.clock.after(3_000, () => agent.answer(call, format)), options);
    await both.caller.says('may I talk to a person');
    await centre.kit.clock.advance(6_000);
    expect(both.agent.dialled.map(({ to }) => to)).toEqual(['+15550111']);
    return both;
  };

  test('the caller is told, the lines are joined, and sound passes both ways within 60 ms', async () => {
    const { caller, agent } = await joined();
    expect(spoken().join(' ')).toContain('One moment, I am connecting you.');
    let callerHeardAt: number | undefined;
    const from = caller.heard.length;
    const saidAt = centre.kit.clock.now();
    agent.leg?.play(once(squareWave(format, 25)));
    caller.leg.play(once(squareWave('mulaw-8000', 25)));
    for (let i = 0; i < 30 && (callerHeardAt === undefined || agent.loudAt === undefined); i++) {
      await centre.kit.clock.advance(20);
      if (callerHeardAt === undefined && caller.heard.slice(from).includes(true)) callerHeardAt = centre.kit.clock.now();
    }
    expect((callerHeardAt ?? 1e9) - saidAt).toBeLessThanOrEqual(60);
    expect((agent.loudAt ?? 1e9) - saidAt).toBeLessThanOrEqual(60);
    await centre.kit.clock.advance(1_000);
    void caller.leg.sendDigits('5');
    await centre.kit.clock.advance(400);
    expect(agent.digits).toBe('5');
    await agent.leg?.hangUp();
    await centre.close();
    expect(ending()).toEqual([{ by: 'agent', reason: 'transferred' }]);
    expect(caller.ended).toBe('hung-up');
  });

  test('what is recorded names both, in order; the assistant says nothing more', async () => {
    const { caller, agent } = await joined();
    const said = spoken().length;
    await caller.says('hello is this a person');
    await centre.kit.clock.advance(3_000);
    expect(spoken().length).toBe(said);
    await caller.hangsUp();
    await centre.close();
    expect(ending()).toEqual([{ by: 'caller', reason: 'transferred' }]);
    expect(agent.ended).toBe('hung-up');
    expect(
      facts('tool-called', 'transfer-started', 'transfer-completed', 'tool-returned', 'leg-joined', 'leg-left').map((fact) => [
        fact.type,
        'party' in fact ? fact.party : 'outcome' in fact ? fact.outcome : '',
      ]),
    ).toEqual([
      ['leg-joined', 'caller'],
      ['tool-called', ''],
      ['transfer-started', ''],
      ['transfer-completed', 'connected'],
      ['leg-joined', 'agent'],
      ['tool-returned', 'ok'],
      ['leg-left', 'agent'],
      ['leg-left', 'caller'],
    ]);
  });
});

describe('a target that is not reached', () => {
  test.each([
    ['refuses', 'refused', (call: DialledCall) => call.refuse()],
    ['never answers', 'no-answer', () => {}],
  ])('%s: the assistant goes on and offers a message', async (_what, outcome, behave) => {
    const { caller } = await open(behave);
    await caller.says('may I talk to a person');
    await centre.kit.clock.advance(30_000);
    expect(facts('transfer-completed')).toMatchObject([{ outcome }]);
    expect(facts('tool-returned')).toMatchObject([{ name: 'transfer_call' }]);
    expect(facts('tool-returned')).not.toMatchObject([{ outcome: 'ok' }]);
    expect(spoken().join(' ')).toContain('May I take a message?');
    await caller.hangsUp();
    await centre.close();
    expect(ending()).toEqual([{ by: 'caller', reason: 'hung-up' }]);
  });

  test('the caller hangs up while it rings: whoever answers then is hung up', async () => {
    const { caller, agent } = await open((call, who) => void centre.kit.clock.after(5_000, () => who.answer(call, 'mulaw-8000')));
    await caller.says('may I talk to a person');
    await centre.kit.clock.advance(3_000);
    await caller.hangsUp();
    await centre.kit.clock.advance(6_000);
    expect(agent.ended).toBe('hung-up');
    await centre.close();
    expect(ending()).toEqual([{ by: 'caller', reason: 'hung-up' }]);
  });

  test('where nothing can be dialled the model has no such tool', async () => {
    centre = await CallCentre.open({ assistant, languageModel: receptionist });
    const caller = await centre.call();
    await caller.untilQuiet();
    await caller.says('may I talk to a person');
    await caller.untilQuiet();
    expect(spoken().at(-1)).toBe('I can help with that.');
    await caller.hangsUp();
  });
});

test('the recording goes on, with the agent in the place of the assistant', async () => {
  const { caller, agent } = await open((call, who) => who.answer(call, 'mulaw-8000'), { record: true });
  /** Virtual time does not wait for the real disk. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 100) {
      await centre.kit.clock.advance(100);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  await caller.says('may I talk to a person');
  await pass(2_000);
  agent.leg?.play(once(squareWave('mulaw-8000', 25)));
  await pass(1_000);
  await caller.hangsUp();
  for (let i = 0; i < 5_000 && centre.switchboard.live > 0; i++) await new Promise((resolve) => setTimeout(resolve, 2));
  const [name] = await readdir(join(centre.folder, 'business_1'));
  const bytes = new Uint8Array(await readFile(join(centre.folder, 'business_1', name)));
  expect(parseWav(bytes)).toMatchObject({ channels: 2, rate: 8000, encoding: 'mulaw' });
  const right = bytes.subarray(58).filter((_byte, index) => index % 2 === 1);
  let loudFrames = 0;
  for (let at = 0; at + 160 <= right.length; at += 160) if (isLoud(right.subarray(at, at + 160))) loudFrames++;
  expect(loudFrames).toBe(25);
});
