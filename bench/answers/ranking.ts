/** Where the right passage stands among those found. */
import { WAYS, type Finder, type Way } from './finders.ts';
import type { Question } from './question-set.ts';

export interface Asked extends Question {
  /** As it arrives: written, or as recognition heard it. */
  heard: string;
}

/** Ranks from 1; 0 when it is not among the ten. */
export interface Ranks {
  /** First passage of the right paragraph. */
  paragraph: number[];
  /** First passage of the right paragraph that holds the words of an answer. */
  span: number[];
}

export async function rank(finder: Finder, questions: readonly Asked[]): Promise<{ ranks: Record<Way, Ranks>; tookMs: number[] }> {
  const ranks = Object.fromEntries(WAYS.map((way) => [way, { paragraph: [], span: [] }])) as unknown as Record<Way, Ranks>;
  const tookMs: number[] = [];
  for (const { heard, paragraph, answers } of questions) {
    const found = await finder.find(heard);
    tookMs.push(found.tookMs);
    for (const way of WAYS) {
      const right = found.passages[way].map(({ documentId }) => documentId === paragraph.id);
      ranks[way].paragraph.push(right.indexOf(true) + 1);
      ranks[way].span.push(
        found.passages[way].findIndex(({ text }, at) => right[at] && answers.some((answer) => text.includes(answer))) + 1,
      );
    }
  }
  return { ranks, tookMs };
}

const share = (values: readonly number[], of: (value: number) => number): number =>
  values.reduce((sum, value) => sum + of(value), 0) / Math.max(1, values.length);

export const recallAt = (ranks: readonly number[], k: number): number => 100 * share(ranks, (at) => (at > 0 && at <= k ? 1 : 0));
/** Within the ten that are looked at. */
export const meanReciprocalRank = (ranks: readonly number[]): number => share(ranks, (at) => (at > 0 ? 1 / at : 0));
/** One paragraph is relevant, so that the ideal gain is 1. */
export const gainAt5 = (ranks: readonly number[]): number => share(ranks, (at) => (at > 0 && at <= 5 ? 1 / Math.log2(at + 1) : 0));
