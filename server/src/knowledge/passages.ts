/**
 * Documents cut into passages for speech: one idea each, 40 to 120 words, under the path of its headings. Cuts fall
 * between paragraphs where they can, then between items, then between sentences, and at a comma when a sentence alone is
 * longer than a passage.
 */
import { MOST_WORDS, type Section, sectionsOf, type Unit } from './sections.ts';

export { sentencesOf } from './sentences.ts';

export interface Passage {
  /** `<documentId>#<index>`, stable while the document's text is. */
  id: string;
  documentId: string;
  /** Document title and the headings above, joined by ` – `. */
  title: string;
  text: string;
}

const TARGET_WORDS = 80;
const FEWEST_WORDS = 40;
/** A section below this that is not even a sentence ("Fax: 555-1234") is joined with those beside it. */
const FRAGMENT_WORDS = 8;

/** What it costs to cut before a unit, and to keep two ideas together: in words that a passage is too short. */
const CUT = { item: 3, sentence: 12, leadIn: 60 };
const SECOND_IDEA = { paragraph: 10, list: 3 };

const ENDED = /[.!?…:;,。！？；：、，؟।]["'”’»)\]」』）]{0,2}$/u;
const SENTENCE_END = /[.!?…。！？؟।]["'”’»)\]」』）]{0,2}$/u;

const isLeadIn = (before: Unit, after: Unit): boolean => after.kind === 'item' && /[:：]$/.test(before.text);

function cutCost(before: Unit, after: Unit): number {
  if (isLeadIn(before, after)) return CUT.leadIn;
  if (after.starts) return 0;
  return after.kind === 'item' ? CUT.item : CUT.sentence;
}

function keepCost(before: Unit, after: Unit): number {
  if (!after.starts || isLeadIn(before, after)) return 0;
  return after.kind === 'item' ? SECOND_IDEA.list : SECOND_IDEA.paragraph;
}

/** Anything from 40 to 120 words is well, the middle a little better, so that a long text is cut evenly. */
const lengthCost = (words: number): number => 1 + Math.max(0, FEWEST_WORDS - words) + ((words - TARGET_WORDS) / 20) ** 2;

/** The cheapest cuts of a section (dynamic programming over its units). Returns where each passage begins. */
function cutsOf(units: readonly Unit[]): number[] {
  const best: { cost: number; from: number }[] = [{ cost: 0, from: 0 }];
  for (let end = 1; end <= units.length; end++) {
    let words = 0;
    let kept = 0;
    let choice = { cost: Number.POSITIVE_INFINITY, from: end - 1 };
    for (let from = end - 1; from >= 0; from--) {
      words += units[from].words;
      if (words > MOST_WORDS && from < end - 1) break;
      if (from < end - 1) kept += keepCost(units[from], units[from + 1]);
      const cost = best[from].cost + lengthCost(words) + kept + (from > 0 ? cutCost(units[from - 1], units[from]) : 0);
      if (cost < choice.cost) choice = { cost, from };
    }
    best.push(choice);
  }
  const starts: number[] = [];
  for (let end = units.length; end > 0; end = best[end].from) starts.push(best[end].from);
  return starts.toReversed();
}

/** Sentences as they are; items are parted by what a voice makes a pause of. */
function spoken(units: readonly Unit[]): string {
  return units
    .map(({ text, kind }, index) => {
      if (kind === 'sentence' || ENDED.test(text)) return text;
      return `${text}${units[index + 1]?.kind === 'item' ? ';' : '.'}`;
    })
    .join(' ');
}

const isFragment = ({ path, units, continues }: Section): boolean =>
  path.length > 0 &&
  !continues &&
  units.reduce((sum, { words }) => sum + words, 0) < FRAGMENT_WORDS &&
  !units.some(({ text }) => SENTENCE_END.test(text));

/** Fragments side by side under one parent become one section of it, each heading a part of the text. */
function* joined(sections: Iterable<Section>): Generator<Section, void, undefined> {
  let run: Section[] = [];
  const parentOf = ({ path }: Section) => path.slice(0, -1).join('\n');
  const end = (): Section[] => {
    const fragments = run;
    run = [];
    if (fragments.length < 2) return fragments;
    const units = fragments.map(({ path, units: own }, index): Unit => {
      const text = `${(path.at(-1) ?? '').replace(/:$/, '')}: ${own.map(({ text: words }) => words).join(' ')}`;
      return { text, words: text.split(/\s+/).length, kind: 'item', starts: index === 0 };
    });
    return [{ path: fragments[0].path.slice(0, -1), units, continues: false }];
  };
  for (const section of sections) {
    const fragment = isFragment(section);
    if (run.length > 0 && !(fragment && parentOf(section) === parentOf(run[0]) && section.path.length === run[0].path.length)) yield* end();
    if (fragment) run.push(section);
    else yield section;
  }
  yield* end();
}

/** Cuts one document, passage by passage, so that a long one can be cut in pieces of time. Never yields an empty passage. */
export function* passagesOf(document: { id: string; title: string; text: string }): Generator<Passage, void, undefined> {
  let count = 0;
  for (const { path, units } of joined(sectionsOf(document.text))) {
    const heading = (path[0] === document.title ? path.slice(1) : path).join(' – ');
    const title = heading ? `${document.title} – ${heading}` : document.title;
    const cuts = cutsOf(units);
    for (const [index, from] of cuts.entries()) {
      const text = spoken(units.slice(from, cuts[index + 1] ?? units.length));
      yield { id: `${document.id}#${count++}`, documentId: document.id, title, text };
    }
  }
}

/** All of a document's passages at once. */
export const cutPassages = (document: { id: string; title: string; text: string }): Passage[] => [...passagesOf(document)];
