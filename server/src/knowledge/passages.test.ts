import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutPassages, passagesOf, sentencesOf } from './passages.ts';

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

test('paragraphs of forty words and more are ideas of their own; shorter ones are kept together', () => {
  const [long, short] = [`${sentence(25)} ${sentence(25)}`, sentence(20)];
  const cut = cutPassages({ id: 'd', title: 'T', text: [long, long, short, short, long].join('\n\n') });
  expect(cut.map(({ text }) => words(text))).toEqual([50, 50, 40, 50]);
});

test('a long paragraph is cut evenly', () => {
  const text = Array.from({ length: 13 }, () => sentence(10)).join(' ');
  const cut = cutPassages({ id: 'd', title: 'T', text }).map(({ text: piece }) => words(piece));
  expect(cut.length).toBe(2);
  expect(Math.min(...cut)).toBeGreaterThanOrEqual(60);
});

test('a very long sentence is cut at its commas', () => {
  const clause = (n: number) => Array.from({ length: n }, (_, i) => `word${i}`).join(' ');
  const text = `${Array.from({ length: 20 }, () => clause(15)).join(', ')}.`;
  const cut = cutPassages({ id: 'd', title: 'T', text });
  expect(cut.map(({ text: piece }) => words(piece))).toEqual([105, 105, 90]);
  expect(cut.map(({ text: piece }) => piece).join(' ')).toBe(text);
});

test('items and rows are kept whole, with the words that introduce them, and parted for the ear', () => {
  const text = '## Services\nWe offer:\n\n- Cleaning\n- Fillings, e.g. white ones\n\nCall us. We help.';
  expect(cutPassages({ id: 'd', title: 'T', text })).toEqual([
    { id: 'd#0', documentId: 'd', title: 'T – Services', text: 'We offer: Cleaning; Fillings, e.g. white ones. Call us. We help.' },
  ]);
  const rows = Array.from({ length: 60 }, (_, i) => `- Treatment: Number ${i}. Second kind; Price: ${i} pounds and nothing more.`);
  const cut = cutPassages({ id: 'd', title: 'T', text: rows.join('\n') });
  for (const { text: piece } of cut) {
    expect(piece.startsWith('Treatment: Number')).toBe(true);
    expect(piece.endsWith('nothing more.')).toBe(true);
  }
});

test('sections that are only fragments are joined under their parent', () => {
  const text = '# Contact\n\n## Fax\n555-1234\n\n## Email\nhello@x.example\n\n## Where\nBehind the house.\n\n# Other\n\n## Fax\n555-9';
  expect(cutPassages({ id: 'd', title: 'T', text }).map(({ title, text: piece }) => [title, piece])).toEqual([
    ['T – Contact', 'Fax: 555-1234; Email: hello@x.example.'],
    ['T – Contact – Where', 'Behind the house.'],
    ['T – Other – Fax', '555-9'],
  ]);
});

test('the title is not said twice', () => {
  expect(cutPassages({ id: 'd', title: 'Guide', text: '# Guide\n\n## Parking\n\nHere.' })[0].title).toBe('Guide – Parking');
});

test('scripts without blanks are cut by their sentences, and bounded without any', () => {
  const chinese = cutPassages({ id: 'd', title: 'T', text: '我们星期一到星期五从早上九点营业到下午五点。'.repeat(40) });
  expect(chinese.length).toBeGreaterThan(3);
  for (const { text } of chinese) {
    expect(text.length).toBeLessThan(260);
    expect(text.endsWith('。')).toBe(true);
  }
  for (const { text } of cutPassages({ id: 'd', title: 'T', text: 'ก'.repeat(5_000) })) expect(text.length).toBeLessThanOrEqual(540);
  for (const { text } of cutPassages({ id: 'd', title: 'T', text: 'x'.repeat(50_000) })) expect(text.length).toBeLessThanOrEqual(3_000);
});

test('ordinals, initials and hours end no sentence', () => {
  expect(sentencesOf('Am 1. Januar ist zu. Frau A. Lee kommt z. B. um 9 p.m. and leaves. Ja!')).toEqual([
    'Am 1. Januar ist zu.',
    'Frau A. Lee kommt z. B. um 9 p.m. and leaves.',
    'Ja!',
  ]);
  expect(sentencesOf('营业。“是的。”他说！')).toEqual(['营业。', '“是的。”', '他说！']);
});

test('no word is lost, invented or moved, whatever the text', () => {
  const line = fc.oneof(
    fc.constant(''),
    fc.constant('# A heading'),
    fc.constant('### Below'),
    fc
      .array(fc.constantFrom('word', 'Dr.', 'nine,', 'end.', 'Why?', '1.', '中文。', 'a:'), { minLength: 1, maxLength: 60 })
      .map((all) => all.join(' ')),
    fc.array(fc.constantFrom('item', 'row;', 'done.'), { minLength: 1, maxLength: 30 }).map((all) => `- ${all.join(' ')}`),
  );
  // Headings of fragments become a part of the text.
  const letters = (text: string) => text.replace(/A heading|Below|[^\p{L}\p{N}]/gu, '');
  fc.assert(
    fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
      const cut = cutPassages({ id: 'd', title: 'T', text: lines.join('\n') });
      const text = lines.filter((each) => !each.startsWith('#')).join('\n');
      expect(letters(cut.map((passage) => passage.text).join(''))).toBe(letters(text));
      for (const [index, passage] of cut.entries()) {
        expect(passage.id).toBe(`d#${index}`);
        expect(passage.text.trim()).not.toBe('');
      }
    }),
  );
});

test('a book without headings is cut in time', () => {
  const started = process.cpuUsage().user;
  const text = `${'One sentence has these seven words here. '.repeat(20)}\n\n`.repeat(4_000); // 3.2 MB
  let count = 0;
  for (const { text: piece } of passagesOf({ id: 'd', title: 'T', text })) count += words(piece) > 120 ? 1_000_000 : 1;
  expect(count).toBeLessThan(12_000);
  expect((process.cpuUsage().user - started) / 1_000).toBeLessThan(8_000);
});
