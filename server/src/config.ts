/**
 * The settings, read once: one typed tree from the environment and from every installed vendor's own schema. A wrong
 * setting stops the start with every fault listed by name; a secret prints as `***`.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { parsePlaces } from '#calls/provider-places.ts';
import { TandemError } from '#kit/errors.ts';
import type { LogLevel } from '#kit/log.ts';
import type { SettingMeta, Vendor } from '#kit/vendor.ts';

const port = z.coerce.number().int().min(1).max(65_535);
const setting = (env: string, description: string, secret = false): SettingMeta => ({ env, description, secret });

const houseSettings = z.object({
  host: z.string().default('127.0.0.1').meta(setting('HOST', 'Address the console and API listen on')),
  port: port.default(3000).meta(setting('PORT', 'Port of the console and API')),
  mediaPort: port
    .optional()
    .meta(setting('TANDEM_MEDIA_PORT', 'Port of carrier and browser WebSockets, served by the call thread; PORT + 1 unless set')),
  publicUrl: z
    .url({ protocol: /^https?$/ })
    .optional()
    .meta(setting('PUBLIC_URL', 'Where carriers and browsers reach this server, e.g. https://voice.example.com')),
  mediaUrl: z
    .url({ protocol: /^wss?$/ })
    .optional()
    .meta(setting('TANDEM_MEDIA_URL', 'Where carriers and browsers reach the media port; derived from PUBLIC_URL unless set')),
  dataFolder: z.string().default('./data').meta(setting('TANDEM_DATA', 'Folder of the journal, recordings and the embedded database')),
  logLevel: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .meta(setting('LOG_LEVEL', 'Least severe log line that is written')),
  adminKey: z
    .string()
    .min(16)
    .optional()
    .meta(setting('TANDEM_ADMIN_KEY', 'The first API key; made at first start unless set', true)),
  encryptionKey: z
    .string()
    .regex(/^([0-9a-fA-F]{64}|[\w+/-]{43}=?)$/, 'must be 32 bytes in base64 or hexadecimal')
    .optional()
    .meta(setting('ENCRYPTION_KEY', "Seals the tools' secrets in the database; made at first start unless set", true)),
  egressAllow: z
    .string()
    .default('')
    .meta(
      setting(
        'TANDEM_EGRESS_ALLOW',
        'Private targets that tools may reach besides the public web: host:port or CIDR ranges, comma-separated',
      ),
    ),
  prices: z
    .string()
    .optional()
    .meta(setting('TANDEM_PRICES', "JSON file with the providers' prices, where they differ from the built-in list prices")),
  vectors: z
    .enum(['memory', 'chroma', 'pgvector'])
    .default('memory')
    .meta(
      setting('TANDEM_VECTORS', 'Where vectors are searched: memory (in this process), chroma (CHROMA_URL) or pgvector (DATABASE_URL)'),
    ),
  embedder: z
    .string()
    .optional()
    .meta(setting('TANDEM_EMBEDDER', 'Who turns texts into vectors, such as openai or hashing; the best one installed unless set')),
  cacheEntries: z.coerce
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .default(1000)
    .meta(setting('TANDEM_CACHE_ENTRIES', 'Entries of each cache that this process keeps in its own memory')),
  maxCalls: z.coerce
    .number()
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .meta(setting('TANDEM_MAX_CALLS', 'Live calls beyond which new ones are refused')),
  providerCalls: z
    .string()
    .default('')
    .refine((text) => parsePlaces(text) !== undefined, 'is not a list such as deepgram:50,cartesia:20')
    .meta(
      setting(
        'TANDEM_PROVIDER_CALLS',
        "Calls at once at providers whose plans have a bound, e.g. deepgram:50,cartesia:20; beyond it the assistant's next choice is taken",
      ),
    ),
  seed: z
    .enum(['demo', 'none'])
    .default('demo')
    .meta(setting('TANDEM_SEED', 'demo (default) seeds the demo business into an empty database, none does not')),
});

export type HouseConfig = z.infer<typeof houseSettings> & { mediaPort: number; publicUrl: string; mediaUrl: string };

export interface Config {
  house: HouseConfig & { logLevel: LogLevel };
  /** Settings by vendor name, each checked by the vendor's own schema. */
  vendors: Record<string, Record<string, unknown>>;
  /** `TANDEM_…` names in the environment that no setting has: probably a typing mistake. */
  unknown: string[];
}

export interface SettingDescription extends SettingMeta {
  vendor: string;
  value: string;
}

