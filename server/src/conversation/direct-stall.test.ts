/** A model that hears and speaks falls silent, or is only slow: what the caller hears, and that no word is lost. */
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { ScriptedSpeech, type ScriptedSession, type ScriptedSpeechOptions } from '#models/scripted/speech-to-speech.ts';
import { talkOf } from './hand-over.ts';
import { Stage, type StageOptions } from './testing.ts';

/** 29 characters of 60 ms: over before 2 s. */
const GREETING = 'Hello, this is the test line.';
const GREETED = 2_000;
const ANSWER = 'We are open from nine to five on all days.';
const ASKED = 'When are you open?';
const ORDINARY = 'Nine to five.';

let stage: Stage;
let session: ScriptedSession;
let speech: ScriptedSpeech;

async function set(script: ScriptedSpeechOptions = {}, plan: StageOptions['plan'] = {}, tools: StageOptions['tools'] = []): Promise<void> {
  stage = await Stage.set({
    answers: () => ORDINARY,
    tools,
    plan: { ...plan, policy: { fillers: true, ...plan.policy } },
    talk: (given, kit) => {
      speech = new ScriptedSpeech(kit, { heard: [ASKED], rules: [{ say: ANSWER }], firstMs: 200, wordsMs: 300, ...script });
      return talkOf(given, speech);
    },
  });
  [session] = speech.sessions;
}

afterEach(async () => {
  expect(await stage.strike()).toBe(0);
  expect(speech.sessions).toEqual([]);
});

const failures = () => stage.of('provider-failed').map(({ message }) => message);
const said = () => stage.of('speech-played').flatMap(({ text, filler }) => (filler ? [] : [text]));
const fillers = () => stage.of('speech-played').filter(({ filler }) => filler);

test('it never gets ready: the greeting is heard within 1.5 s, once', async () => {
  await set({ readyMs: 600_000 });
  await stage.until(6_000);
  expect(stage.sounds[0][0]).toBeLessThanOrEqual(1_500);
  expect(said().join(' ')).toBe(GREETING);
  expect(fillers()).toEqual([]);
});

test('it stops in the greeting: greeted again, and what was said meanwhile is heard', async () => {
  await set({ readyMs: 0 });
  await stage.until(30);
  session.stalls();
  await stage.noise(700, 600);
  await stage.until(2_000);
  expect(failures()).toEqual([expect.stringContaining('nothing came')]);
  expect(stage.pushed[0].at).toBeLessThanOrEqual(700);
});

test('a turn that brings nothing: a filler within 1.5 s, then whoever comes next answers the same words', async () => {
  await set({ firstMs: 600_000, wordsMs: 100 });
  await stage.noise(GREETED, 600);
  await stage.until(12_000);
  const [{ at: committedAt }] = stage.of('turn-committed');
  const [filler] = fillers();
  expect(filler.fromAt - committedAt).toBeLessThanOrEqual(1_300);
  const [failed] = stage.of('provider-failed');
  expect(failed.at - committedAt).toBeLessThanOrEqual(3_100);
  expect(said()).toEqual([GREETING, 'I am sorry,', 'one moment please.', ORDINARY]);
  expect(stage.of('turn-committed').map(({ turn, text }) => [turn, text])).toEqual([
    [1, ASKED],
    [1, ASKED],
  ]);
  expect(JSON.stringify(stage.requests.at(-1)?.messages)).not.toContain(filler.text);
});

test('one that is only slow keeps the call: a filler, then its answer, and the filler is in no history', async () => {
  await set({ firstMs: 2_400 });
  await stage.noise(GREETED, 600);
  await stage.until(12_000);
  expect(failures()).toEqual([]);
  expect(fillers()).toHaveLength(1);
  expect(said()).toEqual([GREETING, ANSWER]);
  expect(stage.conversation.messages.map((message) => 'text' in message && message.text)).toEqual([GREETING, ASKED, ANSWER]);
  const { stages } = stage.of('turn-completed')[1];
  expect(stages.fillerAt).toBe(fillers()[0].fromAt);
  expect(stages.firstPacketAt).toBeGreaterThan(fillers()[0].toAt);
  expect(session.asked).toEqual([{ say: GREETING }]);
});

test('one that is quick says everything itself', async () => {
  await set({ firstMs: 500 });
  await stage.noise(GREETED, 600);
  await stage.until(8_000);
  expect(fillers()).toEqual([]);
});

