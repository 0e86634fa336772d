/**
 * Seals what must be stored and never read by a person: AES-256-GCM (NIST SP 800-38D), a fresh 96-bit nonce each time.
 * A sealed text is `v1:` and base64url of nonce, tag and ciphertext; another version means another key or method.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { TandemError } from '#kit/errors.ts';
import type { Random } from '#kit/random.ts';

const VERSION = 'v1:';
const METHOD = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
export const KEY_BYTES = 32;

export class SecretBox {
  readonly #key: Uint8Array;
  readonly #random: Random;

  /** Throws `setting-invalid` for a key that is not of 32 bytes. */
  constructor(key: Uint8Array, random: Random) {
    if (key.length !== KEY_BYTES) throw new TandemError('setting-invalid', `The encryption key must have ${KEY_BYTES} bytes`);
    this.#key = key;
    this.#random = random;
  }

  /** `owner` names the row that it belongs to: in any other it cannot be opened. */
  seal(text: string, owner: string): string {
    const nonce = this.#random.bytes(NONCE_BYTES);
    const cipher = createCipheriv(METHOD, this.#key, nonce).setAAD(Buffer.from(owner));
    const sealed = [cipher.update(text, 'utf8'), cipher.final()];
    return VERSION + Buffer.concat([nonce, cipher.getAuthTag(), ...sealed]).toString('base64url');
  }

  /** Throws `setting-invalid` when it was sealed with another key, for another owner, or changed since. */
  open(sealed: string, owner: string): string {
    const bytes = Buffer.from(sealed.slice(VERSION.length), 'base64url');
    try {
      if (!sealed.startsWith(VERSION) || bytes.length < NONCE_BYTES + TAG_BYTES) throw new Error('not of this version');
      const decipher = createDecipheriv(METHOD, this.#key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(Buffer.from(owner))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch (thrown) {
      throw new TandemError(
        'setting-invalid',
        'A stored secret cannot be opened with this encryption key',
        { setting: 'ENCRYPTION_KEY' },
        thrown,
      );
    }
  }
}
