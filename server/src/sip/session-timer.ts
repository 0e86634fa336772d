/**
 * Session timers (RFC 4028): what is agreed, and the two clocks that follow from it. As answering side we let the peer
 * refresh where we may choose; as refresher we refresh at half the interval.
 */
import type { Clock, Timer } from '#kit/clock.ts';

/** The least interval a user agent may ask for (§4), s. */
export const MIN_SESSION_SECONDS = 90;

export interface SessionInterval {
  seconds: number;
  /** Who refreshes, seen from us. */
  refresher: 'us' | 'peer';
}

/** `Session-Expires: 1800;refresher=uac` taken apart. Undefined when the value is no number. */
export function parseSessionExpires(value: string): { seconds: number; refresher: 'uac' | 'uas' | undefined } | undefined {
  const [first, ...params] = value.split(';').map((part) => part.trim());
  if (!/^\d{1,9}$/.test(first)) return undefined;
  let refresher: 'uac' | 'uas' | undefined;
  for (const param of params) {
    const [name, text] = param.split('=').map((part) => part.trim().toLowerCase());
    if (name === 'refresher' && (text === 'uac' || text === 'uas')) refresher = text;
  }
  return { seconds: Number(first), refresher };
}

/** What the answering side makes of a request (§9). */
export type SessionTimerAnswer =
  | { kind: 'none' }
  /** 422 with `Min-SE: 90`. */
  | { kind: 'too-small' }
  | { kind: 'agreed'; interval: SessionInterval; header: string; requireTimer: boolean };

/** §9, table 2: the refresher is whom the request names, else the peer if it supports timers, else us. */
export function answerSessionTimer(sessionExpires: string | undefined, supportsTimer: boolean): SessionTimerAnswer {
  const asked = sessionExpires === undefined ? undefined : parseSessionExpires(sessionExpires);
  if (!asked) return { kind: 'none' };
  // A peer without the extension would not understand a 422 (§9); the interval is then raised instead.
  if (asked.seconds < MIN_SESSION_SECONDS && supportsTimer) return { kind: 'too-small' };
  const seconds = Math.max(asked.seconds, MIN_SESSION_SECONDS);
  const refresher = supportsTimer ? (asked.refresher ?? 'uac') : 'uas';
  return {
    kind: 'agreed',
    interval: { seconds, refresher: refresher === 'uac' ? 'peer' : 'us' },
    header: `${seconds};refresher=${refresher}`,
    requireTimer: refresher === 'uac',
  };
}

/** What a 2xx to a request of ours says (§7.2). */
export function readSessionTimer(sessionExpires: string | undefined): SessionInterval | undefined {
  const agreed = sessionExpires === undefined ? undefined : parseSessionExpires(sessionExpires);
  if (!agreed) return undefined;
  return { seconds: Math.max(agreed.seconds, MIN_SESSION_SECONDS), refresher: agreed.refresher === 'uas' ? 'peer' : 'us' };
}

export interface SessionTimerOwner {
  /** Time to refresh (we are the refresher). */
  refresh(): void;
  /** The peer did not refresh: the session is over (§10). */
  expired(): void;
}

/** The running clock of one session. `restart` on every refresh that succeeded. */
export class SessionTimer {
  readonly #clock: Clock;
  readonly #owner: SessionTimerOwner;
  #timer: Timer | undefined;
  #interval: SessionInterval | undefined;

  constructor(clock: Clock, owner: SessionTimerOwner) {
    this.#clock = clock;
    this.#owner = owner;
  }

  get interval(): SessionInterval | undefined {
    return this.#interval;
  }

  /** Undefined: this session has no timer (any more). */
  restart(interval: SessionInterval | undefined): void {
    this.#timer?.cancel();
    this.#interval = interval;
    if (!interval) return;
    const intervalMs = interval.seconds * 1000;
    this.#timer =
      interval.refresher === 'us'
        ? this.#clock.after(intervalMs / 2, () => this.#refresh(intervalMs / 2))
        : // §10: a BYE before the session expires on the other side, by the smaller of 32 s and a third of the interval.
          this.#clock.after(intervalMs - Math.min(32_000, intervalMs / 3), () => this.#owner.expired());
  }

  /** A refresh that fails leaves the session to expire by the same margin. */
  #refresh(remainingMs: number): void {
    this.#timer = this.#clock.after(remainingMs - Math.min(32_000, (remainingMs * 2) / 3), () => this.#owner.expired());
    this.#owner.refresh();
  }

  stop(): void {
    this.restart(undefined);
  }
}
