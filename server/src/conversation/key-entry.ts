/** Keys pressed one after the other: an entry is over at `#`, or when no key follows. */
import type { Clock, Timer } from '#kit/clock.ts';

/** More keys than anybody means are dropped. */
const MOST_KEYS = 64;

export class KeyEntry {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #interDigitMs: number;
  readonly #entered: (digits: string, rule: 'hash' | 'inter-digit') => void;
  #digits = '';
  #timer: Timer | undefined;

  constructor(clock: Pick<Clock, 'after'>, interDigitMs: number, entered: (digits: string, rule: 'hash' | 'inter-digit') => void) {
    this.#clock = clock;
    this.#interDigitMs = interDigitMs;
    this.#entered = entered;
  }

  get open(): boolean {
    return this.#digits !== '';
  }

  /** `#` alone is an entry too: it may answer a question. */
  press(digit: string): void {
    const ends = digit === '#';
    if ((!ends || this.#digits === '') && this.#digits.length < MOST_KEYS) this.#digits += digit;
    if (ends) return this.#end('hash');
    this.#timer?.cancel();
    this.#timer = this.#clock.after(this.#interDigitMs, () => this.#end('inter-digit'));
  }

  /** Gives up the entry; returns what there was of it. */
  close(): string {
    this.#timer?.cancel();
    const digits = this.#digits;
    this.#digits = '';
    return digits;
  }

  #end(rule: 'hash' | 'inter-digit'): void {
    this.#entered(this.close(), rule);
  }
}
