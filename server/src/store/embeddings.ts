/** Vectors by the digest of what was embedded: what has not changed is never embedded twice. */
import { createHash } from 'node:crypto';
import { and, eq, sql } from 'drizzle-orm';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database } from './database.ts';
import { embeddings } from './schema.ts';

/** Rows of one statement: at 1,536 dimensions some 3 MB. */
const ROWS_PER_STATEMENT = 500;
const ROWS_PER_SWEEP = 1_000;

/** SHA-256 of a text as it goes to an embedder, 32 characters of base64url. */
export const digestOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 32);

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** float32, little endian. */
export function packVector(vector: Float32Array): Uint8Array {
  if (isLittleEndian) return new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  const view = new DataView(new ArrayBuffer(vector.byteLength));
  for (const [i, value] of vector.entries()) view.setFloat32(i * 4, value, true);
  return new Uint8Array(view.buffer);
}

/** A copy of its own, aligned. */
export function unpackVector(bytes: Uint8Array): Float32Array {
  // Not `slice`: of a Buffer that is a view of the driver's pool.
  const own = new Uint8Array(bytes).buffer;
  if (isLittleEndian) return new Float32Array(own);
  const view = new DataView(own);
  return Float32Array.from({ length: own.byteLength / 4 }, (_, i) => view.getFloat32(i * 4, true));
}

const among = (businessId: string, embedder: string, digests: readonly string[]) =>
  and(
    eq(embeddings.businessId, businessId),
    eq(embeddings.embedder, embedder),
    sql`${embeddings.digest} = any (${sql.param([...digests])}::text[])`,
  );

/** Those there are, by digest. */
export async function readEmbeddings(
  database: Database,
  businessId: string,
  embedder: string,
  digests: readonly string[],
): Promise<Map<string, Float32Array>> {
  if (digests.length === 0) return new Map();
  const rows = await ask(
    database.drizzle
      .select({ digest: embeddings.digest, vector: embeddings.vector })
      .from(embeddings)
      .where(among(businessId, embedder, digests)),
  );
  return new Map(rows.map(({ digest, vector }) => [digest, unpackVector(vector)]));
}

/** Of the digests, those that have a vector. */
export async function readStoredDigests(
  database: Database,
  businessId: string,
  embedder: string,
  digests: readonly string[],
): Promise<Set<string>> {
  if (digests.length === 0) return new Set();
  const rows = await ask(
    database.drizzle
      .select({ digest: embeddings.digest })
      .from(embeddings)
      .where(among(businessId, embedder, digests)),
  );
  return new Set(rows.map(({ digest }) => digest));
}

/** One that is there already stays. */
export async function saveEmbeddings(
  database: Database,
  kit: Kit,
  businessId: string,
  embedder: string,
  made: readonly { digest: string; vector: Float32Array }[],
): Promise<void> {
  const createdAt = new Date(kit.clock.wall());
  for (let from = 0; from < made.length; from += ROWS_PER_STATEMENT) {
    const rows = made
      .slice(from, from + ROWS_PER_STATEMENT)
      .map(({ digest, vector }) => ({ businessId, embedder, digest, vector: packVector(vector), createdAt }));
    await ask(database.drizzle.insert(embeddings).values(rows).onConflictDoNothing());
  }
}

export interface EmbeddingSweep {
  /** Embedders in use; vectors of every other are unused. */
  embedders: readonly string[];
  /** Digests that are used though no passage has them: those of questions' phrasings. */
  keep: readonly string[];
  /** Only what is older: a job may be about to use what it has just saved. */
  before: Date;
}

/** Deletes a business's vectors that nothing uses, a piece at a time, and answers how many. */
export async function sweepEmbeddings(
  database: Database,
  businessId: string,
  { embedders, keep, before }: EmbeddingSweep,
): Promise<number> {
  let swept = 0;
  let after = { embedder: '', digest: '' };
  for (;;) {
    const { rows } = await ask(
      database.drizzle.execute<{ swept: string; seen: string; embedder: string | null; digest: string | null }>(sql`
      with piece as materialized (
        select embedder, digest, created_at from embeddings
        where business_id = ${businessId} and (embedder, digest) > (${after.embedder}, ${after.digest})
        order by embedder, digest limit ${ROWS_PER_SWEEP}
      ), unused as materialized (
        select embedder, digest from piece where created_at < ${before.toISOString()}::timestamptz
          and (embedder <> all (${sql.param([...embedders])}::text[])
            or (digest <> all (${sql.param([...keep])}::text[])
              and not exists (select from passages p where p.business_id = ${businessId} and p.digest = piece.digest)))
      ), gone as (
        delete from embeddings e using unused u
        where e.business_id = ${businessId} and e.embedder = u.embedder and e.digest = u.digest returning 1
      ), last as (select embedder, digest from piece order by embedder desc, digest desc limit 1)
      select (select count(*) from gone) as swept, (select count(*) from piece) as seen, last.embedder, last.digest
      from (select) one left join last on true`),
    );
    const piece = rows[0];
    swept += Number(piece?.swept ?? 0);
    if (Number(piece?.seen ?? 0) < ROWS_PER_SWEEP) return swept;
    after = { embedder: piece?.embedder ?? '', digest: piece?.digest ?? '' };
  }
}
