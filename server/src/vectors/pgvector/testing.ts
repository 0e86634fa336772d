/** PGlite with the extension pgvector, as the room's database: for tests and benchmarks. */
import { PGlite, type Transaction } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import type { Ask, VectorDatabase } from './vector-database.ts';

export async function openTestDatabase(options: { extension: boolean } = { extension: true }): Promise<VectorDatabase> {
  const pglite = await PGlite.create(options.extension ? { extensions: { vector } } : {});
  const askOn =
    (to: PGlite | Transaction): Ask =>
    async <Row>(text: string, values: readonly unknown[] = []) =>
      (await to.query<Row>(text, [...values])).rows;
  return {
    ask: askOn(pglite),
    transaction: <T>(work: (ask: Ask) => Promise<T>) => pglite.transaction((inside) => work(askOn(inside))),
    close: () => pglite.close(),
  };
}
