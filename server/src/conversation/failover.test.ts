/** Providers that fail at any stage and moment: the caller hears something soon, and the call goes on. */
import type { CallFact } from '@tandem/contract';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import type { Tool } from '#models/tool.ts';
import type { Transcriber } from '#models/transcriber.ts';
import { KeptSpeech } from './kept-speech.ts';
import { ProviderHealth } from './provider-health.ts';
import { type Script, Stage, type StageOptions, type VoiceManners } from './testing.ts';

const GREETED = 2_000;
const HOURS = 'We are open from nine to five today. On Sunday we are closed all day. On Monday we open again.';
const no = (category: 'retryable' | 'auth' = 'retryable') => new VendorError('one', category, 'no');

const withModels = (scripts: Record<string, Script>, options: StageOptions = {}) =>
  Stage.set({
    ...options,
    models: (kit, stage) => {
      const [first, ...others] = Object.entries(scripts).map(([name, script]) => stage.languageModel(script, name));
      return { languageModels: [first, ...others], ...options.models?.(kit, stage) };
    },
  });

const withVoices = (first: VoiceManners, ...others: VoiceManners[]) =>
  Stage.set({
    answers: () => HOURS,
    models: (_, stage) => ({ synthesizers: [stage.synthesizer(first), ...others.map((manners) => stage.synthesizer(manners))] }),
  });

const asked = async (stage: Stage, until = 16_000) => {
  await stage.says('When are you open?', GREETED, { ms: 900 });
  await stage.until(until);
};
const failures = (stage: Stage) =>
  stage.of('provider-failed').map(({ stage: where, provider, category, next }) => [where, provider, category, next]);
const heard = (stage: Stage) => stage.of('turn-completed').at(-1)?.heard;

/** The longest time without sound while it is the assistant's turn. */
function longestSilence(stage: Stage, turn = 1): number {
  const from = stage.of('turn-committed').find((fact) => fact.turn === turn)?.at ?? 0;
  const to = stage.of('turn-completed').find((fact) => fact.turn === turn)?.at ?? stage.now;
  let longest = 0;
  let last = from;
  for (const { at, loud, quiet } of stage.heard) {
    if (at < from || at > to || (!loud && !quiet)) continue;
    longest = Math.max(longest, at - last);
    last = at;
  }
  return longest;
}

