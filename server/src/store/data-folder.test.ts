import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { lockDataFolder } from './data-folder.ts';

const clock = new SystemClock();
let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'lock-')), 'data');
});

afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

test('makes the folder for this user only, and lets go of it again', async () => {
  const lock = await lockDataFolder(folder, clock);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  await expect(lockDataFolder(folder, clock)).rejects.toMatchObject({ code: 'data-folder-locked', detail: { pid: process.pid } });
  await lock.release();
  await lock.release();
  await (await lockDataFolder(folder, clock)).release();
});

test('another process that lives is named', async () => {
  const other = spawn(process.execPath, [
    '-e',
    `import(${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)}).then(async ({ lockDataFolder }) => {
       await lockDataFolder(${JSON.stringify(folder)}, { wall: () => Date.now() });
       console.log('locked');
       setInterval(() => {}, 1000);
     })`,
  ]);
  await once(other.stdout, 'data');
  const attempt = lockDataFolder(folder, clock);
  await expect(attempt).rejects.toMatchObject({ code: 'data-folder-locked', detail: { pid: other.pid } });
  await expect(attempt).rejects.toThrow(String(other.pid));
  other.kill('SIGKILL');
  await once(other, 'exit');
  const lock = await lockDataFolder(folder, clock);
  expect(JSON.parse(await readFile(join(folder, 'tandem.lock'), 'utf8')).pid).toBe(process.pid);
  await lock.release();
});

test('a lock of a dead process, of a process id used again, or one that is damaged is taken over', async () => {
  const dead = spawnSync(process.execPath, ['-e', '']).pid;
  const stale = [
    JSON.stringify({ pid: dead, startedAt: 'boot:1' }),
    JSON.stringify({ pid: process.pid, startedAt: 'boot:1' }),
    JSON.stringify({ pid: process.ppid, startedAt: 'another boot:1' }),
    '{"pid":',
    '',
  ];
  for (const text of stale) {
    const path = join(folder, 'tandem.lock');
    await (await lockDataFolder(folder, clock)).release();
    await writeFile(path, text);
    await (await lockDataFolder(folder, clock)).release();
  }
});

test('of many that take over a dead lock at once, one wins', async () => {
  await (await lockDataFolder(folder, clock)).release();
  await writeFile(join(folder, 'tandem.lock'), JSON.stringify({ pid: spawnSync(process.execPath, ['-e', '']).pid }));
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockDataFolder(folder, clock)));
  const locks = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  expect(locks).toHaveLength(1);
  await locks[0]?.release();
});
