import type { CallFact } from '@tandem/contract';
import { expect, test } from 'vitest';
import { ApprovedAnswers } from './approved-answers.ts';

function teller(answers: ApprovedAnswers, callId: string) {
  let seq = 0;
  return (fact: CallFact) => answers.take({ businessId: 'b', callId, seq: seq++, at: 0, ...fact });
}
const lookedUp = (turn: number, verdict: 'answer' | 'unknown'): CallFact => ({
  type: 'retrieval-done',
  turn,
  query: 'q',
  passages: [],
  answerable: verdict === 'answer',
  verdict,
  tookMs: 1,
});
const completed = (turn: number, stages: Extract<CallFact, { type: 'turn-completed' }>['stages']): CallFact => ({
  type: 'turn-completed',
  turn,
  heard: 'x',
  interrupted: false,
  stages,
});

test('an answer that was ready is a hit and saves what a model took; what is not known is neither', () => {
  const answers = new ApprovedAnswers();
  const [one, other] = [teller(answers, 'call_1'), teller(answers, 'call_2')];
  one(completed(0, { firstClauseAt: 5 }));
  one(lookedUp(1, 'answer'));
  other(lookedUp(1, 'unknown'));
  other(completed(1, { retrievalAt: 10, firstClauseAt: 10 }));
  one(completed(1, { requestAt: 1_000, firstClauseAt: 1_400 }));
  one(lookedUp(2, 'answer'));
  one(completed(2, { retrievalAt: 2_000, firstClauseAt: 2_000 }));
  expect(answers.counters(7)).toMatchObject({
    cache: 'approved-answers',
    size: 7,
    process: { hits: 1, misses: 1, savedMs: 400 },
  });
});

test('a turn that said nothing counts as nothing', () => {
  const answers = new ApprovedAnswers();
  const tell = teller(answers, 'call_1');
  tell(lookedUp(1, 'answer'));
  tell(completed(1, { requestAt: 5 }));
  expect(answers.counters(0).process).toMatchObject({ hits: 0, misses: 0, savedMs: 0 });
});
