/** Named queries on SIP trunks. Passwords go in and come out only in {@link TrunkCredentials}, for the gateway. */
import type { Page, Trunk } from '@tandem/contract';
import { and, eq, getTableColumns } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { trunks } from './schema.ts';

export type TrunkInput = Omit<Trunk, 'id' | 'businessId' | 'createdAt'> & { password?: string; registerPassword?: string };
type Row = typeof trunks.$inferSelect;
type Open = Omit<Row, 'password' | 'registerPassword'>;

/** What the gateway needs of a trunk, its passwords included: never in an answer of the API, never in a log. */
export interface TrunkCredentials {
  id: string;
  businessId: string;
  name: string;
  sources: string[];
  username: string | undefined;
  password: string | undefined;
  registrar: string | undefined;
  registerUser: string | undefined;
  registerPassword: string | undefined;
  outboundProxy: string | undefined;
}

const { password: _password, registerPassword: _registerPassword, ...open } = getTableColumns(trunks);

const toTrunk = (row: Open): Trunk => ({
  id: row.id,
  businessId: row.businessId,
  name: row.name,
  sources: row.sources,
  username: row.username ?? undefined,
  registrar: row.registrar ?? undefined,
  registerUser: row.registerUser ?? undefined,
  outboundProxy: row.outboundProxy ?? undefined,
  createdAt: rfc3339(row.createdAt.getTime()),
});

export const toCredentials = (row: Row): TrunkCredentials => ({
  id: row.id,
  businessId: row.businessId,
  name: row.name,
  sources: row.sources,
  username: row.username ?? undefined,
  password: row.password ?? undefined,
  registrar: row.registrar ?? undefined,
  registerUser: row.registerUser ?? undefined,
  registerPassword: row.registerPassword ?? undefined,
  outboundProxy: row.outboundProxy ?? undefined,
});

const one = (businessId: string, id: string) => and(eq(trunks.businessId, businessId), eq(trunks.id, id));

export async function listTrunks(database: Database, businessId: string, query: PageQuery): Promise<Page<Trunk>> {
  const page = pageOf(query, trunks.createdAt, trunks.id);
  const rows = await ask(
    database.drizzle
      .select(open)
      .from(trunks)
      .where(and(eq(trunks.businessId, businessId), page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.createdAt, toTrunk);
}

/** Throws `not-found`. */
export async function readTrunk(database: Database, businessId: string, id: string): Promise<Trunk> {
  return toTrunk(found(await ask(database.drizzle.select(open).from(trunks).where(one(businessId, id)))));
}

/** Throws `conflict` when the user name is taken: it decides the business of a call. */
export async function createTrunk(database: Database, kit: Kit, businessId: string, input: TrunkInput): Promise<Trunk> {
  const row = { ...input, businessId, id: kit.ids.make('trunk'), createdAt: new Date(kit.clock.wall()) };
  return toTrunk(found(await ask(database.drizzle.insert(trunks).values(row).returning(open))));
}

/**
 * Changes what `input` names. A field named as undefined is cleared, except a password, which the console cannot show
 * and therefore sends only to change it. Throws `not-found`, `conflict`.
 */
export async function updateTrunk(database: Database, businessId: string, id: string, input: Partial<TrunkInput>): Promise<Trunk> {
  const changed = {
    ...input,
    ...('username' in input && { username: input.username ?? null }),
    ...('registrar' in input && { registrar: input.registrar ?? null }),
    ...('registerUser' in input && { registerUser: input.registerUser ?? null }),
    ...('outboundProxy' in input && { outboundProxy: input.outboundProxy ?? null }),
    id,
  };
  return toTrunk(found(await ask(database.drizzle.update(trunks).set(changed).where(one(businessId, id)).returning(open))));
}

/** Throws `not-found`. */
export async function deleteTrunk(database: Database, businessId: string, id: string): Promise<void> {
  found(await ask(database.drizzle.delete(trunks).where(one(businessId, id)).returning({ id: trunks.id })));
}
