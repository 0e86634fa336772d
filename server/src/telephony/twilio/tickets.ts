/**
 * One-time tokens that tie a media stream to the webhook that asked for it. A webhook's signature has no time in it and
 * can be replayed; a token cannot.
 */
import type { Kit } from '#kit/kit.ts';

const LIFE_MS = 60_000;
const MOST = 10_000;

export interface Ticket {
  callSid: string;
  from: string;
  to: string;
  /** The call of ours that this is the answer to. */
  dialId: string | undefined;
}

export class Tickets {
  readonly #kit: Kit;
  readonly #byToken = new Map<string, { ticket: Ticket; expiresAt: number }>();
  readonly #tokenOf = new Map<string, string>();

  constructor(kit: Kit) {
    this.#kit = kit;
  }

  get size(): number {
    return this.#byToken.size;
  }

  /** A token for this call. An earlier one that was not used (a repeated webhook) stops being valid. */
  issue(ticket: Ticket): string {
    this.#forgetExpired();
    const earlier = this.#tokenOf.get(ticket.callSid);
    if (earlier !== undefined) this.#remove(earlier);
    const token = this.#kit.ids.token(32);
    this.#byToken.set(token, { ticket, expiresAt: this.#kit.clock.now() + LIFE_MS });
    this.#tokenOf.set(ticket.callSid, token);
    return token;
  }

  /** The ticket, once, and only for the call it was issued for. A token shown for another call is spent, too. */
  redeem(token: string, callSid: string): Ticket | undefined {
    const entry = this.#byToken.get(token);
    if (!entry) return undefined;
    this.#remove(token);
    const valid = entry.expiresAt > this.#kit.clock.now() && entry.ticket.callSid === callSid;
    return valid ? entry.ticket : undefined;
  }

  #remove(token: string): void {
    const entry = this.#byToken.get(token);
    this.#byToken.delete(token);
    if (entry) this.#tokenOf.delete(entry.ticket.callSid);
  }

  /** Tokens are in order of issue, so the oldest are first. */
  #forgetExpired(): void {
    const now = this.#kit.clock.now();
    for (const [token, { expiresAt }] of this.#byToken) {
      if (expiresAt > now && this.#byToken.size < MOST) return;
      this.#remove(token);
    }
  }
}