describe('language models', () => {
  test('a failure before the first word: the next one answers', async () => {
    const stage = await withModels({ one: () => [40, no()], two: () => 'We are open.' });
    await asked(stage);
    expect(failures(stage)).toEqual([['language-model', 'one', 'retryable', 'two']]);
    expect([heard(stage), stage.ending]).toEqual(['We are open.', undefined]);
    expect(await stage.strike()).toBe(0);
  });

  test('no first word in time: the next one is asked after two seconds, the first request is called off', async () => {
    const stage = await withModels({ one: () => [60_000, 'Late.'], two: () => 'We are open.' });
    await asked(stage);
    expect(stage.askings[1].at - stage.askings[0].at).toBe(2_000);
    expect(stage.askings[0].signal.aborted).toBe(true);
    expect(heard(stage)).toBe('We are open.');
    expect(await stage.strike()).toBe(0);
  });

  test('a failure in the middle: what was said ends at a clause, and the next one goes on behind it', async () => {
    const stage = await withModels({
      one: () => ['We are open from nine to five today. ', 'On Sunday we', 300, no()],
      two: ({ continueFrom }) => (continueFrom === undefined ? 'From the start.' : 'On Sunday we are closed.'),
    });
    await asked(stage, 10_000);
    expect(stage.requests[1].continueFrom).toBe('We are open from nine to five today.');
    expect(heard(stage)).toBe('We are open from nine to five today. On Sunday we are closed.');
    expect(stage.conversation.messages.at(-1)).toEqual({ role: 'assistant', text: heard(stage) });
    await stage.strike();
  });

  test('one that is slow but keeps ending clauses has not failed, however long its answer takes', async () => {
    const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
    const stage = await withModels({ one: () => days.flatMap((day) => [1_500, `On ${day} we are open. `]), two: () => 'No.' });
    await asked(stage, 25_000);
    expect(failures(stage)).toEqual([]);
    expect(heard(stage)).toBe(days.map((day) => `On ${day} we are open.`).join(' '));
    await stage.strike();
  });

  test('one that answers without a word has failed', async () => {
    const stage = await withModels({ one: () => [], two: () => 'We are open.' });
    await asked(stage);
    expect([heard(stage), failures(stage)[0][1]]).toEqual(['We are open.', 'one']);
    await stage.strike();
  });

  test('nobody is left: a last resort is said where there is one, and the call goes on with it', async () => {
    const taken: string[] = [];
    const stage = await withModels(
      { one: () => [no()], two: () => [no('auth')] },
      {
        models: () => ({
          taker: {
            active: false,
            take: ({ text }) => {
              taken.push(text);
              return taken.length > 1 ? { say: 'Thank you, I have noted that.' } : undefined;
            },
            lastResort: () => 'I have a problem. May I take a message?',
          },
        }),
      },
    );
    await asked(stage, 8_000);
    expect(heard(stage)).toBe('I have a problem. May I take a message?');
    await stage.says('Please call me back', 8_500);
    await stage.until(14_000);
    expect(heard(stage)).toBe('Thank you, I have noted that.');
    expect(stage.ending).toBeUndefined();
    await stage.strike();
  });

  test('who fails again and again is not asked any more, in any call, until its back-off is over', async () => {
    let health: ProviderHealth | undefined;
    const call = (): Promise<Stage> =>
      withModels(
        { one: () => [no()], two: () => 'Yes.' },
        {
          models: (kit) => {
            health ??= new ProviderHealth(kit.clock);
            return { health };
          },
        },
      );
    const stage = await call();
    for (let at = GREETED; at < GREETED + 8_000; at += 1_000) {
      stage.far.type(`Question ${at}`);
      await stage.until(at + 1_000);
    }
    expect(stage.askings.filter(({ name }) => name === 'one').length).toBe(5);
    expect(health?.breaker('language-model', 'one').state).not.toBe('closed');
    expect(stage.askings.filter(({ name }) => name === 'two').length).toBe(8);
    await stage.strike();
  });

  test('a late first word is asked for a second time; the first part wins, the other is called off', async () => {
    let n = 0;
    const stage = await withModels(
      { one: () => (n++ === 0 ? [1_800, 'Slow.'] : [100, 'Quick.']) },
      {
        plan: { policy: { hedging: true } },
        models: (kit) => {
          const health = new ProviderHealth(kit.clock);
          for (let i = 0; i < 20; i++) health.latency('language-model', { name: 'one' }).add(400);
          return { health };
        },
      },
    );
    await asked(stage);
    expect(stage.askings[1].at - stage.askings[0].at).toBe(400);
    expect([heard(stage), stage.askings[0].signal.aborted, failures(stage)]).toEqual(['Quick.', true, []]);
    expect(await stage.strike()).toBe(0);
  });
});

