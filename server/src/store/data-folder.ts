/**
 * The lock of the data folder. One process owns the embedded database, the journal and the recordings; PGlite has no
 * lock of its own, and two processes on one folder lose acknowledged rows.
 */
import { link, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TandemError } from '#kit/errors.ts';
import type { Clock } from '#kit/clock.ts';

const LOCK_FILE = 'tandem.lock';
const TAKEOVER_FILE = 'tandem.lock.takeover';
/** A takeover lasts milliseconds; one this old was cut off by a crash. */
const TAKEOVER_STALE_MS = 10_000;

/** A process: its id, and when the kernel started it, because ids are used again (in a container nearly always). */
interface Owner {
  pid: number;
  startedAt: string | undefined;
}

export interface DataFolderLock {
  readonly folder: string;
  /** Removes the lock, if it is still ours. Safe to call twice. */
  release(): Promise<void>;
}

/** Locks that this process holds or is about to take. */
const heldHere = new Set<string>();

/**
 * Makes the folder (mode 0700) and locks it for this process. A lock whose process is dead is taken over.
 * Rejects with `data-folder-locked`, naming the process.
 */
export async function lockDataFolder(folder: string, clock: Clock): Promise<DataFolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, LOCK_FILE);
  const self: Owner = { pid: process.pid, startedAt: await startOf(process.pid) };
  if (heldHere.has(path)) throw locked(folder, process.pid);
  heldHere.add(path);
  try {
    return await claim(folder, path, self, clock);
  } catch (error) {
    heldHere.delete(path);
    throw error;
  }
}

async function claim(folder: string, path: string, self: Owner, clock: Clock): Promise<DataFolderLock> {
  for (let attempt = 0; attempt < 3; attempt++) {
    if (await create(path, self)) {
      let released: Promise<void> | undefined;
      return { folder, release: () => (released ??= release(path, self)) };
    }
    const owner = await readOwner(path);
    if (owner && (await isAlive(owner))) throw locked(folder, owner.pid);
    await takeOver(folder, path, owner, clock);
  }
  throw locked(folder, (await readOwner(path))?.pid);
}

function locked(folder: string, pid: number | undefined): TandemError {
  return new TandemError('data-folder-locked', `The data folder ${folder} is in use by process ${pid ?? '(starting)'}`, { folder, pid });
}

/** The lock appears whole or not at all, and only where none was: a file is written first and then linked. */
async function create(path: string, owner: Owner): Promise<boolean> {
  const draft = `${path}.${owner.pid}`;
  await writeFile(draft, JSON.stringify(owner), { mode: 0o600 });
  try {
    await link(draft, path);
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Removes a dead process's lock. Of two processes that try, one does; the other finds what the first then created. */
async function takeOver(folder: string, path: string, dead: Owner | undefined, clock: Clock): Promise<void> {
  const guard = join(folder, TAKEOVER_FILE);
  try {
    await writeFile(guard, String(process.pid), { flag: 'wx', mode: 0o600 });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
    const age = await stat(guard).then(
      (made) => clock.wall() - made.mtimeMs,
      () => 0,
    );
    if (age > TAKEOVER_STALE_MS) await rm(guard, { force: true });
    throw locked(folder, undefined);
  }
  try {
    const now = await readOwner(path);
    // Renamed, not removed: what an accident left behind can still be read afterwards.
    if (now?.pid === dead?.pid && now?.startedAt === dead?.startedAt) await rename(path, `${path}.dead`);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
  } finally {
    await rm(guard, { force: true });
  }
}

async function release(path: string, self: Owner): Promise<void> {
  try {
    const owner = await readOwner(path);
    if (owner?.pid === self.pid && owner.startedAt === self.startedAt) await rm(path, { force: true });
  } finally {
    heldHere.delete(path);
  }
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const owner = JSON.parse(await readFile(path, 'utf8')) as Owner;
    return Number.isSafeInteger(owner.pid) ? owner : undefined;
  } catch {
    return undefined; // gone, or damaged: nobody's
  }
}

async function isAlive(owner: Owner): Promise<boolean> {
  // Nobody else in this process can have made it since `heldHere` names whoever is asking.
  if (owner.pid === process.pid) return false;
  try {
    process.kill(owner.pid, 0);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const startedAt = await startOf(owner.pid);
  return startedAt === undefined || owner.startedAt === undefined || startedAt === owner.startedAt;
}

/** Linux: boot id and clock ticks from boot to the start of the process (proc(5), field 22 of stat). Elsewhere undefined. */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stats = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    const ticks = stats.slice(stats.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined ? undefined : `${boot.trim()}:${ticks}`;
  } catch {
    return undefined;
  }
}
