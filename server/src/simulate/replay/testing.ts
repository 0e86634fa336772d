/** Calls for tests of replays: callers who do anything at any time, as their journal has them. */
import { type CallEvent, callEvent } from '@tandem/contract';
import * as fc from 'fast-check';
import { Stage, type StageOptions } from '#conversation/testing.ts';

type Deed =
  | { do: 'say'; text: string; ms: number; finalMs: number | undefined }
  | { do: 'noise'; ms: number }
  | { do: 'digit'; digit: string }
  | { do: 'type'; text: string }
  | { do: 'end-of-turn' };

const said = [
  'When are you open?',
  'okay',
  'I would like to',
  'wait',
  'and then cancel my order.',
  'My name is Jane Smith.',
  'five five five oh one two',
  '555-0142',
  'jane dot smith at example dot com',
  'the twenty third of March',
  'Am 5. Mai, um',
  'S M I',
  'yes please',
];

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 7,
    arbitrary: fc.record({
      do: fc.constant('say' as const),
      text: fc.constantFrom(...said),
      ms: fc.integer({ min: 100, max: 1_800 }),
      finalMs: fc.option(fc.integer({ min: 0, max: 2_000 }), { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('noise' as const), ms: fc.integer({ min: 40, max: 1_600 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('digit' as const), digit: fc.constantFrom('1', '7', '#') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('type' as const), text: fc.constantFrom('What does it cost?', 'Call 555 0142') }) },
  { weight: 1, arbitrary: fc.constant<Deed>({ do: 'end-of-turn' }) },
);

const question = fc.constantFrom(
  'We are open from nine to five.',
  'What is your name?',
  'What is your telephone number?',
  'What is your e-mail address?',
  'On which day would you like to come?',
  'Could you spell that for me?',
  'Is that right?',
);

export const life = fc.record({
  deeds: fc.array(fc.record({ deed, afterMs: fc.integer({ min: 0, max: 3_000 }) }), { maxLength: 10 }),
  answers: fc.array(question, { minLength: 1, maxLength: 4 }),
  thinkMs: fc.constantFrom(0, 200, 1_200),
  adaptive: fc.boolean(),
  speculation: fc.constantFrom('off' as const, 'words' as const, 'speech' as const),
  language: fc.constantFrom('en', 'de', 'es', 'fr'),
});
export type Life = typeof life extends fc.Arbitrary<infer One> ? One : never;

/** The events of a call that went so. */
export async function callOf({ deeds, answers, thinkMs, language, ...policy }: Life, options: StageOptions = {}): Promise<CallEvent[]> {
  let asked = 0;
  const stage = await Stage.set({
    answers: () => [thinkMs, answers[asked++ % answers.length]],
    plan: { language, policy },
    ...options,
  });
  for (const { deed: one, afterMs } of deeds) {
    const at = stage.now + afterMs;
    if (one.do === 'say') await stage.says(one.text, at, one);
    else await stage.until(at);
    if (one.do === 'noise') await stage.noise(at, one.ms);
    if (one.do === 'digit') stage.conversation.digit(one.digit);
    if (one.do === 'type') stage.conversation.typed(one.text);
    if (one.do === 'end-of-turn') stage.transcripts?.endOfTurn?.();
  }
  await stage.until(stage.now + 4_000);
  await stage.strike();
  return eventsOfStage(stage);
}

/** As a journal gives them back: through JSON, and valid by the contract. */
export function eventsOfStage(stage: Stage): CallEvent[] {
  return stage.facts.map((fact, seq) =>
    callEvent.parse(JSON.parse(JSON.stringify({ businessId: 'business_1', callId: 'call_1', seq, ...fact }))),
  );
}
