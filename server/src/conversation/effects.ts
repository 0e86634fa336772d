/**
 * What the tools of one call have changed outside, or are changing: an answer that is dropped and begun again, or a model
 * that asks again while nobody knows how it ends, must not make it happen twice.
 *
 * ```
 *   running ──▶ ok        the same turn gets the same result; in a later turn it is a new wish
 *       │ ────▶ failed    nothing happened: it may be tried again
 *       └─────▶ unknown   never repeated in this call
 * ```
 */
import { childOf } from '#kit/abort.ts';
import type { Clock } from '#kit/clock.ts';

export type Outcome = 'ok' | 'failed' | 'unknown';

interface Effect {
  turn: number;
  outcome: Outcome | 'running';
  /** What the model was told. */
  told: Promise<string>;
}

/** Of one call. */
export class Effects {
  readonly #known = new Map<string, Effect>();
  readonly #running = new Set<Promise<string>>();
  readonly #scope = childOf(undefined);

  /** Of everything under way: it outlives the reply that asked for it, and the caller's hanging up. */
  get signal(): AbortSignal {
    return this.#scope.signal;
  }

  /** Resolves when nothing is under way any more; after `withinMs` it is given up, as unknown. */
  async settle(clock: Clock, withinMs: number): Promise<void> {
    if (this.#running.size === 0) return;
    const timer = clock.after(withinMs, () => this.#scope.abort('call-ended'));
    await Promise.all(this.#running);
    timer.cancel();
  }

  /** The result that `call` (a tool's name and arguments) has had or will have; undefined: it is to be made. */
  before(call: string, turn: number): Promise<string> | undefined {
    const effect = this.#known.get(call);
    if (!effect || effect.outcome === 'failed') return undefined;
    return effect.outcome === 'ok' && effect.turn !== turn ? undefined : effect.told;
  }

  /** Notes one that begins now. `made` must not reject. */
  begin(call: string, turn: number, made: Promise<{ outcome: Outcome; result: string }>): void {
    const effect: Effect = {
      turn,
      outcome: 'running',
      told: made.then(({ outcome, result }) => {
        effect.outcome = outcome;
        return result;
      }),
    };
    this.#known.set(call, effect);
    this.#running.add(effect.told);
    void effect.told.then(() => this.#running.delete(effect.told));
  }
}
