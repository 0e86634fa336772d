import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, expect, test } from 'vitest';
import { grammarOf, phoneLoop, vocabularyOf, wordsOf, writtenText } from './grammar.ts';
import { dictionaryText, readLexicon } from './lexicon.ts';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});
async function dictionary(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-test-'));
  folders.push(folder);
  await writeFile(join(folder, 'words.dict'), text);
  return join(folder, 'words.dict');
}
const ENTRIES =
  'a AH\na(2) EY\nbook B UH K\ncolor K AH L ER\nhours AW ER Z\nn EH N\np P IY\npark P AA R K\nv V IY\nwork W ER K\nyour Y AO R\n';

test('what is said for a phrase', () => {
  expect(wordsOf('What’s your No. 1 price -- is it $15?').join(' ')).toBe("what's your number one price is it fifteen dollars");
  expect(wordsOf('Café "Zoë"')).toEqual(['cafe', 'zoe']);
  expect(wordsOf('?! …')).toEqual([]);
});

test('words that the dictionary lacks are put together from words it has, or are absent', async () => {
  const lexicon = await readLexicon(await dictionary(ENTRIES), [
    'a',
    'workbook',
    'colour',
    'vpn',
    'parks',
    'parking',
    "park's",
    'xyzzyqua',
  ]);
  expect([...lexicon]).toEqual([
    ['a', ['AH', 'EY']],
    ['workbook', ['W ER K B UH K']],
    ['colour', ['K AH L ER']],
    ['vpn', ['V IY P IY EH N']],
    ['parks', ['P AA R K S']],
    ['parking', ['P AA R K IH NG']],
    ["park's", ['P AA R K S']],
  ]);
  expect(dictionaryText(lexicon)).toContain('a AH\na(2) EY\nworkbook W ER K B UH K\n');
});

test('a dictionary is read whole, however it falls into slices', async () => {
  const words = Array.from(
    { length: 9_000 },
    (_, index) => `w${index.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[Number(digit)])}`,
  );
  const lexicon = await readLexicon(await dictionary(words.map((word) => `${word} W`).join('\n')), words);
  expect(lexicon.size).toBe(new Set(words).size);
});

test('a phrase with an unknown word is left out and named; the others stay', () => {
  const lexicon = new Map([...vocabularyOf(['Your hours?'])].map((word) => [word, ['AH']]));
  const { text, written, dropped } = grammarOf(['Your hours?', 'Your xyzzyqua hours', '24/7'], lexicon);
  expect([...written]).toEqual([['your hours', 'Your hours']]);
  expect(dropped.map(({ words }) => words)).toEqual([['xyzzyqua'], ['twenty', 'four', 'seven']]);
  expect(text).toMatch(/^#JSGF V1.0;\n/);
  expect(text).toContain('<phrase> = your hours;');
});

test('without phrases small talk remains', () => {
  const lexicon = new Map([...vocabularyOf([])].map((word) => [word, ['AH']]));
  const { text } = grammarOf([], lexicon);
  expect(text).toContain('public <utterance> = <small>;');
  expect(text).not.toContain('<phrase>');
});

test('the given phrase comes back as it was written', () => {
  const written = new Map([
    ['is it twenty four seven', 'Is it 24/7'],
    ['is it', 'Is it'],
  ]);
  expect(writtenText(['hello', 'is', 'it', 'twenty', 'four', 'seven', 'please'], written)).toBe('hello Is it 24/7 please');
  expect(writtenText(['yes'], written)).toBe('yes');
});

test('no phrase can write grammar', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 5 }), (phrases) => {
      const lexicon = new Map([...vocabularyOf(phrases)].map((word) => [word, ['AH']]));
      const { text } = grammarOf(phrases, lexicon);
      const phrase = /<phrase> = ([^;]*);/.exec(text)?.[1] ?? '';
      expect(phrase).toMatch(/^[a-z' |\n]*$/);
      expect(text.split(';').length - 1).toBe(phrase === '' ? 4 : 7);
    }),
  );
});

test('the loop has every phone once, by names that no phrase can have', () => {
  const words = phoneLoop.dictionary.trim().split('\n');
  expect(words).toHaveLength(39);
  for (const word of words) expect(word).toMatch(/^ph_[a-z]+ [A-Z]+$/);
});
