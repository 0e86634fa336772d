/** Whole conversations with a model that hears and speaks, on the virtual clock. */
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { VendorError } from '#kit/errors.ts';
import { type ScriptedSession, ScriptedSpeech, type ScriptedSpeechOptions, type SpokenRule } from '#models/scripted/speech-to-speech.ts';
import type { Tool } from '#models/tool.ts';
import { talkOf } from './hand-over.ts';
import { ProviderHealth } from './provider-health.ts';
import { Stage, type StageOptions } from './testing.ts';

/** 29 characters of 60 ms: over before 2 s. */
const GREETING = 'Hello, this is the test line.';
const GREETED = 2_000;
const ANSWER = 'We are open from nine to five on all days.';
const ASKED = 'When are you open?';

let stage: Stage;
let session: ScriptedSession;
let speech: ScriptedSpeech;

const set = async (script: ScriptedSpeechOptions = {}, options: StageOptions = {}) => {
  stage = await Stage.set({
    ...options,
    talk: (given, kit) => {
      speech = new ScriptedSpeech(kit, { heard: [ASKED], rules: [{ say: ANSWER }], firstMs: 200, wordsMs: 300, ...script });
      return talkOf(given, speech);
    },
  });
  [session] = speech.sessions;
  return stage;
};
const says = (rules: SpokenRule[], options?: StageOptions) => set({ rules }, options);

afterEach(async () => {
  expect(await stage.strike()).toBe(0);
  expect(speech.sessions).toEqual([]);
});

const types = () => stage.facts.map(({ type }) => type);
const played = () => stage.of('speech-played').map(({ text }) => text);

describe('a turn', () => {
  test('greets, hears, answers: the facts of any conversation', async () => {
    await set();
    await stage.noise(GREETED, 1_000);
    await stage.until(8_000);
    expect(session.asked).toEqual([{ say: GREETING }]);
    expect(played()).toEqual([GREETING, ANSWER]);
    expect(stage.of('turn-committed')).toMatchObject([{ turn: 1, text: ASKED, source: 'speech', rule: 'model' }]);
    expect(stage.of('transcript-final')).toMatchObject([{ turn: 1, text: ASKED }]);
    expect(stage.of('reply-started')).toMatchObject([
      { turn: 0, kind: 'greeting' },
      { turn: 1, kind: 'answer' },
    ]);
    expect(stage.of('turn-completed')).toMatchObject([
      { turn: 0, heard: GREETING, interrupted: false },
      { turn: 1, heard: ANSWER, interrupted: false },
    ]);
    expect(stage.conversation.messages).toEqual([
      { role: 'assistant', text: GREETING },
      { role: 'user', text: ASKED },
      { role: 'assistant', text: ANSWER },
    ]);
    const { stages, voiceToVoiceMs } = stage.of('turn-completed')[1];
    const marks = [stages.speechEndAt, stages.endpointAt, stages.firstTokenAt, stages.firstAudioAt, stages.firstPacketAt];
    expect(marks.every((at) => at !== undefined)).toBe(true);
    expect(marks).toEqual(marks.toSorted((a = 0, b = 0) => a - b));
    // 500 ms of silence, 200 ms to the first sound, and frames.
    expect(voiceToVoiceMs).toBeGreaterThanOrEqual(690);
    expect(voiceToVoiceMs).toBeLessThanOrEqual(780);
    expect(stage.requests).toEqual([]);
  });

  test('is recorded as committed when its words come, also after the answer', async () => {
    await set({ wordsMs: 5_000 });
    await stage.noise(GREETED, 600);
    await stage.until(9_500);
    const order = types().filter((type) => ['reply-started', 'turn-completed', 'turn-committed'].includes(type));
    expect(order).toEqual(['reply-started', 'turn-completed', 'reply-started', 'turn-completed', 'turn-committed']);
    expect(stage.conversation.messages[1]).toEqual({ role: 'user', text: ASKED });
  });

  test('words and times of what was played', async () => {
    await set();
    const [greeting] = (await stage.until(3_000), stage.of('speech-played'));
    expect(greeting.words.map(({ text }) => text).join(' ')).toBe(GREETING);
    expect(greeting.toAt - greeting.fromAt).toBeCloseTo(GREETING.length * 60, -1);
    expect(greeting.words.at(-1)?.toMs).toBeLessThanOrEqual(greeting.toAt - greeting.fromAt);
    expect(stage.of('reply-started')[0].at - greeting.fromAt).toBeLessThanOrEqual(20);
  });

  test('its usage is counted once, with prices of its own for sound', async () => {
    await set({}, { models: () => ({ price: ({ unit }) => (unit === 'output-audio-tokens' ? 10 : 1) }) });
    await stage.noise(GREETED, 600);
    await stage.until(8_000);
    const counted = stage.of('usage-counted');
    expect(counted.map(({ turn }) => turn)).toEqual([0, 1]);
    for (const { lines } of counted) {
      expect(new Set(lines.map(({ stage: of, provider, model }) => `${of} ${provider} ${model}`))).toEqual(
        new Set(['speech-to-speech scripted scripted-speech']),
      );
      const of = (unit: string) => lines.find((line) => line.unit === unit)?.quantity ?? 0;
      expect(of('input-tokens')).toBe(0);
      expect(of('output-audio-tokens')).toBeGreaterThan(0);
    }
  });

  test('typed words and keys are turns of their own, and interrupt', async () => {
    await set({ rules: [{ when: /^42$/, say: 'Forty-two it is.' }, { say: ANSWER }] });
    await stage.until(1_000);
    stage.conversation.digit('4');
    await stage.until(1_020);
    const cut = stage.now;
    stage.conversation.digit('2');
    stage.conversation.digit('#');
    await stage.until(5_000);
    expect(stage.of('reply-interrupted')).toMatchObject([{ turn: 0, cause: 'digits' }]);
    expect(stage.sounds[0][1]).toBeLessThanOrEqual(cut + 20);
    expect(session.asked).toEqual([
      { say: GREETING },
      { item: expect.any(String), truncatedMs: expect.any(Number) },
      { cancelled: true },
      { typed: '42' },
    ]);
    stage.conversation.typed('  When are you open?  ');
    await stage.until(9_000);
    expect(stage.of('turn-committed')).toMatchObject([
      { turn: 1, source: 'digits', rule: 'hash', text: '42' },
      { turn: 2, source: 'typed', text: 'When are you open?' },
    ]);
    expect(played().slice(1)).toEqual(['Forty-two it is.', ANSWER]);
  });
});

