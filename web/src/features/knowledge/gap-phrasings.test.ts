import { expect, test } from 'vitest';
import { gapPhrasings } from './gap-phrasings.ts';

const asked = (...texts: string[]) =>
  texts.map((text) => ({ text, callId: 'c', turn: 1, at: '2026-01-01T00:00:00Z', verdict: 'unknown' as const }));

test('the clearest phrasing comes first, each way to ask once, none longer than a question may be', () => {
  const phrasings = gapPhrasings({
    question: 'Do you do teeth whitening?',
    examples: asked('do you do teeth  whitening', 'how much is whitening', '…', 'x'.repeat(400)),
  });
  expect(phrasings.slice(0, 2)).toEqual(['Do you do teeth whitening?', 'how much is whitening']);
  expect(phrasings).toHaveLength(3);
  expect(phrasings[2]).toHaveLength(300);
});
