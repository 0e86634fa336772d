/**
 * The last net of a thread: what nobody caught ends what it belongs to, and nothing else. A thread that many calls share
 * may not die of a fault in one of them; one that faults without end is broken and must be started anew.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';

/** Faults within `WITHIN_MS` that belong to nothing: beyond them the thread gives up. */
const MOST_UNOWNED = 50;
const WITHIN_MS = 10_000;
/** Lines in the log within `WITHIN_MS`; the rest is only counted. */
const MOST_LOGGED = 20;

export interface FaultNetOptions {
  clock: Clock;
  log: Log;
  /** Ends whatever was entered under `owner`. False when it is not there any more. */
  blame: (owner: string, error: unknown) => boolean;
  /** The thread cannot go on: too many faults that belong to nothing. */
  giveUp: () => void;
}

/** Owners are remembered by name only, so that a long-lived timer begun inside one keeps nothing of it alive. */
const owners = new AsyncLocalStorage<string>();

/** Runs `work`; what it starts (promises, timers, sockets) belongs to `owner` from then on. */
export function ownedBy<T>(owner: string, work: () => T): T {
  return owners.run(owner, work);
}

export class FaultNet {
  readonly #options: FaultNetOptions;
  #count = 0;
  #window = { from: -Infinity, unowned: 0, logged: 0 };

  constructor(options: FaultNetOptions) {
    this.#options = options;
  }

  /** Faults caught so far. */
  get count(): number {
    return this.#count;
  }

  /** From now on this thread's uncaught exceptions and unhandled rejections end here. Returns the undoing. */
  spread(): () => void {
    const onFault = (error: unknown) => this.catch(error, owners.getStore());
    process.on('uncaughtException', onFault);
    process.on('unhandledRejection', onFault);
    return () => {
      process.off('uncaughtException', onFault);
      process.off('unhandledRejection', onFault);
    };
  }

  catch(error: unknown, owner: string | undefined): void {
    this.#count++;
    const { clock, log, blame, giveUp } = this.#options;
    const window = this.#window;
    if (clock.now() - window.from > WITHIN_MS) Object.assign(window, { from: clock.now(), unowned: 0, logged: 0 });
    let owned = false;
    try {
      owned = owner !== undefined && blame(owner, error);
    } catch {
      // Even the ending of its owner fails: it counts as nobody's.
    }
    if (window.logged++ < MOST_LOGGED) log.error({ error, owner, owned }, 'nobody caught a fault');
    if (owned || ++window.unowned <= MOST_UNOWNED) return;
    log.error({ error, faults: this.#count }, 'too many faults that belong to nothing: giving up');
    giveUp();
  }
}