describe('the caller interrupts', () => {
  test('the leg is silent at once and the model is told exactly what was heard', async () => {
    await set();
    await stage.noise(GREETED, 600);
    await stage.until(4_500);
    const voicedAt = stage.now;
    await stage.noise(voicedAt, 800);
    await stage.until(voicedAt + 500);
    const [interrupted] = stage.of('reply-interrupted');
    // 60 ms of voice start a turn; the wire and a frame come on top.
    expect(interrupted.at - voicedAt).toBeLessThanOrEqual(140);
    expect(stage.sounds.at(-1)?.[1]).toBeLessThanOrEqual(interrupted.at + 40);
    const truncated = session.asked.find((asked) => 'truncatedMs' in asked);
    const line = stage.of('speech-played').at(-1);
    expect(truncated).toMatchObject({ truncatedMs: (line?.toAt ?? 0) - (line?.fromAt ?? 0) });
    expect(ANSWER.startsWith(interrupted.heard)).toBe(true);
    expect(interrupted.heard).not.toBe('');
    expect(interrupted.heard.length).toBeLessThan(ANSWER.length);
    expect(line?.text).toBe(interrupted.heard);
    expect(stage.of('turn-completed').at(-1)).toMatchObject({ turn: 1, heard: interrupted.heard, interrupted: true });
    expect(stage.conversation.messages.at(-1)).toEqual({ role: 'assistant', text: interrupted.heard, interrupted: true });
    await stage.until(9_000);
    expect(played().at(-1)).toBe(ANSWER);
  });

  test('an answer that was all received is still cut, and truncated where it was heard', async () => {
    await set();
    await stage.noise(GREETED, 600);
    // 2.5 s of sound come within 140 ms.
    await stage.until(4_700);
    await stage.noise(4_700, 300);
    await stage.until(5_000);
    const [item] = session.asked.flatMap((asked) => ('truncatedMs' in asked ? [asked] : []));
    const [{ at }] = stage.of('reply-interrupted');
    const { firstPacketAt } = stage.of('turn-completed')[1].stages;
    expect(Math.abs(item.truncatedMs - (at - (firstPacketAt ?? 0)))).toBeLessThanOrEqual(20);
  });

  test('our own ear ducks before the model hears anything, and lifts it again', async () => {
    await set({ startsAfterMs: 400 });
    await stage.noise(800, 160);
    await stage.until(GREETED + 500);
    expect(stage.of('reply-interrupted')).toEqual([]);
    expect(played()).toEqual([GREETING]);
    const ducked = stage.heard.filter(({ quiet }) => quiet).map(({ at }) => at);
    // Three voiced frames of five are a voice; 200 ms of silence end it.
    expect(ducked[0]).toBeGreaterThanOrEqual(860);
    expect(ducked[0]).toBeLessThanOrEqual(960);
    expect(ducked.at(-1)).toBeLessThanOrEqual(1_300);
  });

  test('a model that has made all of its answer and notices nothing is told by our own ear', async () => {
    await set({ startsAfterMs: 60_000 });
    await stage.until(800);
    await stage.noise(800, 600);
    await stage.until(1_600);
    const [interrupted] = stage.of('reply-interrupted');
    expect(interrupted).toMatchObject({ turn: 0, cause: 'speech' });
    expect(interrupted.at - 800).toBeLessThanOrEqual(320);
    expect(session.asked).toContainEqual({ item: expect.any(String), truncatedMs: expect.any(Number) });
  });

  test('not over a greeting that the law wants heard: what was said is heard by the model afterwards', async () => {
    await set({}, { plan: { greetingProtected: true } });
    await stage.noise(800, 600);
    await stage.until(1_700);
    expect(stage.of('reply-interrupted')).toEqual([]);
    expect(session.heardMs).toBe(0);
    await stage.until(6_000);
    expect(played()).toEqual([GREETING, ANSWER]);
    expect(stage.of('turn-committed')).toMatchObject([{ turn: 1, text: ASKED }]);
  });
});

