/** Cursor pagination, one query per page: newest first by (time, id), or most first by (count, id). */
import type { Page } from '@tandem/contract';
import { and, type Column, desc, type SQL, sql } from 'drizzle-orm';
import { TandemError } from '#kit/errors.ts';

export interface PageQuery {
  cursor?: string | undefined;
  /** Rows per page, 1-200. */
  limit: number;
}

/** Opaque to the client: base64url of `<milliseconds or count>.<id>`. */
export function writeCursor(at: Date, id: string): string {
  return Buffer.from(`${at.getTime()}.${id}`).toString('base64url');
}

/** Throws `invalid-input` for anything that {@link writeCursor} did not write. */
export function readCursor(cursor: string): { at: Date; id: string } {
  const match = /^(\d{1,15})\.([\w-]{1,64})$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'));
  const at = new Date(Number(match?.[1]));
  if (!match?.[2] || Number.isNaN(at.getTime()))
    throw new TandemError('invalid-input', 'The cursor is not one of ours', { path: 'cursor' });
  return { at, id: match[2] };
}

/** As {@link writeCursor}, for what is in the order of numbers of its own, such as the lines of a call. */
export function writePlace(...numbers: readonly number[]): string {
  return Buffer.from(numbers.join('_')).toString('base64url');
}

/** The `count` numbers of a place. Throws `invalid-input` for anything that {@link writePlace} did not write. */
export function readPlace(cursor: string, count: number): number[] {
  const numbers = Buffer.from(cursor, 'base64url').toString('utf8').split('_');
  if (numbers.length !== count || !numbers.every((number) => /^-?\d{1,15}(\.\d{1,20})?(e-?\d{1,2})?$/.test(number)))
    throw new TandemError('invalid-input', 'The cursor is not one of ours', { path: 'cursor' });
  return numbers.map(Number);
}

/** As {@link pageOf}, most first. A row whose count changes meanwhile may be seen twice, or not at all. */
export function pageByCount(query: PageQuery, count: Column, id: Column): { after: SQL | undefined; order: [SQL, SQL]; limit: number } {
  const cursor = query.cursor === undefined ? undefined : readCursor(query.cursor);
  return {
    after: cursor && and(sql`(${count}, ${id}) < (${cursor.at.getTime()}::bigint, ${cursor.id})`),
    order: [desc(count), desc(id)],
    limit: query.limit + 1,
  };
}

/** The condition, order and limit of the page that `query` asks for; one row more tells whether another page follows. */
export function pageOf(query: PageQuery, at: Column, id: Column): { after: SQL | undefined; order: [SQL, SQL]; limit: number } {
  const cursor = query.cursor === undefined ? undefined : readCursor(query.cursor);
  return {
    after: cursor && and(sql`(${at}, ${id}) < (${cursor.at.toISOString()}::timestamptz, ${cursor.id})`),
    order: [desc(at), desc(id)],
    limit: query.limit + 1,
  };
}

/** Cuts the extra row off and writes the next page's cursor from the last one that stays. */
export function toPage<Row extends { id: string }, Item>(
  rows: readonly Row[],
  query: PageQuery,
  at: (row: Row) => Date | number,
  item: (row: Row) => Item,
): Page<Item> {
  const kept = rows.slice(0, query.limit);
  const last = kept.at(-1);
  const items = kept.map(item);
  return rows.length > query.limit && last ? { items, nextCursor: writeCursor(new Date(at(last)), last.id) } : { items };
}
