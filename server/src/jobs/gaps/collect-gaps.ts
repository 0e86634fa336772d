/**
 * Questions that callers asked and the assistant could not answer well, gathered from CallEvents and clustered by meaning.
 * A watcher: what it misses in a crash is one question less to look at, never a fault of a call.
 */
import type { CallEvent, Verdict } from '@tandem/contract';
import type { Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { termsOf, wordsOf } from '#models/terms.ts';
import { Clusters, type SameQuestion } from './clusters.ts';
import type { Database } from '#store/database.ts';
import { type GapExample, type GapFinding, type KnownGap, readKnownGaps, recordGaps } from '#store/gaps.ts';

/** From the first question of a batch to its being written. */
const GATHER_MS = 5_000;
const RETRY_MS = 10_000;
/** Questions that wait to be written; the oldest make room. */
const MAX_WAITING = 2_000;
/** Calls followed at once; the one quiet for longest makes room. */
const MAX_CALLS = 5_000;
/** Clusters that a question is compared with. */
const MAX_KNOWN = 1_000;
const MAX_TEXT = 300;
/** Clustered at a stretch. */
const PIECE = 10;

/** What collecting asks of the store (`store/gaps.ts`). */
export interface GapStore {
  /** The clusters asked for last, newest first. */
  readKnownGaps(businessId: string, limit: number): Promise<KnownGap[]>;
  /** Adds the examples and counts them; one that is there already (call, turn) counts no more. */
  recordGaps(businessId: string, findings: readonly GapFinding[]): Promise<void>;
}

export function gapStoreOf(database: Database): GapStore {
  return {
    readKnownGaps: (businessId, limit) => readKnownGaps(database, businessId, limit),
    recordGaps: (businessId, findings) => recordGaps(database, businessId, findings),
  };
}

export interface GapCollectorOptions {
  kit: Kit;
  store: GapStore;
  sameQuestion: SameQuestion;
}

/** What is known of a call's turns until each is complete. */
interface CallWatch {
  startedMs: number;
  /** Of the turn under way. */
  turns: Map<number, { text?: string; verdict?: Verdict; withheld?: boolean }>;
}

type Waiting = GapExample & { businessId: string };

export class GapCollector {
  readonly #its: GapCollectorOptions;
  readonly #calls = new Map<string, CallWatch>();
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;
  #writing: Promise<void> | undefined;
  #closed = false;

  constructor(options: GapCollectorOptions) {
    this.#its = options;
  }

  /** Durable events, in order. Never blocks, never throws. */
  push(events: readonly CallEvent[]): void {
    for (const event of events) this.#take(event);
  }

  /** Questions that wait to be written. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Writes what waits, and stops. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    await this.#writing;
    if (this.#waiting.length > 0) await this.#write();
    this.#calls.clear();
  }

  #take(event: CallEvent): void {
    switch (event.type) {
      case 'turn-committed':
        // Keys pressed are no question.
        if (event.source !== 'digits') this.#turn(event).text = event.text;
        return;
      case 'retrieval-done':
        // Of several look-ups of a turn (partial words, a follow-up) the last is what the answer was made of.
        this.#turn(event).verdict = event.verdict ?? (event.answerable ? 'answer' : 'unknown');
        return;
      case 'claim-withheld':
        this.#turn(event).withheld = true;
        return;
      case 'turn-completed':
        return this.#close(event, event.turn);
      case 'call-received':
        this.#watch(event).startedMs = Date.parse(event.startedAt);
        return;
      case 'call-ended':
        for (const turn of this.#calls.get(event.callId)?.turns.keys() ?? []) this.#close(event, turn);
        this.#calls.delete(event.callId);
        return;
    }
  }

  #watch({ callId, at }: CallEvent): CallWatch {
    const known = this.#calls.get(callId);
    this.#calls.delete(callId);
    const watch = known ?? { startedMs: this.#its.kit.clock.wall() - at, turns: new Map() };
    this.#calls.set(callId, watch);
    if (this.#calls.size > MAX_CALLS) this.#calls.delete(this.#calls.keys().next().value as string);
    return watch;
  }

  #turn(event: CallEvent & { turn: number }): { text?: string; verdict?: Verdict; withheld?: boolean } {
    const { turns } = this.#watch(event);
    const known = turns.get(event.turn) ?? {};
    turns.set(event.turn, known);
    return known;
  }

  #close({ businessId, callId, at }: CallEvent, turn: number): void {
    const call = this.#calls.get(callId);
    const seen = call?.turns.get(turn);
    if (!call || !seen) return;
    call.turns.delete(turn);
    const weak = seen.verdict === 'clarify' || seen.verdict === 'unknown';
    if (seen.text === undefined || !(weak || seen.withheld) || !isQuestion(seen.text)) return;
    const verdict: Verdict = weak ? (seen.verdict as Verdict) : 'unknown';
    const text = withoutNumbers(seen.text).slice(0, MAX_TEXT);
    this.#waiting.push({ businessId, callId, turn, text, verdict, at: new Date(call.startedMs + at) });
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift();
    this.#arm(GATHER_MS);
  }

  #arm(delayMs: number): void {
    if (this.#closed || this.#timer || this.#writing) return;
    this.#timer = this.#its.kit.clock.after(delayMs, () => {
      this.#timer = undefined;
      this.#writing = this.#write().then((failed) => {
        this.#writing = undefined;
        if (this.#waiting.length > 0) this.#arm(failed ? RETRY_MS : GATHER_MS);
      });
    });
  }

  /** One business after the other; what cannot be written waits for the next time. Resolves true when something failed. */
  async #write(): Promise<boolean> {
    const byBusiness = Map.groupBy(this.#waiting, ({ businessId }) => businessId);
    this.#waiting = [];
    let failed = false;
    for (const [businessId, examples] of byBusiness) {
      try {
        const known = await this.#its.store.readKnownGaps(businessId, MAX_KNOWN);
        await this.#its.store.recordGaps(businessId, await this.#cluster(known, examples));
      } catch (error) {
        failed = true;
        this.#its.kit.log.warn({ businessId, reason: messageOf(error) }, 'questions without an answer could not be written');
        this.#waiting = [...examples, ...this.#waiting].slice(-MAX_WAITING);
      }
    }
    return failed;
  }

  async #cluster(known: readonly KnownGap[], examples: readonly Waiting[]): Promise<GapFinding[]> {
    const { kit, sameQuestion } = this.#its;
    const clusters = new Clusters(known, sameQuestion);
    for (const [index, { businessId: _businessId, ...example }] of examples.entries()) {
      if (index > 0 && index % PIECE === 0) await kit.clock.sleep(0);
      clusters.add(example, () => kit.ids.make('gap'));
    }
    return clusters.findings();
  }
}

/** Something to look up is in it: not "yes please", "hello" or a sigh. */
function isQuestion(text: string): boolean {
  const words = wordsOf(text);
  return words.length >= 2 && termsOf(text).some((term) => term.length >= 3 && !/^\d+$/.test(term)) && !SMALL_TALK.test(text.trim());
}

const SMALL_TALK = /^(yes|no|yeah|nope|thanks?|thank you|good ?bye|bye|hello|hi|never mind|that'?s (all|it))\b[\s\S]{0,12}$/i;

/** Numbers of cards, accounts and phones are not for whoever reads the list. */
const withoutNumbers = (text: string): string => text.replace(/\+?\d(?:[ .-]?\d){5,}/g, '…');