describe('tools', () => {
  const book = (over: Partial<Tool> = {}): Tool => ({
    name: 'book',
    description: 'Books.',
    schema: z.object({ day: z.string() }),
    sideEffect: true,
    interruptible: false,
    timeoutMs: 1_000,
    run: async () => ({ booked: true }),
    ...over,
  });
  const rule: SpokenRule = { say: 'One second.', call: { name: 'book', arguments: { day: 'Monday' } }, andThen: 'It is booked.' };

  test('run like those of any answer: journalled first, the result told, the answer goes on', async () => {
    const steps: string[] = [];
    const run: Tool['run'] = async (_input, { idempotencyKey }) => {
      steps.push(`run ${idempotencyKey.split(':').slice(0, 3).join(':')}`);
      return { booked: true };
    };
    await says([rule], {
      tools: [book({ run })],
      models: () => ({ durable: async () => void steps.push(types().at(-1) ?? '') }),
    });
    await stage.noise(GREETED, 600);
    await stage.until(8_000);
    expect(steps).toEqual(['tool-called', 'run call_1:1:book']);
    expect(stage.of('tool-called')).toMatchObject([{ turn: 1, name: 'book', arguments: { day: 'Monday' }, sideEffect: true }]);
    expect(stage.of('tool-returned')).toMatchObject([{ turn: 1, outcome: 'ok', result: { booked: true } }]);
    expect(session.asked).toContainEqual({ tool: expect.any(String), result: '{"booked":true}' });
    expect(played()).toEqual([GREETING, 'One second.', 'It is booked.']);
    expect(stage.of('turn-completed')).toMatchObject([{ turn: 0 }, { turn: 1, heard: 'One second. It is booked.' }]);
    expect(stage.conversation.messages.filter(({ role }) => role === 'tool')).toHaveLength(1);
  });

  test('at most three rounds a turn, then the model must answer', async () => {
    let runs = 0;
    const again = book({ sideEffect: false, run: async () => ++runs });
    await says([{ call: { name: 'book', arguments: { day: '1' } } }], { tools: [again] });
    await stage.noise(GREETED, 600);
    await stage.until(4_000);
    for (const day of ['2', '3', '4', '5']) {
      session.calls(`call_${day}`, 'book', { day }, 'Enough.');
      await stage.until(stage.now + 50);
    }
    await stage.until(12_000);
    expect(runs).toBe(3);
    expect(session.asked).toContainEqual({ tool: 'call_4', result: expect.stringContaining('Too many') });
  });

  test('what the business knows is looked up by the model', async () => {
    const passage = { id: 'p1', documentId: 'd1', title: 'Hours', text: 'Nine to five.', score: 0.9, answer: undefined };
    await says([{ call: { name: 'look_up', arguments: { question: ASKED } }, andThen: (result) => result }], {
      retrieve: () => ({ passages: [passage], answerable: true }),
    });
    expect(session.options.tools.map(({ name }) => name)).toEqual(['end_call', 'look_up']);
    await stage.noise(GREETED, 600);
    await stage.until(4_000);
    expect(stage.of('retrieval-done')).toMatchObject([{ turn: 1, query: ASKED, answerable: true, passages: [{ id: 'p1' }] }]);
    const result = '{"verdict":"answer","passages":[{"id":"p1","title":"Hours","text":"Nine to five."}]}';
    expect(session.asked).toContainEqual({ tool: expect.any(String), result });
  });

  test('end_call: the goodbye is heard to its end', async () => {
    await says([{ say: 'Goodbye then, and thank you.', call: { name: 'end_call', arguments: {} } }]);
    await stage.noise(GREETED, 600);
    await stage.until(9_000);
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'goodbye' });
    expect(played().at(-1)).toBe('Goodbye then, and thank you.');
    expect(types()).not.toContain('tool-called');
  });

  test('end_call without a word: the model is asked to say goodbye', async () => {
    await says([{ call: { name: 'end_call', arguments: {} }, andThen: 'Goodbye.' }]);
    await stage.noise(GREETED, 600);
    await stage.until(6_000);
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'goodbye' });
    expect(played().at(-1)).toBe('Goodbye.');
  });
});

