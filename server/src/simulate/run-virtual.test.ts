import { describe, expect, test } from 'vitest';
import { systemKit } from '#kit/kit.ts';
import type { CallEvent } from '@tandem/contract';
import { scenario, type ScenarioBuilder } from './builder.ts';
import type { SimulatedCall } from './outcome.ts';
import { runScenario, type RunOptions } from './run.ts';
import { testRooms } from './testing.ts';

const kit = systemKit('error');
const rooms = testRooms();
const play = (built: ScenarioBuilder, options: Partial<RunOptions> = {}) =>
  runScenario(built.build(), { kit, rooms, sound: false, ...options });
const events = <T extends CallEvent['type']>(call: SimulatedCall, type: T) =>
  call.events.filter((event): event is Extract<CallEvent, { type: T }> => event.type === type);
const said = (call: SimulatedCall) =>
  call.lines
    .filter(({ who }) => who === 'assistant')
    .map(({ text }) => text)
    .join(' ');
const committed = (call: SimulatedCall) => events(call, 'turn-committed').map(({ text }) => text);
const ending = (call: SimulatedCall) => events(call, 'call-ended').map(({ by, reason }) => ({ by, reason }));
const stats = (call: SimulatedCall) => events(call, 'line-measured')[0];

const hours = scenario('hours').hears('greeting').says('when do you close on friday').hears('answer').hangsUp();

