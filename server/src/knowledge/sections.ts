/** A Markdown text as sections under their headings, each a row of sentences and list items. */
import { piecesOf, sentencesOf, wordsIn } from './sentences.ts';

export interface Unit {
  text: string;
  words: number;
  /** Items of lists and rows of tables are never cut while they fit. */
  kind: 'sentence' | 'item';
  /** Begins a paragraph or a list. */
  starts: boolean;
}

export interface Section {
  /** Headings above, outermost first. */
  path: string[];
  units: Unit[];
  /** The section goes on in the next one: it was too long to be held at once. */
  continues: boolean;
}

export const MOST_WORDS = 120;
/** Of one unit; more only a text without a comma in it has, which is cut wherever this falls. */
const MOST_CHARACTERS = 3_000;
/** Characters that count as one word at least: an address of a page is no short text. */
const LONG_WORD = 25;
const MOST_UNITS = 500; // held at once, so that a book without headings is cut in pieces of time

const ITEM = /^\s*(?:[-*+•]\s+|(?=\d{1,3}[.)]\s))/;
const HEADING = /^(#{1,6})\s+(.{1,200})$/;

const unitsOf = (text: string, kind: Unit['kind'], starts: boolean): Unit[] => {
  const whole = wordsIn(text);
  const sentences = kind === 'item' && whole <= MOST_WORDS && text.length <= MOST_CHARACTERS ? [text] : sentencesOf(text);
  return sentences
    .flatMap((sentence) => piecesOf(sentence, MOST_WORDS, MOST_CHARACTERS))
    .map((piece, index) => ({
      text: piece,
      words: Math.max(wordsIn(piece), Math.ceil(piece.length / LONG_WORD)),
      kind,
      starts: starts && index === 0,
    }));
};

/** Sections in order, without those that have headings only. Lines without a blank one between them are one paragraph. */
export function* sectionsOf(text: string): Generator<Section, void, undefined> {
  const path: string[] = [];
  let units: Unit[] = [];
  let lines: string[] = [];
  let kind: Unit['kind'] = 'sentence';
  let inList = false;
  const flush = () => {
    const joined = lines.join(' ').replace(/\s+/g, ' ').trim();
    lines = [];
    if (joined) units.push(...unitsOf(joined, kind, kind === 'sentence' || !inList));
    inList = kind === 'item';
    kind = 'sentence';
  };
  const section = (continues: boolean): Section => ({ path: path.filter(Boolean), units: units.splice(0), continues });
  for (const line of text.split(/\r?\n/)) {
    const heading = HEADING.exec(line);
    if (heading) {
      flush();
      if (units.length > 0) yield section(false);
      path.length = heading[1].length - 1;
      path[heading[1].length - 1] = heading[2].trim();
      inList = false;
    } else if (line.trim() === '') flush();
    else {
      if (ITEM.test(line)) {
        flush();
        kind = 'item';
      }
      lines.push(line.replace(ITEM, ''));
    }
    if (units.length >= MOST_UNITS) yield section(true);
  }
  flush();
  if (units.length > 0) yield section(false);
}
