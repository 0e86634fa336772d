/** Named queries on tools. Secrets go in and come out only in {@link ToolWithSecrets}, for the call thread. */
import { type Page, type ToolDefinition, type ToolInput, toolInput } from '@tandem/contract';
import { and, eq, getTableColumns } from 'drizzle-orm';
import { rfc3339 } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { ask, type Database, found } from './database.ts';
import { type PageQuery, pageOf, toPage } from './page.ts';
import { tools } from './schema.ts';
import type { SecretBox } from './secret-box.ts';

/** A tool as a call runs it: never in an answer of the API, never in a log. */
export type ToolWithSecrets = { id: string; businessId: string } & ToolInput;

/** Fields of either kind; null takes a secret away, and secrets that are not named stay. */
export type ToolChange = Record<string, unknown> & { secrets?: Record<string, string | null> };

/** Judges a tool as it would be; throws `invalid-input`. */
export type ToolCheck = (tool: ToolInput) => void;

type Row = typeof tools.$inferSelect;
type Open = Omit<Row, 'secrets'>;

const { secrets: _secrets, ...open } = getTableColumns(tools);

const ownerOf = (row: Pick<Row, 'businessId' | 'id'>) => `tools/${row.businessId}/${row.id}`;

const toTool = ({ definition, ...row }: Open): ToolDefinition => ({
  ...definition,
  ...row,
  createdAt: rfc3339(row.createdAt.getTime()),
  updatedAt: rfc3339(row.updatedAt.getTime()),
});

/** Throws `setting-invalid` when its secrets were sealed with another key. */
export function openTool({ id, businessId, name, enabled, definition, secrets }: Row, box: SecretBox): ToolWithSecrets {
  const known: unknown = secrets === null ? {} : JSON.parse(box.open(secrets, ownerOf({ businessId, id })));
  return { ...definition, id, businessId, name, enabled, secrets: known } as ToolWithSecrets;
}

function columnsOf({ name, enabled, secrets, ...definition }: ToolInput, owner: { businessId: string; id: string }, box: SecretBox) {
  const secretNames = Object.keys(secrets).sort();
  const sealed = secretNames.length === 0 ? null : box.seal(JSON.stringify(secrets), ownerOf(owner));
  return { name, enabled, secretNames, secrets: sealed, definition };
}

const one = (businessId: string, id: string) => and(eq(tools.businessId, businessId), eq(tools.id, id));

export async function listTools(database: Database, businessId: string, query: PageQuery): Promise<Page<ToolDefinition>> {
  const page = pageOf(query, tools.createdAt, tools.id);
  const rows = await ask(
    database.drizzle
      .select(open)
      .from(tools)
      .where(and(eq(tools.businessId, businessId), page.after))
      .orderBy(...page.order)
      .limit(page.limit),
  );
  return toPage(rows, query, (row) => row.createdAt, toTool);
}

/** Throws `not-found`. */
export async function readTool(database: Database, businessId: string, id: string): Promise<ToolDefinition> {
  return toTool(found(await ask(database.drizzle.select(open).from(tools).where(one(businessId, id)))));
}

/** Throws `conflict` when the business has a tool of this name: the language model tells them apart by it. */
export async function createTool(
  database: Database,
  kit: Kit,
  box: SecretBox,
  businessId: string,
  input: ToolInput,
): Promise<ToolDefinition> {
  const now = new Date(kit.clock.wall());
  const id = kit.ids.make('tool');
  const row = { ...columnsOf(input, { businessId, id }, box), businessId, id, createdAt: now, updatedAt: now };
  return toTool(found(await ask(database.drizzle.insert(tools).values(row).returning(open))));
}

/**
 * Changes what `change` names and keeps the rest, the kind always. What comes out must be a valid tool for `check` too.
 * Throws `not-found`, `conflict`, `invalid-input` naming the field.
 */
export async function updateTool(
  database: Database,
  kit: Kit,
  box: SecretBox,
  { businessId, id }: { businessId: string; id: string },
  change: ToolChange,
  check: ToolCheck,
): Promise<ToolDefinition> {
  return ask(
    database.transaction(async (queries) => {
      const row = found(await queries.select().from(tools).where(one(businessId, id)).for('update'));
      const { id: _id, businessId: _businessId, ...before } = openTool(row, box);
      const secrets = Object.fromEntries(Object.entries({ ...before.secrets, ...change.secrets }).filter(([, value]) => value !== null));
      const tool = parseTool({ ...before, ...change, kind: before.kind, secrets });
      check(tool);
      const changed = { ...columnsOf(tool, { businessId, id }, box), updatedAt: new Date(kit.clock.wall()) };
      return toTool(found(await queries.update(tools).set(changed).where(one(businessId, id)).returning(open)));
    }),
  );
}

function parseTool(tool: unknown): ToolInput {
  const kind = toolInput.options.find(({ shape }) => shape.kind.safeParse((tool as { kind: unknown }).kind).success);
  const parsed = kind?.strict().safeParse(tool);
  if (parsed?.success) return parsed.data;
  const issue = parsed?.error.issues[0];
  const path = [...(issue?.path ?? []), ...(issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [])].join('/');
  throw new TandemError('invalid-input', issue?.message, { path });
}

/** Throws `not-found`. */
export async function deleteTool(database: Database, businessId: string, id: string): Promise<void> {
  found(await ask(database.drizzle.delete(tools).where(one(businessId, id)).returning({ id: tools.id })));
}