describe('hedging', () => {
  const known = (clock: ConstructorParameters<typeof ProviderHealth>[0], name: string, ms: number) => {
    const health = new ProviderHealth(clock);
    for (let i = 0; i < 20; i++) health.latency('language-model', { name }).add(ms);
    return health;
  };

  test('the quicker request fails in the middle: the next model goes on', async () => {
    let n = 0;
    const stage = await withModels(
      { one: () => (n++ === 0 ? [600, 'Slow.'] : [100, 'We are open. And ', no()]), two: () => ['From nine to five.'] },
      { plan: { policy: { hedging: true } }, models: (kit) => ({ health: known(kit.clock, 'one', 400) }) },
    );
    await asked(stage);
    expect(stage.askings.slice(0, 3).map(({ name }) => name)).toEqual(['one', 'one', 'two']);
    expect(failures(stage)).toEqual([['language-model', 'one', 'retryable', 'two']]);
    expect([heard(stage), stage.ending]).toEqual(['We are open. From nine to five.', undefined]);
    expect(await stage.strike()).toBe(0);
  });

  test('who was overtaken counts with the time it had: a model does not seem quicker for being hedged', async () => {
    let health: ProviderHealth | undefined;
    let n = 0;
    const stage = await withModels(
      { one: () => (n++ === 0 ? [3_000, 'Slow.'] : [100, 'Quick.']), two: () => 'Poorer.' },
      { plan: { policy: { hedging: true } }, models: (kit) => ({ health: (health ??= known(kit.clock, 'one', 400)) }) },
    );
    await asked(stage, 6_000);
    const window = health?.latency('language-model', { name: 'one' });
    expect(heard(stage)).toBe('Quick.');
    expect(window?.count).toBe(22);
    expect(window?.percentile(1)).toBe(500);
    await stage.strike();
  });
});

describe('voices', () => {
  test('a line that the second voice made is said by the first again when that is well', async () => {
    const kept = new KeptSpeech();
    let down = true;
    const greet = async () => {
      const stage = await Stage.set({
        models: (_, s) => ({ kept, synthesizers: [s.synthesizer({ name: 'one', fails: () => down }), s.synthesizer({ name: 'two' })] }),
      });
      await stage.until(3_000);
      const said = stage.said.filter(({ text }) => text === 'Hello,').map(({ name }) => name);
      await stage.strike();
      return said;
    };
    expect(await greet()).toEqual(['one', 'two']);
    // Still down: what the second voice has made is there at once.
    expect(await greet()).toEqual(['one']);
    down = false;
    expect(await greet()).toEqual(['one']);
    expect(await greet()).toEqual([]);
  });

  test('a failure before the first sound: the next voice says the clause', async () => {
    const stage = await withVoices({ name: 'one', fails: () => true }, { name: 'two' });
    await asked(stage);
    expect(heard(stage)).toBe(HOURS);
    expect(failures(stage)[0]).toEqual(['synthesizer', 'one', 'retryable', 'two']);
    expect(await stage.strike()).toBe(0);
  });

  test('a failure in the middle of a clause: the next voice says the rest of it, never from its start', async () => {
    for (const manners of [{ failsAfterMs: 700 }, { stallsAfterMs: 700 }]) {
      const stage = await withVoices({ name: 'one', ...manners }, { name: 'two' });
      await asked(stage, 20_000);
      const clause = 'We are open from nine to five today.';
      const { text } = stage.said.find(({ name, text: said }) => name === 'two' && clause.endsWith(said)) ?? { text: '' };
      // 700 ms are 14 characters: "We are open fr".
      expect(text).toBe('from nine to five today.');
      expect(heard(stage)).toBe(HOURS);
      for (const { words, fromAt, toAt } of stage.of('speech-played')) {
        expect(words.map(({ toMs }) => toMs)).toEqual(words.map(({ toMs }) => toMs).toSorted((a, b) => a - b));
        expect(words.at(-1)?.toMs ?? 0).toBeLessThanOrEqual(toAt - fromAt + 1);
      }
      expect(await stage.strike()).toBe(0);
    }
  });

  test('a voice that says nothing is left after 1.2 s', async () => {
    const stage = await withVoices({ name: 'one', delayMs: Number.POSITIVE_INFINITY }, { name: 'two' });
    await stage.until(4_000);
    expect(stage.of('reply-started')[0].at).toBeLessThanOrEqual(1_400);
    await stage.strike();
  });

  test('a caller who interrupts a clause of two voices has heard exactly its words', async () => {
    const stage = await withVoices({ name: 'one', failsAfterMs: 700 }, { name: 'two' });
    await stage.says('When are you open?', GREETED, { ms: 900 });
    await stage.until(5_400);
    stage.far.type('stop');
    await stage.until(5_420);
    const [cut] = stage.of('reply-interrupted');
    expect(cut.heard.length).toBeGreaterThan(10);
    expect(HOURS.startsWith(cut.heard)).toBe(true);
    await stage.strike();
  });
});

