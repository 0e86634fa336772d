/** API keys: only a key's SHA-256 is kept, so a copy of the database opens nothing. */
import { createHash } from 'node:crypto';
import type { Page } from '@tandem/contract';
import { and, eq } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { apiKeys } from './schema.ts';

/** 200 bits from a cryptographic source: a plain hash is enough, there is nothing to guess. */
const SECRET_CHARACTERS = 40;
const PREFIX_CHARACTERS = 10;

export interface ApiKey {
  id: string;
  /** null: every business. */
  businessId: string | null;
  name: string;
  /** The first characters, to recognise it by. */
  prefix: string;
  scopes: string[];
  createdAt: string;
}

export type ApiKeyInput = Pick<ApiKey, 'businessId' | 'name' | 'scopes'>;
type Row = typeof apiKeys.$inferSelect;

const toApiKey = ({ hash: _hash, createdAt, ...row }: Row): ApiKey => ({ ...row, createdAt: rfc3339(createdAt.getTime()) });
const hashOf = (key: string) => createHash('sha256').update(key).digest('hex');

/** Keys of one business, or all of them (`businessId` undefined). */
export async function listApiKeys(database: Database, businessId: string | undefined, query: PageQuery): Promise<Page<ApiKey>> {
  const page = pageOf(query, apiKeys.createdAt, apiKeys.id);
  const own = businessId === undefined ? undefined : eq(apiKeys.businessId, businessId);
  const rows = await ask(
    database.drizzle
      .select()
      .from(apiKeys)
      .where(and(own, page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.createdAt, toApiKey);
}

/** The key row a secret belongs to; undefined when there is none. */
export async function findApiKey(database: Database, key: string): Promise<ApiKey | undefined> {
  const rows = await ask(
    database.drizzle
      .select()
      .from(apiKeys)
      .where(eq(apiKeys.hash, hashOf(key))),
  );
  return rows[0] && toApiKey(rows[0]);
}

/** The key row of an id; undefined when it has been deleted. */
export async function readApiKey(database: Database, id: string): Promise<ApiKey | undefined> {
  const rows = await ask(database.drizzle.select().from(apiKeys).where(eq(apiKeys.id, id)));
  return rows[0] && toApiKey(rows[0]);
}

/** Makes a key, or takes the `key` given (at least 16 characters). The secret is answered this once. Throws `conflict`. */
export async function createApiKey(
  database: Database,
  kit: Kit,
  input: ApiKeyInput,
  key = `tandem_${kit.ids.token(SECRET_CHARACTERS)}`,
): Promise<ApiKey & { key: string }> {
  const { businessId, name, scopes } = input;
  const row: Row = {
    id: kit.ids.make('key'),
    businessId,
    name,
    scopes,
    prefix: key.slice(0, Math.min(PREFIX_CHARACTERS, key.length >> 1)),
    hash: hashOf(key),
    createdAt: new Date(kit.clock.wall()),
  };
  await ask(database.drizzle.insert(apiKeys).values(row));
  return { ...toApiKey(row), key };
}

/** Throws `not-found`; a business's own reader (`businessId`) finds only its own keys. */
export async function deleteApiKey(database: Database, businessId: string | undefined, id: string): Promise<void> {
  const own = businessId === undefined ? undefined : eq(apiKeys.businessId, businessId);
  found(
    await ask(
      database.drizzle
        .delete(apiKeys)
        .where(and(own, eq(apiKeys.id, id)))
        .returning({ id: apiKeys.id }),
    ),
  );
}
