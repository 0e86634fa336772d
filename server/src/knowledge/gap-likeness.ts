/** Whether two questions that callers asked are the same, for collecting what could not be answered. */
import { codeTerm, type Unit, unitsOf } from './index-terms.ts';
import { sameSlots } from './slots.ts';
import { codesIn } from './spoken-values.ts';
import { wordLikeness } from './vocabulary.ts';

/** Other days, numbers, opposites or kinds of answer: near in words, but another question. */
const OTHER_SLOTS_AT_MOST = 0.5;
/** A misheard word is worth less than the word. */
const MISHEARD_WORTH = 0.9;

/** 0 (nothing in common) to 1 (the same content words and slots). Symmetric. From about 0.65 on it is the same question. */
export function sameQuestion(a: string, b: string): number {
  const codes = new Set([...codesIn(a), ...codesIn(b)]);
  const [left, right] = [a, b].map((text) => unitsOf(text, (code) => codes.has(code)));
  if (left.length === 0 || right.length === 0) return 0;
  const likeness = matched(left, right) / (left.length + right.length);
  if (likeness <= OTHER_SLOTS_AT_MOST) return likeness;
  return sameSlots(a, b) ? likeness : OTHER_SLOTS_AT_MOST;
}

/** What each unit of either has at best in the other, added up. */
function matched(units: readonly Unit[], others: readonly Unit[]): number {
  const best = others.map(() => 0);
  let sum = 0;
  for (const unit of units) {
    let most = 0;
    for (const [at, other] of others.entries()) {
      const likeness = unitLikeness(unit, other);
      most = Math.max(most, likeness);
      best[at] = Math.max(best[at], likeness);
    }
    sum += most;
  }
  return best.reduce((total, likeness) => total + likeness, sum);
}

function unitLikeness(a: Unit, b: Unit): number {
  if (a.term === b.term || a.same.includes(b.term) || b.same.includes(a.term)) return 1;
  if (a.term.startsWith(codeTerm('')) || b.term.startsWith(codeTerm(''))) return 0;
  return wordLikeness(a.term, b.term) * MISHEARD_WORTH;
}
