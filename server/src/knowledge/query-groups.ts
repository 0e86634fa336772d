/** A question as groups of terms: each group is one thing that was said, with all the terms that may mean it. */
import { termOf } from '#models/terms.ts';
import { codeTerm, MONEY_TERM, type Unit, unitsOf } from './index-terms.ts';
import type { Vocabulary } from './vocabulary.ts';
import { isFrameTerm, relativesOf } from './word-relations.ts';

export interface QueryGroup {
  /** Most likely first. */
  members: { term: string; likeness: number }[];
  /** How much it counts; 1 for what was said in this question. */
  weight: number;
  /** It says what kind of thing is asked for rather than about what. */
  frame: boolean;
}

/** The terms that may be found: a vocabulary, and how many passages of the search hold a term. */
export interface Known {
  vocabulary: Vocabulary;
  holding(term: string): number;
}

/** What a word that only sounds or looks alike is worth beside the word itself. */
const NEIGHBOUR_WORTH = 0.7;
const MOST_NEIGHBOURS = 3;
/** A word of the same family ("delivery" for "deliver"). */
const KIN_WORTH = 0.6;
/** Words joined ("sun day") or parted ("mountainbike") by recognition. */
const JOINED_WORTH = 0.85;
const PARTED_WORTH = 0.7;
const LEAST_PART = 3;
/** The words themselves beside the code or number that they make together. */
const LITERAL_WORTH = 0.5;
const PRICE = termOf('price');
/** A sum of money beside the word "price". */
const MONEY_WORTH = 0.7;

export function groupsOf(text: string, known: Known, weight = 1): QueryGroup[] {
  const { longestCode } = known.vocabulary;
  const units = unitsOf(text, (code) => code.length < longestCode && known.holding(codeTerm(code)) > 0);
  const joined = units.map((unit, at) => joinedTerm(unit, units[at + 1], known));
  const groups: QueryGroup[] = [];
  const seen = new Set<string>();
  for (const [at, unit] of units.entries()) {
    if (seen.has(unit.term)) continue;
    seen.add(unit.term);
    const members = new Map([[unit.term, 1], ...unit.same.map((term) => [term, 1] as const)]);
    for (const { term, likeness } of standIns(unit, [joined[at - 1], joined[at]], known)) {
      if (known.holding(term) > 0 && likeness > (members.get(term) ?? 0)) members.set(term, likeness);
    }
    const byLikeness = [...members].map(([term, likeness]) => ({ term, likeness })).sort((a, b) => b.likeness - a.likeness);
    groups.push({ members: byLikeness, weight, frame: isFrameTerm(unit.term) });
  }
  return groups;
}

/** A word and the next as one, where the knowledge has it. */
function joinedTerm({ words }: Unit, after: Unit | undefined, known: Known): string | undefined {
  if (words.length !== 1 || after?.words.length !== 1) return undefined;
  const term = termOf(words[0] + after.words[0]);
  return known.holding(term) > 0 ? term : undefined;
}

/** Terms that may have been meant. A word that the knowledge has stands for its family, and is joined to the one beside it, no more. */
function* standIns(unit: Unit, joined: readonly (string | undefined)[], known: Known): Generator<{ term: string; likeness: number }> {
  const { term, words } = unit;
  if (term === PRICE) yield { term: MONEY_TERM, likeness: MONEY_WORTH };
  if (words.length > 1) {
    if (known.holding(term) === 0) for (const word of words) yield { term: termOf(word), likeness: LITERAL_WORTH };
    return;
  }
  const [word] = words;
  for (const whole of joined) if (whole !== undefined) yield { term: whole, likeness: JOINED_WORTH };
  for (const kin of known.vocabulary.family(term)) yield { term: kin, likeness: KIN_WORTH };
  yield* relativesOf(term);
  if (known.holding(term) > 0) return;
  for (const { term: near, likeness } of known.vocabulary.neighbours(term, MOST_NEIGHBOURS * 2)) {
    yield { term: near, likeness: likeness * NEIGHBOUR_WORTH };
  }
  for (let cut = LEAST_PART; cut <= word.length - LEAST_PART; cut++) {
    const [left, right] = [termOf(word.slice(0, cut)), termOf(word.slice(cut))];
    if (known.holding(left) === 0 || known.holding(right) === 0) continue;
    yield { term: left, likeness: PARTED_WORTH };
    yield { term: right, likeness: PARTED_WORTH };
  }
}
