/**
 * Pronunciations of the words of a grammar, read from the CMU dictionary that comes with the model. The file (3 MB) is
 * read in slices, so that the thread of the calls is never held for more than about a millisecond, and only the wanted
 * words are kept.
 */
import { createReadStream } from 'node:fs';

/** Each word with its pronunciations, a pronunciation being phones of the model parted by blanks. */
export type Lexicon = ReadonlyMap<string, readonly string[]>;

const SLICE_BYTES = 32 * 1024;
const SHORTEST_PART = 3; // letters of a part of a compound
const VOICELESS = new Set(['P', 'T', 'K', 'F', 'TH']);
const SIBILANT = new Set(['S', 'Z', 'SH', 'ZH', 'CH', 'JH']);
/** British and American endings that the dictionary knows only one way. */
const RESPELLINGS: readonly [RegExp, string][] = [
  [/our$/, 'or'],
  [/ours$/, 'ors'],
  [/isation$/, 'ization'],
  [/ise(d|s)?$/, 'ize$1'],
  [/ising$/, 'izing'],
  [/lment(s?)$/, 'llment$1'],
  [/re$/, 'er'],
  [/lled$/, 'led'],
  [/lling$/, 'ling'],
];

/** How a word that is missing may be put together from words that are not: the ending's phones follow the parts'. */
interface Guess {
  parts: readonly string[];
  ending?: 's' | 'ing';
}

function guessesOf(word: string): Guess[] {
  const guesses: Guess[] = [];
  for (const [pattern, ending] of RESPELLINGS) {
    if (pattern.test(word)) guesses.push({ parts: [word.replace(pattern, ending)] });
  }
  if (word.endsWith("'s")) guesses.push({ parts: [word.slice(0, -2)], ending: 's' });
  else if (/s'?$/.test(word)) guesses.push({ parts: [word.replace(/s'?$/, '')], ending: 's' });
  if (word.endsWith('ing'))
    guesses.push({ parts: [word.slice(0, -3)], ending: 'ing' }, { parts: [`${word.slice(0, -3)}e`], ending: 'ing' });
  // Longest first part first: "workbook" is work and book, not w and orkbook.
  for (let at = word.length - SHORTEST_PART; at >= SHORTEST_PART; at--) guesses.push({ parts: [word.slice(0, at), word.slice(at)] });
  // An abbreviation without vowels is said letter by letter.
  if (/^[^aeiouy']{2,5}$/.test(word)) guesses.push({ parts: Array.from(word) });
  return guesses;
}

function endingPhones(phones: string, ending: Guess['ending']): string {
  if (ending === undefined) return phones;
  if (ending === 'ing') return `${phones} IH NG`;
  const last = phones.slice(phones.lastIndexOf(' ') + 1);
  return `${phones} ${SIBILANT.has(last) ? 'IH Z' : VOICELESS.has(last) ? 'S' : 'Z'}`;
}

/** The first way to put a word together of which every part is known. One pronunciation per part. */
function compose(guesses: readonly Guess[], found: ReadonlyMap<string, string[]>): string | undefined {
  for (const { parts, ending } of guesses) {
    const known = parts.map((part) => found.get(part)?.[0]);
    if (known.every((phones) => phones !== undefined)) return endingPhones(known.join(' '), ending);
  }
  return undefined;
}

/** Adds the wanted entries (`word PH PH`, `word(2) PH PH`) of whole lines of the dictionary to `found`. */
function collect(lines: string, wanted: ReadonlySet<string>, found: Map<string, string[]>): void {
  for (let from = 0; from < lines.length; ) {
    const end = lines.indexOf('\n', from);
    const to = end < 0 ? lines.length : end;
    const gap = lines.indexOf(' ', from);
    if (gap > from && gap < to) {
      const bracket = lines.charCodeAt(gap - 1) === 0x29 ? lines.lastIndexOf('(', gap) : gap;
      const word = lines.slice(from, bracket > from ? bracket : gap);
      if (wanted.has(word)) {
        const phones = lines.slice(gap + 1, to).trim();
        const known = found.get(word);
        if (known) known.push(phones);
        else found.set(word, [phones]);
      }
    }
    from = to + 1;
  }
}

/**
 * Reads the pronunciations of `words` (lower case). A word that the dictionary lacks is put together where that is
 * safe (compounds, plurals, British endings, abbreviations); else it is absent from the answer.
 * Throws what the file system throws, and the signal's reason.
 */
export async function readLexicon(file: string, words: Iterable<string>, signal?: AbortSignal): Promise<Lexicon> {
  const guesses = new Map<string, Guess[]>();
  const wanted = new Set<string>();
  for (const word of words) {
    const ways = guessesOf(word);
    guesses.set(word, ways);
    wanted.add(word);
    for (const { parts } of ways) for (const part of parts) wanted.add(part);
  }
  const found = new Map<string, string[]>();
  let rest = '';
  for await (const slice of createReadStream(file, { encoding: 'latin1', highWaterMark: SLICE_BYTES, signal }) as AsyncIterable<string>) {
    const text = rest + slice;
    const end = text.lastIndexOf('\n') + 1;
    collect(text.slice(0, end), wanted, found);
    rest = text.slice(end);
  }
  collect(rest, wanted, found);

  const lexicon = new Map<string, readonly string[]>();
  for (const [word, ways] of guesses) {
    const known = found.get(word);
    if (known) lexicon.set(word, known);
    else {
      const composed = compose(ways, found);
      if (composed !== undefined) lexicon.set(word, [composed]);
    }
  }
  return lexicon;
}

/** The lexicon as a dictionary file of PocketSphinx: further pronunciations are `word(2)`, `word(3)`. */
export function dictionaryText(lexicon: Lexicon): string {
  const lines: string[] = [];
  for (const [word, pronunciations] of lexicon) {
    pronunciations.forEach((phones, index) => lines.push(`${word}${index === 0 ? '' : `(${index + 1})`} ${phones}`));
  }
  return `${lines.join('\n')}\n`;
}
