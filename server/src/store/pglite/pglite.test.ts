import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test, vi } from 'vitest';
import { databaseKit } from '../../../test/database.ts';
import { createBusiness, listBusinesses } from '../businesses.ts';
import { migrate } from '../migrate.ts';
import { openPglite } from './pglite.ts';

const kit = databaseKit();
const folders: string[] = [];

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pglite-'));
  folders.push(folder);
  return folder;
}

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

test('rows are there after a stop and a new start; a long folder name is no obstacle', { timeout: 90_000 }, async () => {
  const folder = join(await makeFolder(), 'x'.repeat(100));
  const first = await openPglite({ kit, dataFolder: folder });
  await migrate(first, kit);
  await createBusiness(first, kit, { name: 'Here', language: 'en', timeZone: 'UTC' });
  await first.close();
  await first.close();
  expect(await first.ready()).toBe(false);

  const second = await openPglite({ kit, dataFolder: folder });
  expect(await migrate(second, kit)).toEqual([]);
  expect((await listBusinesses(second, { limit: 5 })).items).toMatchObject([{ name: 'Here' }]);
  await second.close();
});

test('the socket is private and gone afterwards; statements are reported; transactions do not mix', { timeout: 90_000 }, async () => {
  const folder = await makeFolder();
  const seen: boolean[] = [];
  const database = await openPglite({ kit, dataFolder: folder, onQuery: ({ failed, tookMs }) => seen.push(failed && tookMs >= 0) });
  await migrate(database, kit);
  expect(await readdir(join(folder, 'socket'))).toEqual(['.s.PGSQL.5432']);
  seen.length = 0;
  await expect(database.drizzle.execute('select 1 from nowhere')).rejects.toThrow();
  await database.drizzle.execute('select 1');
  expect(seen).toEqual([true, false]);
  const names = Array.from({ length: 20 }, (_, i) => `b${i}`);
  await Promise.all(
    names.map((name, i) =>
      database
        .transaction(async (queries) => {
          await queries.execute(`insert into businesses values ('${name}', '${name}', 'en', 'UTC', now())`);
          if (i % 2 === 1) throw new Error('roll back');
        })
        .catch(() => {}),
    ),
  );
  expect((await listBusinesses(database, { limit: 50 })).items).toHaveLength(10);
  await database.close();
  expect(await readdir(folder)).toEqual(['pg']);
});

test('a database whose thread dies comes back by itself, with its rows', { timeout: 90_000 }, async () => {
  const listening = vi.spyOn(Worker.prototype, 'on');
  const database = await openPglite({ kit, dataFolder: await makeFolder() });
  const thread = listening.mock.contexts[0] as Worker;
  listening.mockRestore();
  await migrate(database, kit);
  await createBusiness(database, kit, { name: 'Here', language: 'en', timeZone: 'UTC' });
  await thread.terminate();
  expect(await database.ready()).toBe(false);
  for (let i = 0; i < 600 && !(await database.ready()); i++) await kit.clock.sleep(50);
  expect((await listBusinesses(database, { limit: 5 })).items).toMatchObject([{ name: 'Here' }]);
  await database.close();
});
