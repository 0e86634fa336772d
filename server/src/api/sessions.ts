/** Console sessions: values that are signed, name the key they came from and die with it, by time, or by signing out. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Kit } from '#kit/kit.ts';

const SESSION_MS = 12 * 3_600_000;
/** Signed-out sessions remembered; beyond that many the oldest would open again until their time is up. */
const MOST_REVOKED = 50_000;

/** Makes and checks session values: `<keyId>.<expiry>.<nonce>.<HMAC-SHA256>`. */
export class Sessions {
  #secret: Uint8Array;
  #kit: Pick<Kit, 'clock' | 'ids'>;
  #revoked = new LRUCache<string, true>({ max: MOST_REVOKED });

  constructor(secret: Uint8Array, kit: Pick<Kit, 'clock' | 'ids'>) {
    this.#secret = secret;
    this.#kit = kit;
  }

  issue(keyId: string): { value: string; maxAgeSeconds: number } {
    const body = `${keyId}.${Math.floor(this.#kit.clock.wall()) + SESSION_MS}.${this.#kit.ids.token(12)}`;
    return { value: `${body}.${this.#sign(body)}`, maxAgeSeconds: SESSION_MS / 1000 };
  }

  /** The key's id, or undefined when forged, expired or signed out. */
  verify(value: string): string | undefined {
    const [keyId, expiry, nonce, signature, ...rest] = value.split('.');
    if (!keyId || !expiry || !nonce || !signature || rest.length > 0) return undefined;
    const expected = Buffer.from(this.#sign(`${keyId}.${expiry}.${nonce}`));
    const given = Buffer.from(signature);
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) return undefined;
    return Number(expiry) > this.#kit.clock.wall() && !this.#revoked.has(value) ? keyId : undefined;
  }

  /** Signs out: the value opens nothing any more, wherever a copy of it lies. */
  revoke(value: string): void {
    if (this.verify(value) !== undefined) this.#revoked.set(value, true);
  }

  #sign(body: string): string {
    return createHmac('sha256', this.#secret).update(body).digest('base64url');
  }
}