describe('transcribers', () => {
  const set = (more: Partial<Transcriber> = {}) =>
    Stage.set({ models: (_, stage) => ({ transcribers: [stage.transcriber('one', more), stage.transcriber('two', more)] }) });

  test('one that dies while the caller speaks: the next is given again what no final has covered', async () => {
    const stage = await set();
    await stage.says('Good morning.', GREETED, { ms: 900 });
    await stage.says('When are you open', 7_000, { ms: 1_500 });
    await stage.until(7_800);
    stage.transcripts?.failed(no());
    await stage.until(12_000);
    const again = stage.pushed.filter(({ name }) => name === 'two');
    expect(again[0].at).toBeGreaterThan(6_500);
    expect(again[0].at).toBeLessThanOrEqual(7_000);
    expect(again.map(({ at }) => at)).toEqual(again.map((_, i) => again[0].at + i * 20));
    expect(failures(stage)).toEqual([['transcriber', 'one', 'retryable', 'two']]);
    expect(stage.of('turn-committed').at(-1)?.text).toBe('When are you open');
    expect(await stage.strike()).toBe(0);
  });

  test('one that tells no times: what a final in the middle of speech has covered is not given again', async () => {
    const stage = await set();
    await stage.noise(7_000, 3_000);
    await stage.until(9_000);
    stage.transcripts?.final({ text: 'When are you open', fromAt: 0, toAt: 0, confidence: undefined, words: undefined });
    await stage.until(9_100);
    stage.transcripts?.failed(no());
    await stage.until(9_200);
    const [first] = stage.pushed.filter(({ name }) => name === 'two');
    expect(first.at).toBeGreaterThanOrEqual(8_600);
    expect(first.at).toBeLessThanOrEqual(9_000);
    await stage.strike();
  });

  test('when nobody speaks nothing is given again', async () => {
    const stage = await set();
    await stage.says('Good morning.', GREETED, { ms: 900 });
    await stage.until(9_000);
    stage.transcripts?.failed(no());
    await stage.until(9_100);
    expect(stage.pushed.filter(({ name }) => name === 'two')[0].at).toBeGreaterThanOrEqual(8_980);
    await stage.strike();
  });

  test('a wrong key is not tried again; the other one is', async () => {
    const stage = await set();
    await stage.until(3_000);
    stage.transcripts?.failed(no('auth'));
    await stage.until(3_100);
    expect([stage.streams, failures(stage)]).toEqual([1, [['transcriber', 'one', 'auth', 'two']]]);
    await stage.strike();
  });
});

