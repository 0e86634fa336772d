import { expect, test } from 'vitest';
import { cutPassages, sentencesOf } from './passages.ts';

const words = (text: string) => text.split(/\s+/).length;
const sentence = (n: number) => `${Array.from({ length: n - 1 }, (_, i) => `word${i}`).join(' ')} end.`;

test('a short document is one passage under its title', () => {
  expect(cutPassages({ id: 'd1', title: 'Hours', text: 'We open at nine.\nWe close at five.' })).toEqual([
    { id: 'd1#0', documentId: 'd1', title: 'Hours', text: 'We open at nine. We close at five.' },
  ]);
});

test('headings are the title path and are never mixed in one passage', () => {
  const cut = cutPassages({
    id: 'd',
    title: 'Guide',
    text: '# Prices\nA filling is eighty dollars.\n\n## Children\nHalf price.\n\n# Parking\nBehind the house.',
  });
  expect(cut.map(({ title }) => title)).toEqual(['Guide – Prices', 'Guide – Prices – Children', 'Guide – Parking']);
});

test('long text is cut between sentences, 120 words at most', () => {
  const text = Array.from({ length: 40 }, () => sentence(17)).join(' ');
  const cut = cutPassages({ id: 'd', title: 'Long', text });
  expect(cut.length).toBeGreaterThan(5);
  for (const passage of cut) expect(words(passage.text)).toBeLessThanOrEqual(120);
  expect(cut.map(({ text: piece }) => piece).join(' ')).toBe(text);
});

test('a sentence longer than a passage stays whole', () => {
  const cut = cutPassages({ id: 'd', title: 'T', text: `${sentence(10)} ${sentence(300)} ${sentence(10)}` });
  expect(cut.map(({ text }) => words(text))).toEqual([10, 300, 10]);
});

test('abbreviations and decimals end no sentence', () => {
  expect(sentencesOf('Dr. Lee charges 45.50 dollars. Call us!')).toEqual(['Dr. Lee charges 45.50 dollars.', 'Call us!']);
});

test('empty text has no passages', () => {
  expect(cutPassages({ id: 'd', title: 'T', text: ' \n\n ' })).toEqual([]);
});
