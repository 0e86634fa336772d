/**
 * Looks at each call once after it has ended, and writes into its row how many turns were bad and in what way
 * (`calls/explain/`), so that the list of calls can say so without reading events. What a crash or a database that was away
 * left undone is found again by looking for it; two nodes that look at one call write the same.
 */
import type { CallEvent, TurnProblems } from '@tandem/contract';
import { explainCall } from '#calls/explain/explain.ts';
import type { Timer } from '#kit/clock.ts';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { readExplainedEvents, readUnreadCalls, writeTurnProblems } from '#store/call-problems.ts';
import type { Database } from '#store/database.ts';

/** From the end of a call to the look: its last events are written by then. */
const GATHER_MS = 3_000;
/** When nothing has ended here: what was left undone, or ended late. */
const IDLE_MS = 60_000;
/** Older calls are left as they are. */
const SINCE_MS = 24 * 3_600_000;
const CALLS_AT_ONCE = 20;
/** Reading a call takes some milliseconds: not one behind the other while others wait for the database. */
const BETWEEN_CALLS_MS = 50;
/** More than three hours of a call. */
const MOST_EVENTS = 20_000;
/** A call whose events cannot be read is asked for so often: at once, then after one, five and 25 minutes. */
const MOST_TRIES = 4;
const AGAIN_MS = 60_000;
const AGAIN_GROWS = 5;
/** Calls that wait to be tried again. With so many it is the database that is ill: one batch a look, no more are remembered. */
const MOST_UNREADABLE = 100;

/** A call whose events could not be read. */
interface Unreadable {
  tries: number;
  /** On the clock: not asked for before. */
  againAt: number;
}

/** What it asks of the store. */
export interface ProblemStore {
  /** Without those of `except`. */
  unread(since: Date, limit: number, except?: readonly string[]): Promise<string[]>;
  events(callId: string, limit: number): Promise<CallEvent[]>;
  write(found: ReadonlyMap<string, TurnProblems>): Promise<void>;
}

export function problemStoreOf(database: Database): ProblemStore {
  return {
    unread: (since, limit, except) => readUnreadCalls(database, since, limit, except),
    events: (callId, limit) => readExplainedEvents(database, callId, limit),
    write: (found) => writeTurnProblems(database, found),
  };
}

export class CallProblems {
  readonly #kit: Kit;
  readonly #store: ProblemStore;
  #timer: Timer | undefined;
  /** On the clock: when the next look is due. */
  #dueAt = Number.POSITIVE_INFINITY;
  #looking: Promise<void> | undefined;
  #closed = false;
  readonly #unreadable = new Map<string, Unreadable>();

  constructor({ kit, store }: { kit: Kit; store: ProblemStore }) {
    this.#kit = kit;
    this.#store = store;
  }

  /** Begins with what was left undone before. */
  start(): void {
    this.#arm(GATHER_MS);
  }

  /** Durable events, in order. Never blocks, never throws. */
  push(events: readonly CallEvent[]): void {
    if (events.some(({ type }) => type === 'call-ended')) this.#arm(GATHER_MS);
  }

  /** Ends after the call that is being looked at. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  /** A look that is due sooner anyway stays. */
  #arm(delayMs: number): void {
    const { clock } = this.#kit;
    const dueAt = clock.now() + delayMs;
    if (this.#closed || this.#dueAt <= dueAt) return;
    this.#dueAt = dueAt;
    this.#timer?.cancel();
    this.#timer = clock.after(delayMs, () => {
      // A call that ends from here on is due again, whether this look still finds it or not.
      this.#dueAt = Number.POSITIVE_INFINITY;
      if (this.#looking) return this.#arm(GATHER_MS);
      this.#looking = this.#look().then(() => {
        this.#looking = undefined;
        this.#arm(IDLE_MS);
      });
    });
  }

  /** Never rejects: what could not be done is still to be found. */
  async #look(): Promise<void> {
    const { clock, log } = this.#kit;
    try {
      for (let more = true; more && !this.#closed; ) {
        const ids = await this.#store.unread(new Date(clock.wall() - SINCE_MS), CALLS_AT_ONCE, this.#waiting());
        const found = new Map<string, TurnProblems>();
        for (const id of ids) {
          if (this.#closed) break;
          const problems = await this.#read(id);
          if (problems) found.set(id, problems);
          await clock.sleep(BETWEEN_CALLS_MS);
        }
        await this.#store.write(found);
        for (const id of found.keys()) this.#unreadable.delete(id);
        more = ids.length === CALLS_AT_ONCE && this.#unreadable.size < MOST_UNREADABLE;
      }
    } catch (error) {
      log.warn({ part: 'call-problems', reason: messageOf(error) }, 'calls could not be looked at; tried again');
    }
  }

  /** Calls that are not asked for yet. Those of which nothing was heard since they were due are another node's, or gone. */
  #waiting(): string[] {
    const now = this.#kit.clock.now();
    for (const [id, { againAt }] of this.#unreadable) if (now > againAt + AGAIN_MS * AGAIN_GROWS) this.#unreadable.delete(id);
    return [...this.#unreadable].flatMap(([id, { againAt }]) => (againAt > now ? id : []));
  }

  /** Undefined when its events cannot be read now: no other call waits for them. After the last try it has no problems. */
  async #read(callId: string): Promise<TurnProblems | undefined> {
    const { clock, log } = this.#kit;
    try {
      return this.#problemsOf(await this.#store.events(callId, MOST_EVENTS), callId);
    } catch (error) {
      const tries = (this.#unreadable.get(callId)?.tries ?? 0) + 1;
      if (tries > 1 || this.#unreadable.size < MOST_UNREADABLE) {
        this.#unreadable.set(callId, { tries, againAt: clock.now() + AGAIN_MS * AGAIN_GROWS ** (tries - 1) });
      }
      const last = tries >= MOST_TRIES;
      log[last ? 'error' : 'warn'](
        { part: 'call-problems', callId, tries, reason: messageOf(error) },
        'events of a call could not be read',
      );
      return last ? {} : undefined;
    }
  }

  /** A call that cannot be explained is not looked at again and again. */
  #problemsOf(events: readonly CallEvent[], callId: string): TurnProblems {
    try {
      return turnProblemsOf(events);
    } catch (error) {
      this.#kit.log.error({ part: 'call-problems', callId, error }, 'a call could not be explained');
      return {};
    }
  }
}

/** Turns by what was bad about them; a turn that is slow twice counts once. */
export function turnProblemsOf(events: readonly CallEvent[]): TurnProblems {
  const turns = Map.groupBy(explainCall(events).findings, ({ problem }) => problem);
  return Object.fromEntries([...turns].map(([problem, findings]) => [problem, new Set(findings.map(({ turn }) => turn)).size]));
}
