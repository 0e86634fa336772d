/**
 * An embedded database that is empty and migrated, made once per schema and kept in the temporary folder: as a dump to
 * begin one in memory from, and as the files of a server's data folder.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { testKit } from '#kit/testing.ts';
import { migrate, readMigrations } from '#store/migrate.ts';
import { openPglite } from '#store/pglite/pglite.ts';

/** What tests keep from one run to the next. */
const KEPT = join(tmpdir(), `tandem-test-${userInfo().uid}`);

/** Seeded randomness, real time: the database's deadlines are real. */
export const databaseKit = (): Kit => ({ ...testKit(), clock: new SystemClock() });

async function pathOfSchema(): Promise<string> {
  const text = (await readMigrations()).map((migration) => migration.checksum).join();
  await mkdir(KEPT, { recursive: true });
  return join(KEPT, `pglite-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`);
}

/** The dump, for `openPglite`. */
export async function readTemplate(): Promise<Uint8Array> {
  const path = `${await pathOfSchema()}.tar.gz`;
  try {
    return await readFile(path);
  } catch {
    const database = await openPglite({ kit: databaseKit(), dataFolder: undefined });
    await migrate(database, databaseKit());
    const bytes = await database.dump();
    await database.close();
    const own = `${path}.${process.pid}`;
    await writeFile(own, bytes);
    await rename(own, path);
    return bytes;
  }
}

/** Puts the files of the database into the data folder of a server that has not started yet. */
export async function fillDataFolder(dataFolder: string): Promise<void> {
  const path = await pathOfSchema();
  if (!(await stat(path).catch(() => undefined))) await makeFiles(path);
  await cp(join(path, 'pg'), join(dataFolder, 'pg'), { recursive: true });
}

async function makeFiles(path: string): Promise<void> {
  const own = `${path}.${process.pid}`;
  const database = await openPglite({ kit: databaseKit(), dataFolder: own });
  await migrate(database, databaseKit());
  await database.close();
  // Whoever was faster has made the same.
  await rename(own, path).catch(() => rm(own, { recursive: true, force: true }));
}