describe('waiting', () => {
  const fillers = { policy: { fillers: true } };

  test('a late answer: a filler is heard in time, counted apart, and is no part of what was answered', async () => {
    const stage = await Stage.set({ plan: fillers, answers: () => [1_600, 'We are open.'] });
    await asked(stage, 8_000);
    const turn = stage.of('turn-completed')[1];
    const { fillerAt = 0, firstPacketAt = 0, committedAt = 0 } = turn.stages;
    expect(fillerAt - committedAt).toBeGreaterThanOrEqual(700);
    expect(fillerAt - committedAt).toBeLessThanOrEqual(760);
    expect(firstPacketAt).toBeGreaterThan(fillerAt);
    expect(turn.heard).toBe('We are open.');
    const played = stage.of('speech-played').filter(({ turn: of }) => of === 1);
    expect(played.map(({ filler, text }) => [filler ?? false, text])).toEqual([
      [true, expect.stringMatching(/./)],
      [false, 'We are open.'],
    ]);
    expect(stage.conversation.messages.at(-1)).toEqual({ role: 'assistant', text: 'We are open.' });
    expect(await stage.strike()).toBe(0);
  });

  test('an answer that is there before the filler begins is not preceded by one', async () => {
    const stage = await Stage.set({ plan: fillers, answers: () => [600, 'We are open.'] });
    await asked(stage);
    expect(stage.of('speech-played').filter(({ filler }) => filler)).toEqual([]);
    await stage.strike();
  });

  test('whatever is late, nobody waits 1.5 s for a first sound or 4 s for the next', async () => {
    const slow: Record<string, StageOptions> = {
      'the model': {
        answers: () => [12_000, 'We are open.'],
        plan: { policy: { fillers: true, firstTokenMs: 20_000, attemptTokenMs: 20_000 } },
      },
      'the middle': { answers: () => ['We are open today. ', 4_500, 'On Sunday we are closed.'], plan: fillers },
      'the rest of a sentence': { answers: () => ['We are open ', 4_500, 'today.'], plan: fillers },
      retrieval: { retrieve: () => new Promise(() => {}), plan: { policy: { fillers: true, retrievalMs: 6_000 } } },
    };
    for (const [what, options] of Object.entries(slow)) {
      const stage = await Stage.set(options);
      await asked(stage, 24_000);
      const { stages } = stage.of('turn-completed')[1];
      const first = Math.min(stages.fillerAt ?? Number.POSITIVE_INFINITY, stages.firstPacketAt ?? Number.POSITIVE_INFINITY);
      expect([what, first - (stages.committedAt ?? 0) <= 1_500]).toEqual([what, true]);
      expect([what, longestSilence(stage) <= 4_000]).toEqual([what, true]);
      const fillers = stage
        .of('speech-played')
        .filter(({ filler }) => filler)
        .map(({ text }) => text);
      for (const [i, text] of fillers.slice(1).entries()) expect(text).not.toBe(fillers[i]);
      expect(stage.ending).toBeUndefined();
      expect(await stage.strike()).toBe(0);
    }
  });

  test('an assistant without fillers still says that it takes longer: no dead air while a tool runs for 8 s', async () => {
    const tool: Tool = {
      name: 'look_up',
      description: 'Looks something up',
      schema: z.object({}),
      sideEffect: false,
      interruptible: true,
      timeoutMs: 10_000,
      run: (_, { signal }) => stage.kit.clock.sleep(8_000, signal),
    };
    const stage: Stage = await Stage.set({
      tools: [tool],
      answers: ({ messages }) =>
        messages.at(-1)?.role === 'tool' ? 'We are open.' : [{ type: 'tool-call', call: { id: 't', name: 'look_up', arguments: {} } }],
    });
    await asked(stage, 20_000);
    expect(longestSilence(stage)).toBeLessThanOrEqual(4_000);
    expect(heard(stage)).toBe('We are open.');
    await stage.strike();
  });

  test.each(['greeting', 'answer'])('no voice answers at all: from the %s on a tone says that somebody is there', async (from) => {
    const delays = from === 'greeting' ? [Number.POSITIVE_INFINITY] : [40, 40];
    const stage = await Stage.set({
      answers: () => 'We are open.',
      models: (_, s) => {
        const well = s.synthesizer({ delayMs: 40 });
        const dead = s.synthesizer({ delayMs: Number.POSITIVE_INFINITY });
        let n = 0;
        return {
          synthesizers: [
            { ...well, speak: (request) => (n++ < delays.length - (from === 'greeting' ? 1 : 0) ? well : dead).speak(request) },
          ],
        };
      },
    });
    await asked(stage, 30_000);
    let silentFrom = from === 'greeting' ? 0 : (stage.of('turn-committed')[0]?.at ?? 0);
    for (const [begin, end] of stage.sounds.filter(([, to]) => to > silentFrom)) {
      expect(begin - silentFrom).toBeLessThanOrEqual(4_000);
      silentFrom = end;
    }
    expect(silentFrom).toBeGreaterThan(5_000);
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'model-failed' });
    expect(await stage.strike()).toBe(0);
  });

  test('the fillers are there although the first voice is down', async () => {
    const stage = await Stage.set({
      plan: fillers,
      answers: () => [2_000, 'We are open.'],
      models: (_, self) => ({ synthesizers: [self.synthesizer({ name: 'one', fails: () => true }), self.synthesizer({ name: 'two' })] }),
    });
    await asked(stage);
    expect(stage.of('speech-played').filter(({ filler }) => filler).length).toBeGreaterThanOrEqual(1);
    await stage.strike();
  });

  test('who interrupts a filler has heard nothing of the answer', async () => {
    const stage = await Stage.set({ plan: fillers, answers: () => [4_000, 'We are open.'] });
    await stage.says('When are you open?', GREETED, { ms: 900 });
    await stage.until(4_400);
    stage.far.type('never mind');
    await stage.until(4_420);
    expect(stage.of('reply-interrupted')).toMatchObject([{ heard: '' }]);
    expect(stage.conversation.messages.filter(({ role }) => role === 'assistant')).toHaveLength(1);
    expect(stage.of('turn-completed')[1]).toMatchObject({ turn: 1, heard: '', interrupted: true });
    await stage.strike();
  });
});

