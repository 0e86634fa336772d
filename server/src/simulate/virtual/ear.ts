/**
 * The caller's ear: what of the assistant is audible, and when, by the packets that arrive. Onsets and silences are found by
 * the definitions of the measures: 10 ms pieces, three loud ones in a row are an onset.
 */
import { mulawPower } from '#audio/level.ts';
import { fnv1a } from './sound-bank.ts';
import type { WordIndex } from './voice.ts';

/** -48 dBFS: far above the silence of the line, far below any voice. */
const AUDIBLE_POWER = 32_768 ** 2 * 10 ** -4.8;
const HALF = 80;
const HALF_MS = 10;
const ONSET_HALVES = 3;
/** A shorter dip is a gap between words. */
const DIP_MS = 300;

/** A stretch in which the assistant was audible; dips of less than 300 ms belong to it. Milliseconds since the answer. */
export interface Audible {
  fromMs: number;
  toMs: number;
}

export class CallerEar {
  readonly #index: WordIndex;
  /** Oldest first; the newest may still go on. */
  readonly stretches: Audible[] = [];
  #loud = 0;
  #lastWord = -1;
  #words = 0;

  constructor(index: WordIndex) {
    this.#index = index;
  }

  /** Words of the assistant begun since {@link forgetWords}. */
  get words(): number {
    return this.#words;
  }

  forgetWords(): void {
    this.#words = 0;
    this.#lastWord = -1;
  }

  /** How long the assistant has been silent at `atMs`; since the answer when it never spoke. */
  quietMs(atMs: number): number {
    return Math.max(0, atMs - (this.stretches.at(-1)?.toMs ?? 0));
  }

  /** 20 ms of G.711 have arrived. */
  hears(payload: Uint8Array, atMs: number): void {
    const first = mulawPower(payload, 0, HALF) > AUDIBLE_POWER;
    const second = mulawPower(payload, HALF) > AUDIBLE_POWER;
    this.#half(first, atMs);
    this.#half(second, atMs + HALF_MS);
    if (!first && !second) return;
    const word = this.#index.get(fnv1a(payload));
    if (word === undefined || word === this.#lastWord) return;
    this.#lastWord = word;
    this.#words++;
  }

  #half(loud: boolean, atMs: number): void {
    if (!loud) {
      this.#loud = 0;
      return;
    }
    const { stretches } = this;
    const newest = stretches.at(-1);
    if (newest && atMs - newest.toMs < DIP_MS) {
      newest.toMs = atMs + HALF_MS;
      return;
    }
    if (++this.#loud < ONSET_HALVES) return;
    stretches.push({ fromMs: atMs - (ONSET_HALVES - 1) * HALF_MS, toMs: atMs + HALF_MS });
    this.#loud = 0;
  }
}