describe('a simulated call', () => {
  test('goes over real SIP and RTP into the whole engine and back', async () => {
    const call = await play(hours, { sound: true });
    expect(call.fault).toBeUndefined();
    expect(events(call, 'leg-joined')[0]).toMatchObject({ gateway: 'sip', codec: 'PCMU' });
    expect(committed(call)).toEqual(['when do you close on friday']);
    expect(said(call)).toContain('On Friday we are open from eight to four.');
    expect(ending(call)).toEqual([{ by: 'caller', reason: 'hung-up' }]);
    expect(stats(call).packetsReceived).toBeGreaterThan(400);
    expect(stats(call)).toMatchObject({ packetsLost: 0, packetsConcealed: 0, framesLate: 0 });
    expect(call.sound?.caller).toHaveLength(call.sound?.assistant.length ?? -1);
    expect((call.sound?.caller.length ?? 0) / 8).toBeCloseTo(events(call, 'recording-stopped')[0].durationMs, -1);
  });

  test('is measured at the caller ear', async () => {
    const { measures, lines } = await play(hours);
    expect(measures.voiceToVoiceMs).toHaveLength(1);
    const line = lines.find(({ who }) => who === 'caller');
    const answer = lines.find(({ who, turn }) => who === 'assistant' && turn === 1);
    // The wire takes 20 ms more than the journal knows of.
    expect(measures.voiceToVoiceMs[0]).toBeCloseTo((answer?.fromMs ?? 0) - (line?.toMs ?? 0) + 20, -2);
    expect(measures).toMatchObject({ cutOffs: 0, falseInterruptions: 0 });
    expect(measures.longestDeadAirMs).toBeGreaterThanOrEqual(measures.voiceToVoiceMs[0]);
  });

  test('the same seed gives the same events on every run, another seed others', async () => {
    const noisy = hours.over({ lossPct: 4, burstPackets: 2, jitterMs: 30, noiseDb: -55 });
    for (const seed of [1, 2]) {
      const [first, second] = [await play(noisy, { seed }), await play(noisy, { seed })];
      expect(second.hash).toBe(first.hash);
      expect(second.events).toEqual(first.events);
      expect(second.measures).toEqual(first.measures);
    }
    const hashes = await Promise.all([1, 2, 3].map(async (seed) => (await play(noisy, { seed })).hash));
    expect(new Set(hashes).size).toBe(3);
  });

  test('calls at once do not disturb each other', async () => {
    const alone = await play(hours);
    const together = await Promise.all([1, 2, 3].map(() => play(hours)));
    expect(together.map(({ hash }) => hash)).toEqual([alone.hash, alone.hash, alone.hash]);
  });

  test('the assistant ends it when the caller says goodbye', async () => {
    const call = await play(scenario('goodbye').hears('greeting').says('thank you goodbye').pauses(20_000));
    expect(ending(call)).toEqual([{ by: 'assistant', reason: 'goodbye' }]);
    expect(call.durationMs).toBeLessThan(20_000);
  });

  test('a caller who only listens is asked, and the call ends politely', async () => {
    const call = await play(scenario('silence').hears('greeting').pauses(60_000));
    expect(events(call, 'reply-started').map(({ kind }) => kind)).toEqual(['greeting', 'reprompt', 'reprompt', 'goodbye']);
    expect(ending(call)).toEqual([{ by: 'assistant', reason: 'idle' }]);
  });

  test('hangs up in the middle of an answer', async () => {
    const call = await play(scenario('gone').hears('greeting').says('how can I pay').hangsUp({ after: 1_500 }));
    expect(ending(call)).toEqual([{ by: 'caller', reason: 'hung-up' }]);
    expect(said(call)).not.toContain('without interest');
  });

  test('an endless script ends when its time is over', async () => {
    const call = await play(scenario('long').with({ maxMs: 6_000 }).hears('greeting').pauses(60_000));
    expect(call.durationMs).toBeLessThan(8_000);
    expect(ending(call)).toEqual([{ by: 'caller', reason: 'hung-up' }]);
  });

  test('a step that can never come is the fault of the scenario', async () => {
    const call = await play(scenario('never').hears('greeting').says('when do you close on friday').bargesIn('stop', { atWord: 99 }));
    expect(call.fault).toMatch(/^step 3: the assistant had finished/);
    expect(ending(call)).toEqual([{ by: 'caller', reason: 'hung-up' }]);
  });

  test('what is stopped from outside rejects with its reason', async () => {
    const reason = new Error('enough');
    await expect(play(hours, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

describe('the caller', () => {
  const pay = scenario('pay').hears('greeting').says('how can I pay');

  test('barges in at the word: what was heard ends there', async () => {
    const call = await play(pay.bargesIn('wait stop', { atWord: 6 }).hears('answer').hangsUp());
    const [interrupted] = events(call, 'reply-interrupted');
    // You can pay by card, by | phone: the sixth word has begun; so many words more are said until the engine is sure.
    const heard = interrupted.heard.split(' ').length;
    expect(heard).toBeGreaterThanOrEqual(5);
    expect(heard).toBeLessThanOrEqual(9);
    expect(committed(call)).toEqual(['how can I pay', 'wait stop']);
    expect(call.lines.find(({ interrupted: cut }) => cut)?.who).toBe('assistant');
  });

  test('barges in at a time', async () => {
    const call = await play(pay.bargesIn('wait stop', { atMs: 1_000 }).hangsUp());
    const barge = call.lines.find(({ kind }) => kind === 'barge-in');
    const answer = call.lines.find(({ turn }) => turn === 1);
    expect((barge?.fromMs ?? 0) - (answer?.fromMs ?? 0)).toBeGreaterThanOrEqual(1_000);
    expect((barge?.fromMs ?? 0) - (answer?.fromMs ?? 0)).toBeLessThan(1_100);
  });

  test('says that it listens, and is not taken for an interruption', async () => {
    const call = await play(pay.backchannels('uh-huh', { atWord: 4 }).hears('answer').hangsUp());
    expect(call.fault).toBeUndefined();
    expect(call.measures.falseInterruptions).toBe(0);
    expect(said(call)).toContain('without interest.');
    expect(call.lines.map(({ kind }) => kind)).toContain('backchannel');
  });

  test('presses keys', async () => {
    const call = await play(scenario('keys').hears('greeting').presses('12#').pauses(500).hangsUp());
    expect(events(call, 'digit-received').map(({ digit }) => digit)).toEqual(['1', '2', '#']);
  });

  test('types', async () => {
    const call = await play(scenario('typed').hears('greeting').types('where can I park').hears('answer').hangsUp());
    expect(events(call, 'turn-committed')[0]).toMatchObject({ source: 'typed', text: 'where can I park' });
    expect(said(call)).toContain('Rope Lane');
  });

  test('pauses inside a line: both parts are heard', async () => {
    const call = await play(
      scenario('pause')
        .hears('greeting')
        .says('I would like to know when you are open on friday', { pauses: [{ afterWord: 6, ms: 500 }] })
        .hears('answer')
        .hangsUp(),
    );
    expect(committed(call).at(-1)).toBe('I would like to know when you are open on friday');
    expect(events(call, 'transcript-final').length).toBeGreaterThan(1);
  });

  test('coughs', async () => {
    const call = await play(pay.sounds('cough', { ms: 300, after: 1_500 }).hears('answer').hangsUp());
    expect(said(call)).toContain('without interest.');
    expect(committed(call)).toEqual(['how can I pay']);
  });
});

describe('the line', () => {
  const lossy = (lossPct: number, burstPackets = 1) => play(hours.over({ lossPct, burstPackets }), { seed: 5 });

  test('loses what it says, in bursts as long as it says', async () => {
    const call = await lossy(10);
    const { packetsLost, packetsReceived, packetsConcealed } = stats(call);
    expect(packetsLost / (packetsLost + packetsReceived)).toBeGreaterThan(0.05);
    expect(packetsLost / (packetsLost + packetsReceived)).toBeLessThan(0.16);
    expect(packetsConcealed).toBeGreaterThan(10);
  });

  test('of a caller of whom nothing arrives no word is heard', async () => {
    const call = await play(scenario('deaf').over({ lossPct: 100 }).says('when do you close', { at: 2_000 }).pauses(3_000).hangsUp());
    expect(events(call, 'transcript-final')).toEqual([]);
    expect(call.lines.some(({ who }) => who === 'caller')).toBe(true);
  });

  test('shakes: packets overtake each other, and the words still arrive', async () => {
    const call = await play(hours.over({ jitterMs: 60 }));
    expect(stats(call).jitterMs).toBeGreaterThan(5);
    expect(committed(call)).toEqual(['when do you close on friday']);
    const [calm] = (await play(hours)).measures.voiceToVoiceMs;
    expect(call.measures.voiceToVoiceMs[0]).toBeGreaterThan(calm);
  });

  test('echoes: the assistant does not hear itself', async () => {
    const call = await play(hours.over({ echoDb: -26, echoDelayMs: 120 }));
    expect(events(call, 'reply-interrupted')).toEqual([]);
    expect(committed(call)).toEqual(['when do you close on friday']);
  });

  test('carries noise under the voice, as loud as it says', async () => {
    const call = await play(hours.over({ noiseDb: -50 }), { sound: true });
    const sound = call.sound?.caller.subarray(8_000, 16_000) ?? new Uint8Array();
    const { mulawLevel } = await import('#audio/level.ts');
    expect(mulawLevel(sound)).toBeCloseTo(-50, 0);
    expect(committed(call)).toEqual(['when do you close on friday']);
  });
});

describe('models and tools', () => {
  const booking = {
    name: 'book',
    description: 'Books a table',
    input: { type: 'object', properties: { day: { type: 'string' } }, required: ['day'] },
    sideEffect: true,
  };
  const table = (answers: { with?: Record<string, unknown>; result?: unknown; fails?: boolean; tookMs?: number }[]) =>
    scenario('table')
      .with({
        business: {
          name: 'Olive',
          assistant: { greeting: 'Olive.' },
          tools: [{ ...booking, answers: answers.map((answer) => ({ result: {}, ...answer })) }],
        },
        answers: [{ when: 'table', call: { tool: 'book', with: { day: 'friday' } }, thenSay: 'Your table is number {result.table}.' }],
      })
      .hears('greeting')
      .says('a table for friday please')
      .hears('answer')
      .hangsUp();

  test('a tool answers from the file', async () => {
    const call = await play(table([{ with: { day: 'friday' }, result: { table: 12 }, tookMs: 300 }]));
    expect(events(call, 'tool-called')[0]).toMatchObject({ name: 'book', arguments: { day: 'friday' } });
    expect(events(call, 'tool-returned')[0]).toMatchObject({ outcome: 'ok', tookMs: 300 });
    expect(said(call)).toContain('Your table is number 12.');
  });

  test('a tool fails, and one never answers', async () => {
    const failed = await play(table([{ fails: true, result: 'no table is free' }]));
    expect(events(failed, 'tool-returned')[0]).toMatchObject({ outcome: 'failed' });
    const hangs = await play(table([{ tookMs: 60_000 }]));
    expect(events(hangs, 'tool-returned')[0]).toMatchObject({ outcome: 'unknown' });
  });

  test('the business of the file answers from its documents, and knows nothing of the demo business', async () => {
    const garage = scenario('garage')
      .with({
        business: { name: 'Garage', documents: [{ title: 'Tyres', text: 'A change of tyres costs forty euros and takes one hour.' }] },
      })
      .hears('greeting')
      .says('how much is a change of tyres')
      .hears('answer')
      .says('how much is a crown')
      .hears('answer')
      .hangsUp();
    const call = await play(garage);
    expect(said(call)).toContain('forty euros');
    expect(said(call)).not.toContain('six hundred');
  });

  test('providers take as long as the file says', async () => {
    const slow = await play(hours.with({ delays: { firstTokenMs: 900, firstSoundMs: 500, transcriberMs: 600 } }));
    const [quick] = (await play(hours)).measures.voiceToVoiceMs;
    expect(slow.measures.voiceToVoiceMs[0]).toBeGreaterThan(quick + 500);
  });
});
