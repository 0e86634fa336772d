/** Which fault, if any, a connection or a stream meets: the first of the provider's list that fits, is not used up, and is drawn. */
import { seededNumbers, seedOf } from './delay.ts';
import type { Fault, FaultKind, ProviderName, Scenario } from './scenario.ts';

/** Faults of an answer, not of a stream: they come before anything, whatever `at` says. */
const answers: ReadonlySet<FaultKind> = new Set(['status', 'html']);
/** Faults that can happen before anything; every other kind needs a stream, and begins at its start when `at` is `connect`. */
const transports: ReadonlySet<FaultKind> = new Set(['reset', 'stall', 'trickle', 'close', 'error-message']);

function meetsConnect(fault: Fault): boolean {
  return answers.has(fault.kind) || (fault.at === 'connect' && transports.has(fault.kind));
}

export class FaultBook {
  readonly #hits = new Map<Fault, number>();
  #random: () => number;

  constructor(seed: number) {
    this.#random = seededNumbers(seedOf(seed, 'faults'));
  }

  /** Forgets what was used up. */
  restart(seed: number): void {
    this.#hits.clear();
    this.#random = seededNumbers(seedOf(seed, 'faults'));
  }

  /** `moment` `connect` is asked once for each connection or request, `stream` once for each stream or request. */
  take(scenario: Scenario, provider: ProviderName, stage: Fault['stage'], moment: 'connect' | 'stream'): Fault | undefined {
    for (const fault of scenario.faults[provider] ?? []) {
      if (fault.stage !== stage || meetsConnect(fault) !== (moment === 'connect')) continue;
      const hits = this.#hits.get(fault) ?? 0;
      if (hits >= (fault.times ?? Infinity)) continue;
      if (fault.share !== undefined && this.#random() >= fault.share) continue;
      this.#hits.set(fault, hits + 1);
      return fault;
    }
    return undefined;
  }
}