test('an answer that comes under the filler waits for its end', async () => {
  await set({ firstMs: 1_500 });
  await stage.noise(GREETED, 600);
  await stage.until(9_000);
  const [filler] = fillers();
  const answer = stage.of('speech-played').find(({ text }) => text === ANSWER);
  expect(answer?.fromAt).toBeGreaterThanOrEqual(filler.toAt);
  expect((answer?.fromAt ?? 0) - filler.toAt).toBeLessThanOrEqual(60);
});

test('voice in pieces that nobody notices: a filler, and the transcriber hears them all; no edge is recorded twice', async () => {
  await set();
  await stage.until(2_500);
  session.stalls();
  await stage.noise(3_000, 300);
  await stage.noise(3_700, 300);
  await stage.until(7_000);
  const [filler] = fillers();
  expect(filler.fromAt - 4_000).toBeLessThanOrEqual(1_300);
  const [failed] = stage.of('provider-failed');
  expect(failed.message).toContain('not noticed');
  expect(failed.at - 4_000).toBeLessThanOrEqual(2_800);
  expect(stage.pushed[0].at).toBeLessThanOrEqual(3_000);
  expect(stage.of('speech-started')).toHaveLength(2);
  expect(stage.of('speech-ended')).toHaveLength(2);
});

test('it hears the caller and then nothing more: a filler, and all that they said is heard again', async () => {
  await set();
  await stage.noise(2_500, 1_200);
  await stage.until(3_000);
  session.stalls();
  await stage.until(12_000);
  expect(fillers()[0].fromAt - 3_700).toBeLessThanOrEqual(2_000);
  const [failed] = stage.of('provider-failed');
  expect(failed.at - 3_700).toBeLessThanOrEqual(5_000);
  expect(stage.pushed[0].at).toBeLessThanOrEqual(2_500);
});

test('a caller who pauses for longer than we would wait loses nothing: the filler is silent as soon as they go on', async () => {
  await set({ silenceMs: 3_500 });
  await stage.noise(GREETED, 800);
  await stage.noise(4_800, 800);
  await stage.until(14_000);
  expect(failures()).toEqual([]);
  const [filler] = fillers();
  expect(filler.toAt).toBeLessThanOrEqual(5_150);
  expect(said()).toEqual([GREETING, ANSWER]);
  expect(stage.of('turn-committed')).toMatchObject([{ turn: 1, text: ASKED }]);
});

test('a cough is no question', async () => {
  await set({ startsAfterMs: 1_000 });
  await stage.noise(3_000, 200);
  await stage.until(9_000);
  expect(failures()).toEqual([]);
  expect(fillers()).toEqual([]);
});

test('it stops in its answer: noticed a second after its last sound, and answered by whoever comes next', async () => {
  await set({ wordsMs: 0 });
  await stage.noise(GREETED, 600);
  await stage.until(3_390);
  session.stalls();
  await stage.until(10_000);
  const [cut] = stage.of('reply-interrupted');
  const [from, to] = stage.sounds[1];
  expect(to).toBeGreaterThan(from);
  expect(cut.at - to).toBeLessThanOrEqual(1_100);
  expect(stage.sounds[2][0] - to).toBeLessThanOrEqual(1_500);
  expect(said().at(-1)).toBe(ORDINARY);
});

test('an effect that outlives the session is not waited for in silence', async () => {
  const run = () => stage.kit.clock.sleep(6_000).then(() => 'booked');
  const book = { name: 'book', description: 'Books.', schema: z.object({}), sideEffect: true, interruptible: false, timeoutMs: 8_000, run };
  await set({ rules: [{ call: { name: 'book', arguments: {} } }] }, {}, [book]);
  await stage.noise(GREETED, 600);
  await stage.until(3_600);
  session.fails();
  await stage.until(14_000);
  const gaps = stage.sounds.slice(2).map(([from], i) => from - stage.sounds[i + 1][1]);
  expect(Math.max(...gaps)).toBeLessThanOrEqual(4_000);
  expect(fillers().length).toBeGreaterThanOrEqual(2);
  expect(said().at(-1)).toBe(ORDINARY);
});

test('sound that is there is heard, however long ago it came', async () => {
  await set({ rules: [{ say: ANSWER.repeat(4) }] });
  await stage.noise(GREETED, 600);
  await stage.until(14_000);
  expect(failures()).toEqual([]);
});
