/** What making vectors took, gathered by business and handed on a few seconds later; what cannot be handed on waits. */
import type { Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { EmbeddingUsage } from '#models/embedding-batcher.ts';

const GATHER_MS = 2_000;
const AGAIN_MS = 10_000;

export class EmbeddingTally {
  readonly #kit: Pick<Kit, 'clock' | 'log'>;
  readonly #send: (uses: EmbeddingUsage[]) => Promise<unknown>;
  #gathered = new Map<string, EmbeddingUsage>();
  #timer: Timer | undefined;
  #sending: Promise<void> | undefined;

  /** `send` keeps them for good, or rejects having kept nothing. */
  constructor(kit: Pick<Kit, 'clock' | 'log'>, send: (uses: EmbeddingUsage[]) => Promise<unknown>) {
    this.#kit = kit;
    this.#send = send;
  }

  add(use: EmbeddingUsage): void {
    this.#merge(use);
    this.#arm(GATHER_MS);
  }

  /** Hands on what there is now. Never rejects. */
  async flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#sending;
    if (this.#gathered.size === 0) return;
    this.#sending = this.#hand([...this.#gathered.values()]);
    this.#gathered = new Map();
    await this.#sending;
    this.#sending = undefined;
  }

  /** Nothing is handed on any more. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #hand(uses: EmbeddingUsage[]): Promise<void> {
    try {
      await this.#send(uses);
    } catch (error) {
      this.#kit.log.warn({ reason: messageOf(error) }, 'the use of the embedder could not be written yet');
      for (const use of uses) this.#merge(use);
      this.#arm(AGAIN_MS);
    }
  }

  #arm(delayMs: number): void {
    this.#timer ??= this.#kit.clock.after(delayMs, () => void this.flush());
  }

  #merge({ businessId, embedder, texts, tokens, costMicros }: EmbeddingUsage): void {
    const key = JSON.stringify([businessId, embedder]);
    const before = this.#gathered.get(key) ?? { texts: 0, tokens: 0, costMicros: 0 };
    this.#gathered.set(key, {
      businessId,
      embedder,
      texts: before.texts + texts,
      tokens: before.tokens + tokens,
      costMicros: before.costMicros + costMicros,
    });
  }
}
