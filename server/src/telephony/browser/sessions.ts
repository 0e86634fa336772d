/** One-time tokens that let a browser page open one call to one assistant. */
import type { Kit } from '#kit/kit.ts';

const LIFE_MS = 60_000;
const MOST = 10_000;
/** Unused tokens of one address: a page needs one. */
const MOST_PER_ADDRESS = 50;

interface Session {
  slug: string;
  address: string;
  expiresAt: number;
}

export class Sessions {
  readonly #kit: Kit;
  readonly #byToken = new Map<string, Session>();
  readonly #ofAddress = new Map<string, number>();

  constructor(kit: Kit) {
    this.#kit = kit;
  }

  /** A token for a call to the assistant `slug`; undefined when this address, or everybody, has too many unused ones. */
  open(slug: string, address: string): string | undefined {
    this.#forgetExpired();
    const held = this.#ofAddress.get(address) ?? 0;
    if (held >= MOST_PER_ADDRESS || this.#byToken.size >= MOST) return undefined;
    const token = this.#kit.ids.token(32);
    this.#byToken.set(token, { slug, address, expiresAt: this.#kit.clock.now() + LIFE_MS });
    this.#ofAddress.set(address, held + 1);
    return token;
  }

  /** The assistant's slug, once. */
  redeem(token: string): string | undefined {
    const session = this.#byToken.get(token);
    if (!session) return undefined;
    this.#remove(token, session);
    return session.expiresAt > this.#kit.clock.now() ? session.slug : undefined;
  }

  #remove(token: string, { address }: Session): void {
    this.#byToken.delete(token);
    const held = (this.#ofAddress.get(address) ?? 1) - 1;
    if (held > 0) this.#ofAddress.set(address, held);
    else this.#ofAddress.delete(address);
  }

  /** Tokens are in order of issue, so the oldest are first. */
  #forgetExpired(): void {
    const now = this.#kit.clock.now();
    for (const [token, session] of this.#byToken) {
      if (session.expiresAt > now) return;
      this.#remove(token, session);
    }
  }
}
