/** The embedded default: PGlite (PostgreSQL in WebAssembly) in a worker thread, in the data folder, one connection. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { defineVendor } from '#kit/vendor.ts';
import type { Database, DatabaseContext, DatabaseVendor } from '../database.ts';
import { poolDatabase } from '../pool.ts';
import { startServer } from './server.ts';

const PORT = 5432; // only part of the socket's file name
const CONNECT_WITHIN_MS = 15_000;
/** A query that runs this long has hung the database: the connection is given up. */
const QUERY_TIMEOUT_MS = 30_000;
/** Unix socket paths hold at most 107 bytes (sockaddr_un). */
const SOCKET_PATH_BYTES = 107;

export interface EmbeddedDatabase extends Database {
  /** A gzip of the whole database, to begin another from. */
  dump(): Promise<Uint8Array>;
}

/** Opens the embedded database; `template` is a dump to begin from. Rejects with `database-unavailable`. */
export async function openPglite(context: DatabaseContext, template?: Uint8Array): Promise<EmbeddedDatabase> {
  const { kit, dataFolder } = context;
  const filesPath = dataFolder === undefined ? undefined : join(dataFolder, 'pg');
  if (filesPath) await mkdir(filesPath, { recursive: true, mode: 0o700 });
  const socketFolder = await makeSocketFolder(dataFolder);
  try {
    const server = await startServer(kit, { filesPath, socketPath: socketIn(socketFolder), template });
    const database = poolDatabase({
      kind: 'pglite',
      kit,
      onQuery: context.onQuery,
      connection: {
        host: socketFolder,
        port: PORT,
        user: 'postgres',
        database: 'postgres',
        ssl: false,
        max: 1,
        idleTimeoutMillis: 0,
        connectionTimeoutMillis: CONNECT_WITHIN_MS,
        query_timeout: QUERY_TIMEOUT_MS,
      },
      onClose: async () => {
        await server.stop();
        await rm(socketFolder, { recursive: true, force: true });
      },
    });
    return { ...database, dump: () => server.dump() };
  } catch (thrown) {
    await rm(socketFolder, { recursive: true, force: true });
    throw thrown;
  }
}

const socketIn = (folder: string) => join(folder, `.s.PGSQL.${PORT}`);

/** A folder only this user may enter: in the data folder, or in the temporary one where that path is too long. */
async function makeSocketFolder(dataFolder: string | undefined): Promise<string> {
  if (dataFolder !== undefined) {
    const folder = join(dataFolder, 'socket');
    if (Buffer.byteLength(socketIn(folder)) <= SOCKET_PATH_BYTES) {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    }
  }
  return mkdtemp(join(tmpdir(), 'tandem-'));
}

export const pglite = defineVendor({
  name: 'pglite',
  settings: z.object({}),
  database: (_settings: object, context) => {
    context.kit.log.info({ part: 'store', dataFolder: context.dataFolder }, 'embedded database (DATABASE_URL names a server instead)');
    return openPglite(context);
  },
} satisfies DatabaseVendor);
