/** What all calls of a process know about the providers together: who is failing, and how long each one takes. */
import type { UsageLine } from '@tandem/contract';
import { type Breaker, Breakers } from '#kit/breaker.ts';
import type { Clock } from '#kit/clock.ts';
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import { LatencyWindow } from './rules/hedge.ts';

export type ProviderStage = UsageLine['stage'];

/** A model as it is named in facts, prices and measures. */
export interface NamedModel {
  readonly name: string;
  readonly model?: string;
}

/** These do not go away by themselves: somebody must change a setting first. */
const LASTING_MS: Partial<Record<FailureCategory, number>> = { auth: 300_000, permanent: 60_000 };

export class ProviderHealth {
  readonly breakers: Breakers;
  readonly #latencies = new Map<string, LatencyWindow>();

  constructor(clock: Pick<Clock, 'now'>) {
    this.breakers = new Breakers(clock);
  }

  breaker(stage: ProviderStage, provider: string): Breaker {
    return this.breakers.of(`${stage}/${provider}`);
  }

  /** Milliseconds from a request to its first part. */
  latency(stage: ProviderStage, { name, model }: NamedModel): LatencyWindow {
    const key = `${stage}/${name}/${model ?? ''}`;
    const found = this.#latencies.get(key);
    if (found) return found;
    const made = new LatencyWindow();
    this.#latencies.set(key, made);
    return made;
  }

  /**
   * Input that one provider refuses says nothing about the provider. Neither does a voice it does not have: businesses
   * name voices, and one business's wrong name must not take the provider from the others.
   */
  failed(stage: ProviderStage, provider: string, error: unknown): void {
    const category = categoryOf(error);
    if (category === 'bad-input' || (category === 'permanent' && stage === 'synthesizer')) return this.breaker(stage, provider).dropped();
    const retryAfterMs = error instanceof VendorError ? error.retryAfterMs : undefined;
    this.breaker(stage, provider).failed(category === 'rate-limited' ? retryAfterMs : LASTING_MS[category]);
  }

  /**
   * Who may be asked now, in order. When nobody may, the last one is asked anyhow: it is the local one, and a wrong
   * verdict must not silence a call.
   */
  ready<Part extends NamedModel>(stage: ProviderStage, parts: readonly Part[]): Part[] {
    const ready = parts.filter(({ name }) => this.breaker(stage, name).ready);
    return ready.length > 0 ? ready : parts.slice(-1);
  }
}

/** What nobody classified may work the next time. */
export function categoryOf(error: unknown): FailureCategory {
  return error instanceof VendorError ? error.category : 'retryable';
}

/** The same request may work soon. */
export function isRetryable(error: unknown): boolean {
  const category = categoryOf(error);
  return category === 'retryable' || category === 'rate-limited';
}
