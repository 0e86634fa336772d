/**
 * A whole Tandem as users start it: a process of its own, on free ports and a data folder of its own, in which the embedded
 * database is migrated already.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fillDataFolder } from './database-template.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
export const ADMIN_KEY = 'test-admin-key-0123456789';

export interface TandemServer {
  readonly url: string;
  readonly mediaUrl: string;
  readonly sipPort: number;
  readonly dataFolder: string;
  readonly child: ChildProcess;
  /** Everything it has printed. */
  output(): string;
  api<T = unknown>(path: string, init?: { method?: string; body?: unknown }): Promise<T>;
  /** Asks until `accept` answers something truthy; throws what the last answer was after `withinMs`. */
  until<T, R>(path: string, accept: (answer: T) => R | undefined | false, withinMs?: number): Promise<R>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

function freeTcpPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

/** A port that is free for UDP and TCP. */
export async function freeSipPort(): Promise<number> {
  for (;;) {
    const port = await freeTcpPort();
    const free = await new Promise<boolean>((resolve) => {
      const probe = createSocket('udp4');
      probe.once('error', () => resolve(false));
      probe.bind(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** Two neighbouring free ports: HTTP and media. */
async function freePortPair(): Promise<number> {
  for (;;) {
    const port = await freeTcpPort();
    const next = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port + 1, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (next) return port;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The newest lines of a log that tell of an error (pino's level 50). */
const linesOfFaults = (log: string): string =>
  log
    .split('\n')
    .filter((line) => /"level":(50|"error")/.test(line))
    .slice(-5)
    .join('\n')
    .slice(0, 8_000);

export interface ServerOptions {
  env?: Record<string, string>;
  /** A data folder to go on with, or to begin in as a new installation does; removed at stop only when it was made here. */
  dataFolder?: string;
  withinMs?: number;
}

/** Starts it and waits until it takes calls. Its log goes to `output()`, not to the test's console. */
export async function startTandem(options: ServerOptions = {}): Promise<TandemServer> {
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'tandem-')));
  if (options.dataFolder === undefined && !options.env?.['DATABASE_URL']) await fillDataFolder(dataFolder);
  const port = await freePortPair();
  const sipPort = await freeSipPort();
  const rtpFrom = 20_000 + 2 * Math.floor(Math.random() * 9_000);
  const env: Record<string, string | undefined> = {
    ...process.env,
    DATABASE_URL: undefined,
    PORT: String(port),
    SIP_PORT: String(sipPort),
    RTP_PORTS: `${rtpFrom}-${rtpFrom + 1999}`,
    TANDEM_DATA: dataFolder,
    TANDEM_ADMIN_KEY: ADMIN_KEY,
    LOG_LEVEL: 'info',
    ...options.env,
  };
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  const collect = (chunk: Buffer) => {
    printed = (printed + chunk.toString()).slice(-2_000_000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const url = `http://127.0.0.1:${port}`;

  const api: TandemServer['api'] = async (path, init = {}) => {
    const response = await fetch(`${url}${path}`, {
      method: init.method ?? 'GET',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, ...(init.body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: init.body === undefined ? undefined : JSON.stringify(init.body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) {
      // What went wrong on its side stands in its log alone.
      const log = response.status === 500 ? `\n${linesOfFaults(printed)}` : '';
      throw new Error(`${init.method ?? 'GET'} ${path} answered ${response.status}: ${text}${log}`);
    }
    return (text === '' ? undefined : JSON.parse(text)) as never;
  };
  const stop: TandemServer['stop'] = async (signal = 'SIGTERM') => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const code = await exited;
    if (options.dataFolder === undefined && signal !== 'SIGKILL') await rm(dataFolder, { recursive: true, force: true });
    return code;
  };

  const deadline = performance.now() + (options.withinMs ?? 60_000);
  for (;;) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`Tandem ended while starting:\n${printed}`);
    const ready = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) break;
    if (performance.now() > deadline) {
      await stop('SIGKILL');
      throw new Error(`Tandem was not ready in time:\n${printed}`);
    }
    await pause(50);
  }

  return {
    url,
    mediaUrl: `ws://127.0.0.1:${port + 1}`,
    sipPort,
    dataFolder,
    child,
    output: () => printed,
    api,
    stop,
    async until(path, accept, withinMs = 10_000) {
      const end = performance.now() + withinMs;
      let last: unknown;
      for (;;) {
        try {
          const answer = (await api(path)) as never;
          last = answer;
          const accepted = accept(answer);
          if (accepted) return accepted;
        } catch (error) {
          last = error;
        }
        if (performance.now() > end)
          throw new Error(
            `${path} never became what was awaited; last: ${last instanceof Error ? last.message : JSON.stringify(last)?.slice(0, 2_000)}`,
          );
        await pause(50);
      }
    },
  };
}
