import { expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { scenario } from '../scenario.ts';
import { scenarioTalk } from './scenario-talk.ts';
import { cycleTalk, endingWithSpeech, isAnswered, mixedTalk, utteranceKinds } from './talk.ts';
import { voice } from './voices.ts';
import { FRAME, SILENCE } from './wire.ts';

const random = new SeededRandom(1);
const noFile = () => {
  throw new Error('no file is read');
};

test('a scenario becomes sound of the length that its words take', () => {
  const read = scenario.parse({
    name: 'booking',
    caller: [
      { hear: 'greeting' },
      { say: 'I would like an appointment on Friday', pauses: [{ afterWord: 3, ms: 400 }] },
      { bargeIn: 'No wait', atMs: 900 },
      { press: '12#' },
      { hangUp: true },
    ],
  });
  const talk = scenarioTalk(read, noFile);
  const said = [0, 1, 2, 3].map((index) => talk.utterance(4, index, random));
  expect(said[0]?.parts.map(({ sound, pauseMs }) => [sound.length / 8, pauseMs])).toEqual([
    [900, 400],
    [1_200, 0],
  ]);
  expect(said[1]).toMatchObject({ kind: 'barge-in', overAfterMs: 900 });
  expect(said[2]?.digits).toBe('12#');
  expect(said[3]).toBeUndefined();
});

test('a persona is not many callers', () => {
  const read = scenario.parse({ name: 'p', persona: { who: 'Impatient', wants: 'A table' } });
  expect(() => scenarioTalk(read, noFile)).toThrow(expect.objectContaining({ code: 'invalid-input' }));
});

test('recorded sound ends where its speech ends, in whole frames', () => {
  const sound = new Uint8Array(8_000).fill(SILENCE);
  sound.set(voice(0, 500), 1_000);
  const framed = endingWithSpeech(sound);
  expect(framed.length % FRAME).toBe(0);
  // To 10 ms.
  expect(framed.length).toBeGreaterThanOrEqual(5_000);
  expect(framed.length).toBeLessThan(5_000 + 2 * FRAME);
});

test('every kind of utterance is whole frames, and those over an answer say when', () => {
  const talk = cycleTalk(utteranceKinds);
  utteranceKinds.forEach((kind, index) => {
    const utterance = talk.utterance(1, index, random);
    expect(utterance?.kind).toBe(kind);
    for (const { sound } of utterance?.parts ?? []) expect(sound.length % FRAME).toBe(0);
    expect(utterance?.overAfterMs !== undefined).toBe(['barge-in', 'backchannel', 'cough'].includes(kind));
  });
});

test('a mixed talk keeps its shares, and never lies over an answer that is not there', () => {
  const talk = mixedTalk({ bargeIns: 0.2, backchannels: 0.1, pauses: 0.3 });
  const kinds = Array.from({ length: 4_000 }, (_, index) => talk.utterance(0, index, random)?.kind ?? 'ordinary');
  const share = (kind: string) => kinds.filter((one) => one === kind).length / kinds.length;
  expect(share('pause')).toBeCloseTo(0.3, 1);
  // Some of them would have followed each other.
  expect(share('barge-in')).toBeGreaterThan(0.12);
  kinds.forEach((kind, index) => {
    if (kind === 'barge-in' || kind === 'backchannel')
      expect(isAnswered({ kind: kinds[index - 1] ?? 'cough', parts: [] }) && kinds[index - 1] !== 'barge-in').toBe(true);
  });
});
