/** A PostgreSQL server of the user's own, named by `DATABASE_URL`. */
import { z } from 'zod';
import { TandemError } from '#kit/errors.ts';
import { defineVendor, type SettingMeta } from '#kit/vendor.ts';
import type { DatabaseVendor } from '../database.ts';
import { poolDatabase } from '../pool.ts';
import { CHANGES_CHANNEL } from '../revisions.ts';
import { listenTo } from './listener.ts';

const CONNECTIONS = 10;
const CONNECT_WITHIN_MS = 5_000;
/** The server gives up on a statement after this long; the client, for a server that hangs, a little later. */
const STATEMENT_TIMEOUT_MS = 15_000;

const settings = z.object({
  url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
    .optional()
    .meta({
      env: 'DATABASE_URL',
      secret: true,
      description: 'PostgreSQL server; without it the embedded database is used',
    } satisfies SettingMeta),
});

export const postgres = defineVendor({
  name: 'postgres',
  settings,
  database: async ({ url }: z.infer<typeof settings>, context) => {
    if (url === undefined) throw new TandemError('setting-invalid', 'DATABASE_URL is not set', { setting: 'DATABASE_URL' });
    return poolDatabase({
      kind: 'postgres',
      kit: context.kit,
      listen: (changed) => listenTo(CHANGES_CHANNEL, { connectionString: url, kit: context.kit, heard: changed }),
      onQuery: context.onQuery,
      connection: {
        connectionString: url,
        application_name: 'tandem',
        max: CONNECTIONS,
        connectionTimeoutMillis: CONNECT_WITHIN_MS,
        idleTimeoutMillis: 60_000,
        statement_timeout: STATEMENT_TIMEOUT_MS,
        query_timeout: STATEMENT_TIMEOUT_MS + 2_000,
        idle_in_transaction_session_timeout: 30_000,
        keepAlive: true,
      },
    });
  },
} satisfies DatabaseVendor);
