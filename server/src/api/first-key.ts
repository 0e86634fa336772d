/** The three secrets a fresh installation needs, each made once and kept in the data folder for this user only. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { createApiKey, findApiKey } from '#store/api-keys.ts';
import type { Database } from '#store/database.ts';
import { KEY_BYTES } from '#store/secret-box.ts';

const SECRET_BYTES = 32;
const OWNER_ONLY = 0o600;

async function keep(path: string, content: string | Uint8Array): Promise<void> {
  await writeFile(path, content, { mode: OWNER_ONLY });
  // A file that was there keeps its mode otherwise.
  await chmod(path, OWNER_ONLY);
}

/** The secret that signs console sessions. */
export async function sessionSecret(folder: string, kit: Kit): Promise<Uint8Array> {
  const path = join(folder, 'session-secret');
  const known = await readFile(path).catch(() => undefined);
  if (known && known.length >= SECRET_BYTES) return known;
  const secret = kit.random.bytes(SECRET_BYTES);
  await keep(path, secret);
  return secret;
}

/** A key of 32 bytes as 64 hexadecimal digits or in base64 (either alphabet); undefined for anything else. */
export function parseEncryptionKey(text: string): Uint8Array | undefined {
  const key = Buffer.from(text.trim(), /^[0-9a-f]{64}$/i.test(text.trim()) ? 'hex' : 'base64');
  return key.length === KEY_BYTES && /^[\w+/=-]+$/.test(text.trim()) ? key : undefined;
}

/**
 * The key that seals the tools' secrets: `given` by a setting, else the one in the data folder, else made. A file that
 * holds no key is never replaced, since what it sealed would be lost: throws `setting-invalid`.
 */
export async function encryptionKey(folder: string, given: string | undefined, kit: Kit): Promise<Uint8Array> {
  const path = join(folder, 'encryption-key');
  const known = given ?? (await readFile(path, 'utf8').catch(ifMissing));
  if (known === undefined) {
    const key = kit.random.bytes(KEY_BYTES);
    await keep(path, `${Buffer.from(key).toString('base64')}\n`);
    return key;
  }
  const key = parseEncryptionKey(known);
  const where = given === undefined ? path : 'ENCRYPTION_KEY';
  if (!key)
    throw new TandemError('setting-invalid', `${where} does not hold a key of ${KEY_BYTES} bytes, in base64 or hexadecimal`, { where });
  return key;
}

function ifMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

/** The first key: `given` by a setting, else the one in the data folder, else made, which alone is answered: to be shown once. */
export async function ensureAdminKey(folder: string, given: string | undefined, database: Database, kit: Kit): Promise<string | undefined> {
  const path = join(folder, 'admin-key');
  const admin = { businessId: null, name: 'admin', scopes: ['read', 'write'] };
  const known = given ?? ((await readFile(path, 'utf8').catch(() => undefined))?.trim() || undefined);
  if (known !== undefined) {
    if (!(await findApiKey(database, known))) await createApiKey(database, kit, admin, known);
    return undefined;
  }
  const { key } = await createApiKey(database, kit, admin);
  await keep(path, `${key}\n`);
  return key;
}