/** Every stage, fault and moment: the caller hears something, and the call ends in words or goes on. */
describe('the matrix of faults', () => {
  const faults: Record<string, StageOptions['models']> = {
    'model refuses': (_, s) => ({ languageModels: [s.languageModel(() => [no()], 'one'), s.languageModel(() => 'Yes, we are.', 'two')] }),
    'model stalls': (_, s) => ({
      languageModels: [s.languageModel(() => [60_000, 'x'], 'one'), s.languageModel(() => 'Yes, we are.', 'two')],
    }),
    'model stops': (_, s) => ({
      languageModels: [s.languageModel(() => ['Yes, ', 60_000], 'one'), s.languageModel(() => 'we are open.', 'two')],
    }),
    'all models refuse': (_, s) => ({ languageModels: [s.languageModel(() => [no()], 'one'), s.languageModel(() => [no()], 'two')] }),
    'all models stall': (_, s) => ({ languageModels: [s.languageModel(() => [60_000], 'one'), s.languageModel(() => [60_000], 'two')] }),
    'voice refuses': (_, s) => ({ synthesizers: [s.synthesizer({ name: 'one', fails: () => true }), s.synthesizer({ name: 'two' })] }),
    'voice stalls': (_, s) => ({ synthesizers: [s.synthesizer({ name: 'one', delayMs: 60_000 }), s.synthesizer({ name: 'two' })] }),
    'voice stops': (_, s) => ({ synthesizers: [s.synthesizer({ name: 'one', stallsAfterMs: 200 }), s.synthesizer({ name: 'two' })] }),
    'retrieval hangs': () => ({ retrieve: () => new Promise(() => {}) }),
    'retrieval fails': () => ({ retrieve: () => Promise.reject(new Error('no')) }),
  };
  for (const [fault, models] of Object.entries(faults))
    for (const speculation of ['off', 'words', 'speech'] as const)
      test(`${fault}, speculation ${speculation}`, async () => {
        const stage = await Stage.set({ answers: () => 'Yes, we are open.', models, plan: { policy: { speculation, fillers: true } } });
        await asked(stage, 40_000);
        const committed = stage.of('turn-committed')[0].at;
        const answered = stage.of('speech-played').filter(({ turn }) => turn === 1);
        expect(answered.length).toBeGreaterThan(0);
        expect(answered[0].fromAt - committed).toBeLessThanOrEqual(1_500);
        expect(longestSilence(stage)).toBeLessThanOrEqual(4_000);
        const ended: CallFact | undefined = stage.of('turn-completed').find(({ turn }) => turn === 1);
        expect(ended).toBeDefined();
        if (fault.startsWith('all')) expect(stage.ending).toEqual({ by: 'assistant', reason: 'model-failed' });
        else expect(answered.some(({ filler }) => !filler)).toBe(true);
        expect(await stage.strike()).toBe(0);
      });
});
