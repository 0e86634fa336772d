/**
 * Approved answers as the cache that they are: an answer that was ready spares the language model. Told from the events of
 * calls: a turn that knew its answer and asked no model is a hit, one that asked a model a miss.
 */
import type { CallEvent } from '@tandem/contract';
import type { CacheCounters } from '#store/cache.ts';

type TurnCompleted = Extract<CallEvent, { type: 'turn-completed' }>;

export class ApprovedAnswers {
  /** By call: the newest turn whose look-up found an answer. */
  readonly #answered = new Map<string, number>();
  #hits = 0;
  #misses = 0;
  /** From the request to the model to the first clause that could be spoken. */
  #modelMs = 0;
  #savedMs = 0;

  /** Never throws. */
  take(event: CallEvent): void {
    if (event.type === 'retrieval-done' && (event.verdict === undefined ? event.answerable : event.verdict === 'answer'))
      this.#answered.set(event.callId, event.turn);
    else if (event.type === 'turn-completed') this.#complete(event);
    else if (event.type === 'call-ended') this.#answered.delete(event.callId);
  }

  /** `size`: phrasings of approved questions that are loaded. */
  counters(size: number): CacheCounters {
    return {
      cache: 'approved-answers',
      size,
      bytes: 0,
      loads: this.#misses,
      loadFailures: 0,
      invalidations: 0,
      process: { hits: this.#hits, negativeHits: 0, misses: this.#misses, errors: 0, savedMs: this.#savedMs },
    };
  }

  #complete({ callId, turn, stages: { requestAt, firstClauseAt } }: TurnCompleted): void {
    if (firstClauseAt === undefined) return;
    if (requestAt !== undefined) {
      this.#misses++;
      this.#modelMs += Math.max(0, firstClauseAt - requestAt);
    } else if (this.#answered.get(callId) === turn) {
      this.#hits++;
      if (this.#misses > 0) this.#savedMs += this.#modelMs / this.#misses;
    }
  }
}
