/**
 * Notices, once per voice, that sound cannot be what was asked for: a voice at another rate than the leg's speaks like a
 * giant or a mouse, and nothing else would say so.
 */
import type { Log } from '#kit/log.ts';

/** Outside of this no language is spoken (ms per character); short texts vary too much to tell. */
const FASTEST = 22;
const SLOWEST = 220;
const FEWEST_CHARACTERS = 20;
/** Sound against the vendor's own word times: pauses stretch it, nothing shrinks it. */
const LONGEST_RATIO = 1.7;
const SHORTEST_RATIO = 0.75;
const SHORTEST_TIMED_MS = 1_000;

export class PaceWatch {
  readonly #log: Log;
  readonly #vendor: string;
  #told = false;

  constructor(log: Log, vendor: string) {
    this.#log = log;
    this.#vendor = vendor;
  }

  /** It has been said. */
  get told(): boolean {
    return this.#told;
  }

  /** A clause of so many characters became so much sound; `timedMs` is where the vendor's own last word ends, if it says. */
  spoken(characters: number, soundMs: number, timedMs?: number): void {
    const each = soundMs / characters;
    const odd =
      timedMs !== undefined && timedMs >= SHORTEST_TIMED_MS
        ? soundMs > timedMs * LONGEST_RATIO || soundMs < timedMs * SHORTEST_RATIO
        : characters >= FEWEST_CHARACTERS && (each < FASTEST || each > SLOWEST);
    if (!odd || this.#told) return;
    this.#told = true;
    this.#log.warn(
      { vendor: this.#vendor, characters, soundMs, timedMs },
      'speech is implausibly long or short: is it at another sample rate?',
    );
  }
}
