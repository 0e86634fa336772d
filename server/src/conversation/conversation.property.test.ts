/** Whole conversations with callers who do anything at any time, on lines and with models that may fail. */
import { callEvent } from '@tandem/contract';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VendorError } from '#kit/errors.ts';
import { ProviderHealth } from './provider-health.ts';
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
  thinkMs: fc.constantFrom(0, 200, 1_200, 3_000),
  speechDelayMs: fc.constantFrom(0, 60, 400),
  /** Which requests for words fail, and whether in the middle. */
  fails: fc.array(fc.record({ at: fc.nat(8), early: fc.boolean() }), { maxLength: 3 }),
  /** After so much of a clause the first voice fails. */
  voiceFailsAfterMs: fc.option(fc.constantFrom(0, 300, 900), { nil: undefined }),
  speculation: fc.constantFrom('off' as const, 'words' as const, 'speech' as const),
  fillers: fc.boolean(),
  hedging: fc.boolean(),
  spares: fc.boolean(),
  restMs: fc.constantFrom(0, 3_000, 45_000),
});

type Life = typeof life extends fc.Arbitrary<infer One> ? One : never;

async function live({ deeds, thinkMs, speechDelayMs, fails, voiceFailsAfterMs, spares, restMs, ...policy }: Life) {
  let asked = 0;
  const no = new VendorError('told', 'retryable', 'no');
  const answers = () => {
    const fault = fails.find(({ at }) => at === asked);
    asked++;
    if (fault) return fault.early ? [thinkMs, no] : [thinkMs, 'We are open from nine to five. On Sunday', 400, no];
    return [thinkMs, 'We are open from nine to five. On Sunday we are closed.'];
  };
  const stage = await Stage.set({
    speechDelayMs,
    answers,
    plan: { policy },
    models: (kit, self) => {
      const health = new ProviderHealth(kit.clock);
      for (let i = 0; i < 20; i++) health.latency('language-model', { name: 'told' }).add(350);
      const [model, voice] = [self.languageModel(answers), self.synthesizer({ delayMs: speechDelayMs, failsAfterMs: voiceFailsAfterMs })];
      if (!spares) return { health };
      return {
        health,
        languageModels: [model, self.languageModel(answers, 'spare')],
        synthesizers: [voice, self.synthesizer({ name: 'spare' })],
      };
    },
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
        const words = played.filter(({ filler }) => !filler).map(({ text }) => text);
        expect(words.join(' ')).toBe(heard);
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
          const answers = stage.of('speech-played').filter(({ filler }) => !filler);
          const played = new Set(answers.flatMap(({ text }) => text.split(' ')));
          for (const word of message.text.split(' ')) if (word !== '') expect(played).toContain(word);
        }
      }
      await stage.strike();
    });
  }, 30_000);

  test('nothing of a speculation is heard, done or told before its turn is committed, and each comes to one end', async () => {
    await check(async (stage) => {
      await stage.strike();
      let alive = 0;
      for (const fact of stage.facts) {
        if (fact.type === 'speculation-started') alive++;
        if (fact.type === 'speculation-dropped') alive--;
        if (fact.type === 'turn-committed' && fact.speculation === 'adopted') alive--;
        expect(alive === 0 || alive === 1).toBe(true);
      }
      expect(alive).toBe(0);
      const committed = (turn: number) => stage.facts.findIndex((fact) => fact.type === 'turn-committed' && fact.turn === turn);
      stage.facts.forEach((fact, i) => {
        if (fact.type !== 'retrieval-done' && fact.type !== 'speech-played' && fact.type !== 'tool-called') return;
        if (fact.turn > 0) expect(committed(fact.turn)).toBeLessThan(i);
        if (fact.turn > 0) expect(committed(fact.turn)).toBeGreaterThanOrEqual(0);
      });
    });
  }, 30_000);
});