function metaOf(schema: z.ZodType): SettingMeta | undefined {
  const meta = schema.meta() as Partial<SettingMeta> | undefined;
  if (meta?.env) return meta as SettingMeta;
  const inner = (schema as { _zod?: { def?: { in?: z.ZodType; innerType?: z.ZodType } } })._zod?.def;
  if (inner?.in) return metaOf(inner.in);
  return inner?.innerType ? metaOf(inner.innerType) : undefined;
}

interface Group {
  name: string;
  schema: z.ZodObject;
}

function readGroup(group: Group, env: NodeJS.ProcessEnv, faults: string[], known: Set<string>): Record<string, unknown> {
  const raw: Record<string, string> = {};
  const envOf = new Map<string, string>();
  for (const [key, schema] of Object.entries(group.schema.shape)) {
    const meta = metaOf(schema as z.ZodType);
    if (!meta) throw new Error(`setting ${group.name}.${key} has no environment name`);
    known.add(meta.env);
    envOf.set(key, meta.env);
    const value = env[meta.env];
    if (value !== undefined && value !== '') raw[key] = value;
  }
  const result = group.schema.safeParse(raw);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const key = String(issue.path[0] ?? '');
    faults.push(`${envOf.get(key) ?? group.name}: ${issue.message}${shown(group.schema, key, raw[key])}`);
  }
  return {};
}

/** The value that was given, unless it is a secret. */
function shown(schema: z.ZodObject, key: string, value: string | undefined): string {
  const secret = metaOf(schema.shape[key] as z.ZodType)?.secret;
  return value === undefined || secret ? '' : ` (it is ${JSON.stringify(value.slice(0, 80))})`;
}

/** What no single setting can know. */
function portFaults({ port, mediaPort }: { port: number; mediaPort: number }): string[] {
  if (mediaPort > 65_535) return ['TANDEM_MEDIA_PORT: PORT + 1 is no port; set it'];
  return port !== 0 && port === mediaPort ? [`TANDEM_MEDIA_PORT: must differ from PORT (both are ${port})`] : [];
}

/** Reads everything, or throws `setting-invalid` whose message lists every fault, one per line. */
export function readConfig(vendors: readonly Vendor[], env: NodeJS.ProcessEnv = process.env): Config {
  const faults: string[] = [];
  const known = new Set<string>();
  const house = readGroup({ name: 'house', schema: houseSettings }, env, faults, known) as z.infer<typeof houseSettings>;
  const byVendor: Config['vendors'] = {};
  for (const vendor of vendors) byVendor[vendor.name] = readGroup({ name: vendor.name, schema: vendor.settings }, env, faults, known);
  const mediaPort = house.mediaPort ?? (house.port === 0 ? 0 : house.port + 1);
  if (faults.length === 0) faults.push(...portFaults({ port: house.port, mediaPort }));
  if (faults.length > 0) {
    throw new TandemError(
      'setting-invalid',
      `Tandem cannot start, ${faults.length === 1 ? 'a setting is' : `${faults.length} settings are`} wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
      { faults },
    );
  }
  const reachable = house.host === '0.0.0.0' || house.host === '::' ? '127.0.0.1' : house.host;
  const publicUrl = (house.publicUrl ?? `http://${reachable}:${house.port}`).replace(/\/+$/, '');
  // Behind a proxy that ends TLS both ports share one origin and the proxy routes by path; on a laptop they differ.
  const mediaUrl = (house.mediaUrl ?? (house.publicUrl ? publicUrl.replace(/^http/, 'ws') : `ws://${reachable}:${mediaPort}`)).replace(
    /\/+$/,
    '',
  );
  return {
    house: { ...house, mediaPort, publicUrl, mediaUrl, dataFolder: resolve(house.dataFolder) },
    vendors: byVendor,
    unknown: Object.keys(env).filter((name) => name.startsWith('TANDEM_') && !known.has(name)),
  };
}

/** Every setting with its description and current value (`***` for a secret), for `--settings` and the docs. */
export function describeSettings(vendors: readonly Vendor[], env: NodeJS.ProcessEnv = process.env): SettingDescription[] {
  const groups: Group[] = [{ name: 'house', schema: houseSettings }, ...vendors.map(({ name, settings }) => ({ name, schema: settings }))];
  return groups.flatMap(({ name, schema }) =>
    Object.values(schema.shape).flatMap((field) => {
      const meta = metaOf(field as z.ZodType);
      if (!meta) return [];
      const value = env[meta.env];
      return [{ ...meta, vendor: name, value: value === undefined || value === '' ? '' : meta.secret ? '***' : value }];
    }),
  );
}
