/** The two secrets a fresh installation needs, each made once and kept in the data folder for this user only. */
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Kit } from '#kit/kit.ts';
import { createApiKey, findApiKey } from '#store/api-keys.ts';
import type { Database } from '#store/database.ts';

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
