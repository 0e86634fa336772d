import type { TurnCause, TurnFinding } from '@tandem/contract';
import { expect, test } from 'vitest';
import { faultsOf } from './faults.ts';

const cause = (code: TurnCause['code'], stage?: string): TurnCause => ({
  code,
  shareMs: 100,
  confidence: 0.9,
  ...(stage === undefined ? {} : { stage }),
  sentence: 'It was late.',
  advice: 'Hurry.',
  evidence: { seqs: [], figures: {} },
});
const finding = (turn: number, problem: TurnFinding['problem'], ...causes: TurnCause[]): TurnFinding => ({
  turn,
  problem,
  atMs: 0,
  gapMs: 2_000,
  limitMs: 1_500,
  sentence: 'The caller waited.',
  causes,
});

test('the main cause of a slow turn marks its stage', () => {
  const faults = faultsOf([finding(2, 'slow', cause('model-late', 'first-token'), cause('transcriber-late', 'endpoint'))]);
  expect(faults.get(2)?.stage).toBe('first-token');
  expect(faults.get(2)?.cause.code).toBe('model-late');
});

test('a cause without a stage that is drawn marks the turn alone', () => {
  expect(faultsOf([finding(1, 'slow', cause('unknown'))]).get(1)).toMatchObject({ stage: undefined });
  expect(faultsOf([finding(1, 'slow', cause('unknown', 'of-tomorrow'))]).get(1)).toMatchObject({ stage: undefined });
});

test('what is no wait is not drawn', () => {
  expect(faultsOf([finding(1, 'unanswered', cause('knowledge-gap'))]).size).toBe(0);
});
