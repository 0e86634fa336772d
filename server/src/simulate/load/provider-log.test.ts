import { describe, expect, test } from 'vitest';
import { type LoggedEvent, overheadFigures, overheadOf, readProviderLog } from './provider-log.ts';
import type { TurnSample } from './tally.ts';

const LINE_MS = 12;
const ENDPOINT_MS = 250;
const EAGER_MS = 150;
const TOKEN_MS = 98;
const SPEECH_MS = 188;

/** Two calls that talk past each other, each heard by a stream of its own; answers come `platformMs` later than they could. */
function conversation(platformMs: number, speculates: boolean): { turns: TurnSample[]; events: LoggedEvent[] } {
  const turns: TurnSample[] = [];
  const events: LoggedEvent[] = [];
  for (const call of [0, 1]) {
    for (let index = 0; index < 6; index++) {
      const endAt = 1_000 + index * 5_000 + call * 700 + index * call * 90;
      const arrived = endAt + LINE_MS;
      const finalAt = arrived + ENDPOINT_MS;
      const transcriber = { stage: 'transcriber', connection: 10 + call };
      events.push({ ...transcriber, event: 'voice-ended', atMs: arrived });
      if (speculates) events.push({ ...transcriber, event: 'eager', atMs: arrived + EAGER_MS });
      events.push({ ...transcriber, event: 'end-of-turn', atMs: finalAt });
      const connection = 100 + turns.length;
      const asked = (speculates ? arrived + EAGER_MS : finalAt) + 2;
      events.push({ stage: 'language-model', connection, event: 'request', atMs: asked });
      events.push({ stage: 'language-model', connection, event: 'first-token', atMs: asked + TOKEN_MS + 1, declaredMs: TOKEN_MS });
      events.push({
        stage: 'synthesizer',
        connection: 9,
        event: 'first-speech',
        atMs: asked + TOKEN_MS + SPEECH_MS,
        declaredMs: SPEECH_MS,
      });
      const ideal = speculates ? Math.max(finalAt, arrived + EAGER_MS + TOKEN_MS + SPEECH_MS) : finalAt + TOKEN_MS + SPEECH_MS;
      turns.push({ call, index, kind: 'ordinary', endAt, onsetAt: ideal + platformMs });
    }
  }
  return { turns, events: events.toSorted((a, b) => a.atMs - b.atMs) };
}

describe('platform overhead', () => {
  test.each([true, false])('is the line and what came later than the providers allow; speculation: %s', (speculates) => {
    const { turns, events } = conversation(17, speculates);
    const found = overheadOf(turns, events, speculates ? 'speech' : 'off');
    expect(found).toHaveLength(12);
    for (const { poMs, lineMs, endpointMs } of found) {
      expect(lineMs).toBe(LINE_MS);
      expect(endpointMs).toBe(LINE_MS + ENDPOINT_MS);
      expect(poMs).toBeCloseTo(LINE_MS + 17);
    }
    const figures = overheadFigures(found, turns.length, events);
    expect(figures.unknown).toBe(0);
    expect(figures.providerLateMs.p50).toBeCloseTo(1, 1);
  });

  test('turns without an answer, and those that were left out, have none', () => {
    const { turns, events } = conversation(17, true);
    turns[0] = { ...turns[0], onsetAt: undefined };
    turns[1] = { ...turns[1], leftOut: true };
    expect(overheadOf(turns, events, 'speech')).toHaveLength(10);
  });

  test('delays that vary are refused: whose request was whose is not known', () => {
    const { turns, events } = conversation(17, true);
    events.push({ stage: 'language-model', connection: 7, event: 'first-token', atMs: 1, declaredMs: 500 });
    expect(() => overheadOf(turns, events, 'speech')).toThrow(expect.objectContaining({ code: 'invalid-input' }));
  });
});

test('a log is read line by line; what is no event is left out', () => {
  const event = { atMs: 1.5, stage: 'transcriber', connection: 3, event: 'final' };
  expect(readProviderLog(`hello\n${JSON.stringify(event)}\n{"broken\n{}\n`)).toEqual([event]);
});
