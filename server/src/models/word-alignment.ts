/**
 * A vendor times the words it spoke; a turn needs the words that were written ("$45" is spoken as "forty five dollars").
 * Words are matched as they come; what lies between two matches shares its stretch of sound by length.
 */
import type { WordTime } from '@tandem/contract';

/** How far ahead a spoken word is looked for among the written ones. */
const LOOK_AHEAD = 8;
/** Spoken words that match nothing are merged beyond this many. */
const MOST_HELD = 256;

const keyOf = (word: string): string => word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

interface Written {
  text: string;
  key: string;
}

/** Times the words of one text. Times are milliseconds on whatever scale the spoken words have. */
export class WordAligner {
  readonly #written: Written[];
  #next = 0;
  #held: WordTime[] = [];
  #lastMs = 0;

  constructor(text: string) {
    this.#written = text
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => ({ text: word, key: keyOf(word) }));
  }

  /** Every written word has been timed. */
  get complete(): boolean {
    return this.#next === this.#written.length;
  }

  /** Words as the vendor spoke them, in order. Returns the written words that are certain now. */
  push(spoken: readonly WordTime[]): WordTime[] {
    const settled: WordTime[] = [];
    for (const word of spoken) {
      if (!Number.isFinite(word.fromMs) || !Number.isFinite(word.toMs)) continue;
      const key = keyOf(word.text);
      if (key === '') continue;
      const fromMs = Math.max(this.#lastMs, word.fromMs);
      this.#hold({ text: key, fromMs, toMs: Math.max(fromMs, word.toMs) });
      this.#settle(settled);
    }
    return settled;
  }

  /** The rest, shared out over what is left of the sound. */
  end(totalMs: number): WordTime[] {
    const settled: WordTime[] = [];
    const last = this.#held.at(-1);
    this.#share(this.#written.length, this.#held[0]?.fromMs ?? this.#lastMs, Math.max(last?.toMs ?? totalMs, this.#lastMs), settled);
    this.#held = [];
    return settled;
  }

  #hold(word: WordTime): void {
    if (this.#held.length >= MOST_HELD) this.#held[MOST_HELD - 1].toMs = word.toMs;
    else this.#held.push(word);
  }

  #settle(settled: WordTime[]): void {
    const held = this.#held;
    const newest = held[held.length - 1];
    const end = Math.min(this.#written.length, this.#next + LOOK_AHEAD);
    // "well-known" may be spoken as two words.
    const whole = held.map(({ text }) => text).join('');
    for (let index = this.#next; index < end; index++) {
      const { key } = this.#written[index];
      if (key === '') continue;
      if (key === whole) {
        this.#share(index, held[0].fromMs, held[0].fromMs, settled);
        this.#settleOne(held[0].fromMs, newest.toMs, settled);
        this.#held = [];
        return;
      }
      if (key === newest.text && (index > this.#next || held.length === 1)) {
        this.#share(index, held[0].fromMs, held.at(-2)?.toMs ?? newest.fromMs, settled);
        this.#settleOne(newest.fromMs, newest.toMs, settled);
        this.#held = [];
        return;
      }
      // Without a word between them, only marks may be passed over.
      if (held.length === 1 && index > this.#next + 1) return;
    }
  }

  /** Written words up to `end` lie between two times. */
  #share(end: number, fromMs: number, toMs: number, settled: WordTime[]): void {
    const words = this.#written.slice(this.#next, end);
    const total = words.reduce((sum, { text }) => sum + text.length + 1, 0);
    let before = 0;
    for (const { text } of words) {
      const from = fromMs + ((toMs - fromMs) * before) / total;
      before += text.length + 1;
      this.#settleOne(from, fromMs + ((toMs - fromMs) * before) / total, settled);
    }
  }

  #settleOne(fromMs: number, toMs: number, settled: WordTime[]): void {
    const from = Math.max(this.#lastMs, fromMs);
    settled.push({ text: this.#written[this.#next].text, fromMs: from, toMs: Math.max(from, toMs) });
    this.#lastMs = from;
    this.#next++;
  }
}
