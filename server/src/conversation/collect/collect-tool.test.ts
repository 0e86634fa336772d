import type { CallFact } from '@tandem/contract';
import { expect, test } from 'vitest';
import { Collecting } from './collect-tool.ts';

function collecting() {
  const facts: CallFact[] = [];
  const made = new Collecting({
    language: 'en',
    today: () => '2026-03-02',
    record: (fact) => facts.push(fact),
    keep: () => 'collected:1',
  });
  made.begin({ what: 'digits', label: 'order number', minLength: 4, maxLength: 4 } as Parameters<Collecting['begin']>[0], 1);
  return { made, facts };
}
const said = (turn: number, text: string) => ({ turn, text, source: 'speech' as const });

test('an entry whose words go on is taken as one longer entry', () => {
  const { made } = collecting();
  expect(made.take(said(2, 'four five'))).toHaveProperty('say');
  expect(made.take(said(2, 'four five six seven'))).toMatchObject({ say: expect.stringContaining('4 5 6 7') });
  expect(made.take(said(3, 'yes'))).toMatchObject({ forModel: 'My order number is 4567.' });
});

test('the words that made the model ask for it go on: they are the model’s again', () => {
  const { made, facts } = collecting();
  expect(made.take(said(1, 'where is my order I mean my bill'))).toBeUndefined();
  expect(made.active).toBe(false);
  expect(facts.at(-1)).toMatchObject({ type: 'collection-completed', outcome: 'abandoned' });
});
