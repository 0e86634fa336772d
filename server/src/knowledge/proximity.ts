/**
 * How near to each other a passage says what was asked for: words that follow each other in the question and in the passage,
 * and the most of the question that one stretch of the passage holds. A passage that has all words, each in another
 * sentence, is about something else more often than not.
 */
import type { ResolvedGroup } from './lexical-search.ts';

/** Content words of about one sentence. */
const STRETCH = 15;

/** The question, ready to be laid beside passages. */
export class ProximityQuery {
  readonly #groups: readonly { weight: number }[];
  /** Which group a term belongs to; the likeliest where it belongs to several. */
  readonly #groupOf = new Map<number, number>();
  readonly #asked: number;
  /** Weight of all pairs of neighbours. */
  readonly #askedPairs: number;
  // Of the passage at hand: where something of the question stands, and what.
  readonly #places: number[] = [];
  readonly #said: number[] = [];

  /** `groups` in order of the question. */
  constructor(groups: readonly ResolvedGroup[]) {
    this.#groups = groups.map(({ weight, rarity }) => ({ weight: weight * rarity }));
    const likeness = new Map<number, number>();
    for (const [at, { members }] of groups.entries()) {
      for (const member of members) {
        if ((likeness.get(member.id) ?? 0) >= member.likeness) continue;
        likeness.set(member.id, member.likeness);
        this.#groupOf.set(member.id, at);
      }
    }
    this.#asked = this.#groups.reduce((sum, { weight }) => sum + weight, 0);
    let pairs = 0;
    for (let at = 1; at < groups.length; at++) pairs += this.#pairWeight(at);
    this.#askedPairs = pairs;
  }

  /** 0 to 1. `sequence`: the passage's terms in order of the text. */
  of(sequence: Uint32Array): number {
    if (this.#asked === 0) return 0;
    this.#places.length = 0;
    this.#said.length = 0;
    for (let place = 0; place < sequence.length; place++) {
      const group = this.#groupOf.get(sequence[place]);
      if (group === undefined) continue;
      this.#places.push(place);
      this.#said.push(group);
    }
    const together = this.#mostInOneStretch() / this.#asked;
    return this.#askedPairs === 0 ? together : (together + this.#pairsHeld() / this.#askedPairs) / 2;
  }

  #pairWeight(at: number): number {
    return Math.min(this.#groups[at - 1].weight, this.#groups[at].weight);
  }

  #pairsHeld(): number {
    let held = 0;
    let seen = 0; // A bit for each pair; a question of more than 31 words has no more that count.
    for (let i = 1; i < this.#said.length; i++) {
      const group = this.#said[i];
      if (group > 31 || group !== this.#said[i - 1] + 1 || this.#places[i] !== this.#places[i - 1] + 1 || seen & (1 << group)) continue;
      seen |= 1 << group;
      held += this.#pairWeight(group);
    }
    return held;
  }

  #mostInOneStretch(): number {
    let most = 0;
    for (let from = 0; from < this.#places.length; from++) {
      let seen = 0;
      let held = 0;
      for (let at = from; at < this.#places.length && this.#places[at] - this.#places[from] < STRETCH; at++) {
        const group = this.#said[at];
        if (group > 31 || seen & (1 << group)) continue;
        seen |= 1 << group;
        held += this.#groups[group].weight;
      }
      if (held > most) most = held;
    }
    return most;
  }
}