describe('the end', () => {
  test('nobody speaks: asked twice, then goodbye', async () => {
    await set();
    await stage.until(60_000);
    expect(stage.of('reply-started').map(({ kind }) => kind)).toEqual(['greeting', 'reprompt', 'reprompt', 'goodbye']);
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'idle' });
    expect(played()[1]).toBe('Are you still there?');
  });

  test('the money is spent: said, and ended', async () => {
    await set({}, { models: () => ({ price: () => 1_000, costCeilingMicros: 10 }) });
    await stage.noise(GREETED, 600);
    await stage.until(20_000);
    expect(stage.ending).toEqual({ by: 'assistant', reason: 'cost-ceiling' });
    expect(played().join(' ')).toContain('end of the time');
  });

  test('the caller hangs up in the middle: what was heard is recorded, and nothing is left', async () => {
    await set();
    await stage.noise(GREETED, 600);
    await stage.until(4_000);
    await stage.hangUp();
    expect(stage.of('turn-completed').at(-1)).toMatchObject({ turn: 1, interrupted: true });
    expect(ANSWER.startsWith(played().at(-1) ?? '-')).toBe(true);
    const facts = stage.facts.length;
    await stage.until(30_000);
    expect(stage.facts).toHaveLength(facts);
  });
});

describe('the session dies', () => {
  const ordinary = 'Nine to five.';
  const dead = new VendorError('scripted', 'retryable', 'gone');
  const takenOver = async (script: ScriptedSpeechOptions = {}, options: StageOptions = {}) =>
    set(script, { answers: () => ordinary, ...options });

  test('before it was ready: the ordinary conversation greets', async () => {
    await takenOver({ readyMs: 60_000 });
    await stage.until(100);
    session.fails(dead);
    await stage.until(3_000);
    expect(played().join(' ')).toBe(GREETING);
    expect(stage.of('provider-failed')).toMatchObject([
      { stage: 'speech-to-speech', provider: 'scripted', category: 'retryable', next: 'told' },
    ]);
    await stage.says(ASKED, 3_000);
    await stage.until(9_000);
    expect(stage.of('turn-completed').map(({ turn }) => turn)).toEqual([0, 1]);
    expect(played().at(-1)).toBe(ordinary);
  });

  test('and says nothing: the greeting comes all the same', async () => {
    await takenOver({ readyMs: 60_000 });
    await stage.until(7_000);
    expect(played().join(' ')).toBe(GREETING);
    expect(stage.sounds[0][0]).toBeLessThan(4_300);
  });

  test('while the caller waits: sorry within 1.5 s, then the answer to the same words, in the same turn', async () => {
    await takenOver({ firstMs: 3_000, wordsMs: 100 });
    await stage.noise(GREETED, 600);
    await stage.until(4_000);
    session.fails(dead);
    await stage.until(9_000);
    expect(played()).toEqual([GREETING, 'I am sorry,', 'one moment please.', ordinary]);
    expect(stage.of('reply-started')[1].at - 4_000).toBeLessThan(1_500);
    expect(stage.of('turn-committed').map(({ turn, text }) => [turn, text])).toEqual([
      [1, ASKED],
      [1, ASKED],
    ]);
    expect(stage.of('turn-completed')).toMatchObject([{ turn: 0 }, { turn: 1, heard: ordinary }]);
    expect(stage.requests.at(-1)?.messages).toMatchObject([
      { role: 'assistant', text: expect.stringContaining(GREETING) },
      { role: 'user', text: ASKED },
    ]);
  });

  test('in the middle of its answer: what was heard stays recorded, and the question is answered again', async () => {
    await takenOver({ wordsMs: 0 });
    await stage.noise(GREETED, 600);
    await stage.until(3_390);
    session.stalls();
    await stage.until(4_100);
    session.fails(dead);
    await stage.until(10_000);
    const [cut] = stage.of('reply-interrupted');
    expect(cut).toMatchObject({ turn: 1, cause: 'provider-failed', heard: expect.stringMatching(/^We are/) });
    expect(played()).toContain(cut.heard);
    expect(stage.of('turn-completed').map(({ turn }) => turn)).toEqual([0, 1]);
    expect(played().at(-1)).toBe(ordinary);
  });

  test('what was received whole is heard to its end', async () => {
    await takenOver();
    await stage.noise(GREETED, 600);
    await stage.until(4_500);
    session.fails(dead);
    await stage.until(8_000);
    expect(played()).toEqual([GREETING, ANSWER]);
    expect(stage.of('turn-completed')).toMatchObject([{ turn: 0 }, { turn: 1, heard: ANSWER, interrupted: false }]);
    await stage.says('And on Sunday?', 8_000);
    await stage.until(13_000);
    expect(played().at(-1)).toBe(ordinary);
    expect(stage.of('turn-committed').at(-1)).toMatchObject({ turn: 2, text: 'And on Sunday?' });
    expect(stage.requests.at(-1)?.messages).toHaveLength(4);
  });

  test('while the caller speaks: the transcriber hears them from their first word', async () => {
    await takenOver();
    await stage.noise(3_000, 2_000);
    await stage.until(4_000);
    session.fails(dead);
    await stage.until(4_100);
    const [first] = stage.pushed;
    expect(first.at).toBeLessThanOrEqual(3_000);
    expect(played()).toEqual([GREETING]);
  });

  test('it falls silent and nobody says so: noticed, and taken over', async () => {
    await takenOver();
    await stage.until(2_500);
    session.stalls();
    await stage.noise(3_000, 1_500);
    await stage.until(9_000);
    expect(stage.of('provider-failed')).toMatchObject([{ message: expect.stringContaining('not noticed') }]);
    await stage.says(ASKED, 9_500);
    await stage.until(14_000);
    expect(played().at(-1)).toBe(ordinary);
  });

  test('an effect under way is waited for, and not caused twice', async () => {
    let runs = 0;
    const book: Tool = {
      name: 'book',
      description: 'Books.',
      schema: z.object({}),
      sideEffect: true,
      interruptible: false,
      timeoutMs: 5_000,
      run: async () => {
        runs++;
        await stage.kit.clock.sleep(1_000);
        return 'booked';
      },
    };
    await takenOver({ rules: [{ call: { name: 'book', arguments: {} } }] }, { tools: [book] });
    await stage.noise(GREETED, 600);
    await stage.until(3_600);
    session.fails(dead);
    await stage.until(10_000);
    expect(runs).toBe(1);
    expect(stage.requests.at(-1)?.messages.filter(({ role }) => role === 'tool')).toMatchObject([{ result: '"booked"' }]);
    expect(played().at(-1)).toBe(ordinary);
  });

  test('whose words nobody had written down: the transcriber hears the turn again', async () => {
    await takenOver({ firstMs: 3_000, wordsMs: 3_000 });
    await stage.noise(GREETED, 600);
    await stage.until(4_000);
    session.fails(dead);
    await stage.until(4_050);
    expect(stage.pushed[0].at).toBeLessThanOrEqual(GREETED);
    expect(stage.of('turn-committed')).toEqual([]);
    stage.transcripts?.final({ text: ASKED, fromAt: GREETED, toAt: 2_600, confidence: 1, words: undefined });
    await stage.until(9_000);
    expect(stage.of('turn-committed')).toMatchObject([{ turn: 1, text: ASKED }]);
    expect(played().at(-1)).toBe(ordinary);
  });

  test('a model that is known to be down is not asked at all', async () => {
    await takenOver(
      {},
      {
        models: (kit) => {
          const health = new ProviderHealth(kit.clock);
          health.failed('speech-to-speech', 'scripted', new VendorError('scripted', 'auth', 'wrong key'));
          return { health };
        },
      },
    );
    expect(speech.sessions).toEqual([]);
    await stage.until(3_000);
    expect(played().join(' ')).toBe(GREETING);
    expect(stage.of('provider-failed')).toEqual([]);
  });
});
