/** Whole conversations with callers who do anything at any time, on lines and with models that may fail. */
import { callEvent } from '@tandem/contract';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VendorError } from '#kit/errors.ts';
import { Stage } from './testing.ts';

type Deed =
  | { do: 'say'; text: string; ms: number; finalMs: number | undefined }
  | { do: 'noise'; ms: number }
  | { do: 'digit'; digit: string }
  | { do: 'type' }
  | { do: 'end-of-turn' }
  | { do: 'deaf' }
  | { do: 'nothing' };

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      text: fc.constantFrom('When are you open?', 'okay', 'I would like to', 'wait', 'and then cancel my order.', 'We are open from nine'),
      ms: fc.integer({ min: 100, max: 1_800 }),
      finalMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('noise' as const), ms: fc.integer({ min: 40, max: 1_600 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('digit' as const), digit: fc.constantFrom('1', '#') }) },
  { weight: 1, arbitrary: fc.constant<Deed>({ do: 'type' }) },
  { weight: 1, arbitrary: fc.constant<Deed>({ do: 'end-of-turn' }) },
  { weight: 1, arbitrary: fc.constant<Deed>({ do: 'nothing' }) },
);

const life = fc.record({
  deeds: fc.array(fc.record({ deed, afterMs: fc.integer({ min: 0, max: 3_000 }) }), { maxLength: 14 }),
  thinkMs: fc.constantFrom(0, 200, 1_200),
  speechDelayMs: fc.constantFrom(0, 60, 400),
  failAt: fc.option(fc.nat(6), { nil: undefined }),
  restMs: fc.constantFrom(0, 3_000, 45_000),
});

async function live({ deeds, thinkMs, speechDelayMs, failAt, restMs }: typeof life extends fc.Arbitrary<infer Life> ? Life : never) {
  let asked = 0;
  const stage = await Stage.set({
    speechDelayMs,
    answers: () =>
      asked++ === failAt
        ? [thinkMs, new VendorError('told', 'retryable', 'no')]
        : [thinkMs, 'We are open from nine to five. On Sunday we are closed.'],
  });
  for (const { deed, afterMs } of deeds) {
    const at = stage.now + afterMs;
    if (deed.do === 'say') await stage.says(deed.text, at, deed);
    else await stage.until(at);
    if (deed.do === 'noise') await stage.noise(at, deed.ms);
    if (deed.do === 'digit') stage.conversation.digit(deed.digit);
    if (deed.do === 'type') stage.conversation.typed('What does it cost?');
    if (deed.do === 'end-of-turn') stage.transcripts?.endOfTurn?.();
  }
  await stage.until(stage.now + restMs);
  return stage;
}

const check = (property: (stage: Stage) => Promise<void> | void) =>
  fc.assert(
    fc.asyncProperty(life, async (one) => property(await live(one))),
    { numRuns: 60, seed: 11 },
  );

describe('whatever the caller does', () => {
  test('nothing is left after the call but what the stage itself has planned', async () => {
    await check(async (stage) => {
      await stage.strike();
      await stage.kit.clock.advance(10_000);
      expect(stage.kit.clock.pending).toBe(0);
      expect(stage.streams).toBe(0);
    });
  }, 30_000);

  test('every committed turn is completed once, and what was played is what was heard', async () => {
    await check(async (stage) => {
      await stage.strike();
      const completed = stage.of('turn-completed').map(({ turn }) => turn);
      expect(new Set(completed).size).toBe(completed.length);
      for (const { turn } of stage.of('turn-committed')) expect(completed).toContain(turn);
      for (const { turn, heard } of stage.of('turn-completed')) {
        const repeated = stage.of('reply-resumed').some((fact) => fact.turn === turn);
        const reprompted = stage
          .of('reply-started')
          .some((fact) => fact.turn === turn && (fact.kind === 'reprompt' || fact.kind === 'goodbye'));
        if (repeated || reprompted) continue;
        const played = stage.of('speech-played').filter((fact) => fact.turn === turn);
        expect(played.map(({ text }) => text).join(' ')).toBe(heard);
      }
    });
  }, 30_000);

  test('facts are valid and their times do not run backwards', async () => {
    await check(async (stage) => {
      await stage.strike();
      stage.facts.forEach((fact, seq) => {
        callEvent.parse({ businessId: 'biz_1', callId: 'call_1', seq, ...fact });
        if (fact.type !== 'speech-played') return;
        expect(fact.toAt).toBeGreaterThanOrEqual(fact.fromAt);
        expect(fact.toAt).toBeLessThanOrEqual(fact.at + 40);
      });
    });
  }, 30_000);

  test('after an interruption the line is silent within a frame, until the next reply begins', async () => {
    await check(async (stage) => {
      for (const { at } of stage.of('reply-interrupted')) {
        const next = stage.of('reply-started').find((fact) => fact.at > at)?.at ?? Number.POSITIVE_INFINITY;
        const leaked = stage.heard.filter((frame) => frame.at > at + 20 && frame.at < next && (frame.loud || frame.quiet));
        expect(leaked).toEqual([]);
      }
      await stage.strike();
    });
  }, 30_000);

  test('the next prompt holds only what was played', async () => {
    await check(async (stage) => {
      for (const { messages } of stage.requests) {
        for (const message of messages) {
          if (message.role !== 'assistant') continue;
          const played = new Set(stage.of('speech-played').flatMap(({ text }) => text.split(' ')));
          for (const word of message.text.split(' ')) if (word !== '') expect(played).toContain(word);
        }
      }
      await stage.strike();
    });
  }, 30_000);
});
