/** Which approved question a caller has asked, if any: found by words and vectors, decided by margin and slots. */
import type { ModelPassage } from '#models/language-model.ts';
import { termOf, wordsOf } from '#models/terms.ts';
import type { PassageRecord } from './library.ts';
import { namesIn, sameSlots } from './slots.ts';

/** A phrasing and how like the question it is, 0 to 1. */
export interface Phrasing {
  record: PassageRecord;
  likeness: number;
  /** By words alone. */
  inWords: number;
}

/** From here on it is the same question for a model to answer from; the next different one must be this much less like it. */
const SAME_QUESTION = 0.62;
const QUESTION_MARGIN = 0.08;
const CERTAIN = 0.97;
/** From here on the answer is spoken as it stands, when all slots are equal. */
const SAME_MEANING = 0.86;
const MEANING_MARGIN = 0.12;

export interface ApprovedMatch {
  /** Goes before all documents. */
  passage: ModelPassage;
  /** May be spoken as it stands. */
  asItStands: boolean;
  margin: number;
}

/** `phrasings` best first. */
export function approvedMatch(text: string, phrasings: readonly Phrasing[]): ApprovedMatch | undefined {
  const said = plainWords(text);
  // Two questions may be alike in all their content words and still only one has the caller's very words.
  const exact = phrasings.find(({ record }) => plainWords(record.text) === said);
  const best = exact ?? phrasings[0];
  if (!best) return undefined;
  const next = phrasings.find(({ record }) => record.documentId !== best.record.documentId);
  const margin = exact ? 1 : best.likeness - (next?.likeness ?? 0);
  if (!exact && !(best.likeness >= SAME_QUESTION && (margin >= QUESTION_MARGIN || best.likeness > CERTAIN))) return undefined;
  const asItStands =
    exact !== undefined || (best.likeness >= SAME_MEANING && margin >= MEANING_MARGIN && nothingDiffers(text, best.record.text));
  return { passage: passageOf(best.record, best.likeness), asItStands, margin };
}

/** Slots are equal, and every name of the phrasing was said. */
function nothingDiffers(text: string, phrasing: string): boolean {
  const said = new Set(wordsOf(text).map(termOf));
  return sameSlots(text, phrasing) && namesIn(phrasing).every((name) => said.has(name));
}

export function passageOf({ id, documentId, title, text, answer }: PassageRecord, score: number): ModelPassage {
  return { id, documentId, title, text, answer, score };
}

/** Letters and figures only, in lower case and without accents. */
export function plainWords(text: string): string {
  const words = text
    .normalize('NFKD')
    .replace(/\p{M}|['’]/gu, '')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu);
  return (words ?? []).join(' ');
}
