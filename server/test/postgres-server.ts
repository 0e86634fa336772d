/**
 * A PostgreSQL server for tests: `DATABASE_TEST_URL` names one, or a private one is started from Debian's binaries in a
 * temporary folder, on a unix socket. Without either: undefined, except with CI=true, where it is an error.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, escapeIdentifier } from 'pg';

const ROOT = '/usr/lib/postgresql';

export interface PostgresServer {
  /** URL of the database `name` on this server, for `DATABASE_URL`. */
  urlOf(name: string): string;
  /** Makes an empty database and answers its URL. */
  createDatabase(name: string): Promise<string>;
  /** Ends every connection and the server, at once, as a crash would; absent for a server that is not ours. */
  kill?(): Promise<void>;
  /** Starts it again on the same data after `kill`. */
  restart?(): Promise<void>;
  /** Stops every process of it where it stands, as a disk that hangs would: connections stay open, nothing answers. */
  freeze?(): void;
  thaw?(): void;
  stop(): Promise<void>;
}

/** Where `postgres` and `initdb` are; the newest version wins. */
export function findPostgres(): string | undefined {
  if (!existsSync(ROOT)) return undefined;
  const versions = readdirSync(ROOT).sort((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(ROOT, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

/** True when tests on a real PostgreSQL can run here. Throws with CI=true when they cannot. */
export function hasPostgres(): boolean {
  const has = process.env.DATABASE_TEST_URL !== undefined || findPostgres() !== undefined;
  if (!has && process.env.CI === 'true') throw new Error('no PostgreSQL: install the package "postgresql" or set DATABASE_TEST_URL');
  return has;
}

export async function startPostgres(): Promise<PostgresServer> {
  const given = process.env.DATABASE_TEST_URL;
  if (given !== undefined) {
    const urlOf = (name: string) => Object.assign(new URL(given), { pathname: `/${name}` }).toString();
    return { urlOf, createDatabase: (name) => createDatabase(given, urlOf(name), name), stop: async () => {} };
  }
  const bin = findPostgres();
  if (!bin) throw new Error('no PostgreSQL found');
  const owner = ownerOfServer();
  const folder = mkdtempSync(join(tmpdir(), 'tandem-postgres-'));
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid ?? owner.uid);
  const data = join(folder, 'data');
  const environment = { ...process.env, LC_ALL: 'C.UTF-8', TZ: 'UTC' };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'], {
    ...owner,
    cwd: folder,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const urlOf = (name: string) => `postgres://postgres@localhost/${name}?host=${encodeURIComponent(folder)}`;
  const options = ['listen_addresses=', `unix_socket_directories=${folder}`, 'fsync=off', 'max_connections=50', 'shared_buffers=32MB'];
  let server: ChildProcess;

  async function start(): Promise<void> {
    server = spawn(join(bin as string, 'postgres'), ['-D', data, ...options.flatMap((option) => ['-c', option])], {
      ...owner,
      cwd: folder,
      env: environment,
      stdio: 'ignore',
    });
    for (let attempt = 0; attempt < 200; attempt++) {
      if (server.exitCode !== null) throw new Error(`postgres ended with code ${server.exitCode}`);
      if (await answers(urlOf('postgres'))) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('postgres did not start within 10 s');
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill(signal);
    await ended;
  }

  await start();
  return {
    urlOf,
    createDatabase: (name) => createDatabase(urlOf('postgres'), urlOf(name), name),
    kill: () => end('SIGQUIT'),
    restart: start,
    freeze: () => signalAll(server, 'SIGSTOP'),
    thaw: () => signalAll(server, 'SIGCONT'),
    stop: async () => {
      signalAll(server, 'SIGCONT');
      await end('SIGQUIT');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The server and the processes it has started, one per connection. */
function signalAll(server: ChildProcess, signal: NodeJS.Signals): void {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  const parentOf = (pid: string): number => {
    try {
      return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ')[1]);
    } catch {
      return 0; // it has ended
    }
  };
  const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && parentOf(name) === server.pid);
  for (const pid of [server.pid, ...children.map(Number)]) {
    try {
      process.kill(pid, signal);
    } catch {
      // A connection's process ends with its connection.
    }
  }
}

/** PostgreSQL refuses to run as root: then it runs as its own user. */
function ownerOfServer(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

async function createDatabase(server: string, url: string, name: string): Promise<string> {
  const client = new Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(`drop database if exists ${escapeIdentifier(name)} with (force)`);
    await client.query(`create database ${escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  return url;
}
