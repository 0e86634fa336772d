/** How much of the question's information passages hold. */
import type { ResolvedGroup } from './lexical-search.ts';

/** By term, 1 more than the first member that is it; kept between searches of one thread, all zero outside `coveragesOf`. */
let marks = new Uint16Array(0);

/**
 * Of each passage, 0 to 1; `passages` are their distinct terms, ascending. The question is laid out by term once and each passage read once:
 * a search compares some ninety of them.
 */
export function coveragesOf(groups: readonly ResolvedGroup[], passages: readonly Uint32Array[]): Float64Array {
  const coverages = new Float64Array(passages.length);
  if (passages.length === 0) return coverages;
  const count = groups.reduce((sum, { members }) => sum + members.length, 0);
  const terms = new Uint32Array(count);
  const groupOf = new Uint16Array(count);
  const worths = new Float64Array(count);
  let asked = 0;
  let highest = 0;
  for (let group = 0, member = 0; group < groups.length; group++) {
    const { members, weight, rarity } = groups[group];
    asked += weight * rarity;
    for (const { id, likeness } of members) {
      terms[member] = id;
      groupOf[member] = group;
      worths[member++] = weight * rarity * likeness;
      if (id > highest) highest = id;
    }
  }
  if (asked === 0) return coverages;
  if (marks.length <= highest) marks = new Uint16Array(2 * (highest + 1));
  // A word may be meant by several groups.
  const next = new Uint16Array(count);
  for (let member = 0; member < count; member++) {
    next[member] = marks[terms[member]];
    marks[terms[member]] = member + 1;
  }
  const best = new Float64Array(groups.length);
  for (let passage = 0; passage < passages.length; passage++) {
    const held = passages[passage];
    best.fill(0);
    for (let i = 0; i < held.length && held[i] <= highest; i++) {
      for (let member = marks[held[i]]; member !== 0; member = next[member - 1]) {
        const group = groupOf[member - 1];
        if (worths[member - 1] > best[group]) best[group] = worths[member - 1];
      }
    }
    let sum = 0;
    for (let group = 0; group < best.length; group++) sum += best[group];
    coverages[passage] = sum / asked;
  }
  for (let member = 0; member < count; member++) marks[terms[member]] = 0;
  return coverages;
}

/** Of one passage. */
export const coverageOf = (groups: readonly ResolvedGroup[], terms: Uint32Array): number => coveragesOf(groups, [terms])[0];
