/** Named queries on numbers: which address leads to which assistant. */
import type { Page, PhoneNumber } from '@tandem/contract';
import { and, eq } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { numbers } from './schema.ts';

export type NumberInput = Pick<PhoneNumber, 'address' | 'assistantId' | 'label'>;
type Row = typeof numbers.$inferSelect;

export const toNumber = (row: Row): PhoneNumber => ({ ...row, createdAt: rfc3339(row.createdAt.getTime()) });

const one = (businessId: string, id: string) => and(eq(numbers.businessId, businessId), eq(numbers.id, id));

export async function listNumbers(database: Database, businessId: string, query: PageQuery): Promise<Page<PhoneNumber>> {
  const page = pageOf(query, numbers.createdAt, numbers.id);
  const rows = await ask(
    database.drizzle
      .select()
      .from(numbers)
      .where(and(eq(numbers.businessId, businessId), page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.createdAt, toNumber);
}

/** Throws `not-found`. */
export async function readNumber(database: Database, businessId: string, id: string): Promise<PhoneNumber> {
  return toNumber(found(await ask(database.drizzle.select().from(numbers).where(one(businessId, id)))));
}

/** Throws `conflict` when the address is taken, `invalid-input` when the business has no such assistant. */
export async function createNumber(database: Database, kit: Kit, businessId: string, input: NumberInput): Promise<PhoneNumber> {
  const { address, assistantId, label } = input;
  const row: Row = { address, assistantId, label, businessId, id: kit.ids.make('number'), createdAt: new Date(kit.clock.wall()) };
  await ask(database.drizzle.insert(numbers).values(row));
  return toNumber(row);
}

/** Changes what `input` names. Throws `not-found`, `conflict`, `invalid-input`. */
export async function updateNumber(database: Database, businessId: string, id: string, input: Partial<NumberInput>): Promise<PhoneNumber> {
  // The id set to itself: an update without a column is no SQL.
  return toNumber(
    found(
      await ask(
        database.drizzle
          .update(numbers)
          .set({ ...input, id })
          .where(one(businessId, id))
          .returning(),
      ),
    ),
  );
}

/** Throws `not-found`. */
export async function deleteNumber(database: Database, businessId: string, id: string): Promise<void> {
  found(await ask(database.drizzle.delete(numbers).where(one(businessId, id)).returning({ id: numbers.id })));
}
