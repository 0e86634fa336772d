/** A whole Tandem with everything on, the local providers and the callers: each a process of its own, each watched by the kernel's count. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoggedEvent } from '../../server/src/simulate/load/provider-log.ts';
import type { LoadReport } from '../../server/src/simulate/load/summary.ts';
import { startPostgres } from '../../server/test/postgres-server.ts';
import { startRedis } from '../../server/test/redis-server.ts';
import { ADMIN_KEY, startTandem, type TandemServer } from '../../server/test/tandem-server.ts';
import type { CallersPlan } from './callers.ts';
import { Inspector } from './inspector.ts';
import { scenarioFor } from './script.ts';
import type { Utterance } from '../turns/script.ts';

export interface StackOptions {
  wire: 'sip' | 'twilio';
  database: 'embedded' | 'postgres';
  redis: boolean;
  script: readonly Utterance[];
  seed: number;
  /** Settings of the server besides. */
  env?: Record<string, string>;
}

/** A line of the provider's log; a request tells what was said last. */
export type ProviderLine = LoggedEvent & { asked?: string; said?: string };

export interface Stack {
  server: TandemServer;
  serverPid: number;
  providersPid: number;
  inspector: Inspector;
  /** Starts callers; `phase` hears each phase as it begins, and may be waited for. */
  callers(change: Partial<CallersPlan>, phase?: (name: string) => void): { pid: number; report: Promise<LoadReport>; stop(): void };
  /** Everything that the callers heard of the server so far. */
  metric(name: string): Promise<number>;
  pacer(): Promise<{ frames: number; late: number; skipped: number }>;
  /** Stops everything and answers the providers' log. */
  stop(): Promise<ProviderLine[]>;
}

const NUMBER = '+15550177';
const ACCOUNT = `AC${'0123456789abcdef'.repeat(2)}`;
const TOKEN = 'the-auth-token-of-this-bench';
const PER_SECOND = 10;
const READY_WITHIN_MS = 180_000;
const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

function spawnFile(file: string, plan: string): ChildProcess {
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', fileOf(file), plan], { stdio: ['ignore', 'pipe', 'inherit'] });
}

function linesOf(child: ChildProcess, take: (line: string) => void): void {
  if (child.stdout) createInterface({ input: child.stdout }).on('line', take);
}

const exitOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));

async function startProviderProcess(folder: string, options: StackOptions) {
  const plan = join(folder, 'providers.json');
  const log = join(folder, 'providers.log');
  await writeFile(plan, JSON.stringify({ log, scenario: scenarioFor(options.script, options.seed) }));
  const child = spawnFile('./provider-process.ts', plan);
  const exited = exitOf(child);
  const told = await new Promise<{ urls: Record<string, string>; key: string }>((resolve, reject) => {
    linesOf(child, (line) => resolve(JSON.parse(line) as { urls: Record<string, string>; key: string }));
    void exited.then((code) => reject(new Error(`the providers ended with ${code}`)));
  });
  const { urls, key } = told;
  return {
    pid: child.pid ?? 0,
    log,
    env: {
      DEEPGRAM_API_KEY: key,
      DEEPGRAM_BASE_URL: urls.deepgram,
      OPENAI_API_KEY: key,
      OPENAI_BASE_URL: `${urls.openai}/v1`,
      CARTESIA_API_KEY: key,
      CARTESIA_BASE_URL: urls.cartesia,
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}

async function readLog(file: string): Promise<ProviderLine[]> {
  const events: ProviderLine[] = [];
  for await (const line of createInterface({ input: createReadStream(file) }))
    if (line !== '') events.push(JSON.parse(line) as ProviderLine);
  return events;
}

async function furnish(server: TandemServer): Promise<void> {
  const { id } = await server.api<{ id: string }>('/api/v1/assistants', {
    method: 'POST',
    body: {
      name: 'bench',
      slug: 'bench',
      greeting: 'Hello, how may I help you?',
      instructions: 'You help callers to find their way.',
      transcriber: 'deepgram',
      languageModel: 'openai',
      synthesizer: 'cartesia',
      idleMs: 60_000,
    },
  });
  for (const address of ['bench', NUMBER]) await server.api('/api/v1/numbers', { method: 'POST', body: { address, assistantId: id } });
  // What was just written reaches the call thread with the next snapshot.
  await new Promise((resolve) => setTimeout(resolve, 3_000));
}

export async function startStack(options: StackOptions): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-calls-'));
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const stopAll = async () => {
    for (const end of ends.toReversed()) await end().catch((error: unknown) => console.error(error));
    ends.length = 0;
  };
  try {
    const providers = await startProviderProcess(folder, options);
    ends.push(() => providers.stop());
    const postgres = options.database === 'postgres' ? await startPostgres() : undefined;
    if (postgres) ends.push(() => postgres.stop());
    const redis = options.redis ? await startRedis() : undefined;
    if (redis) ends.push(() => redis.stop());
    const server = await startTandem({
      withinMs: READY_WITHIN_MS,
      env: {
        ...providers.env,
        TANDEM_MAX_CALLS: '5000',
        // Two ports a call; the callers' own are above.
        RTP_PORTS: '20000-31999',
        TWILIO_ACCOUNT_SID: ACCOUNT,
        TWILIO_AUTH_TOKEN: TOKEN,
        LOG_LEVEL: 'warn',
        NODE_OPTIONS: '--inspect=127.0.0.1:0',
        ...(postgres ? { DATABASE_URL: await postgres.createDatabase('calls') } : {}),
        ...(redis ? { REDIS_URL: redis.url } : {}),
        ...options.env,
      },
    });
    ends.push(() => server.stop());
    const inspector = await Inspector.open(server.output());
    ends.push(() => Promise.resolve(inspector.close()));
    await furnish(server);
    return stackOf(options, { folder, providers, server, inspector, stopAll });
  } catch (error) {
    await stopAll();
    throw error;
  }
}

interface Parts {
  folder: string;
  providers: Awaited<ReturnType<typeof startProviderProcess>>;
  server: TandemServer;
  inspector: Inspector;
  stopAll: () => Promise<void>;
}

function stackOf(options: StackOptions, { folder, providers, server, inspector, stopAll }: Parts): Stack {
  const metrics = async () =>
    await (
      await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_KEY}` }, signal: AbortSignal.timeout(10_000) })
    ).text();
  let runs = 0;
  return {
    server,
    serverPid: server.child.pid ?? 0,
    providersPid: providers.pid,
    inspector,
    callers(change, phase) {
      const plan: CallersPlan = {
        wire: options.wire,
        target: options.wire === 'twilio' ? NUMBER : `sip:bench@127.0.0.1:${server.sipPort}`,
        url: server.url,
        accountSid: ACCOUNT,
        authToken: TOKEN,
        calls: 1,
        perSecond: PER_SECOND,
        seconds: 60,
        warmUpSeconds: 5,
        seed: options.seed,
        out: join(folder, `report-${++runs}.json`),
        ...change,
      };
      const file = join(folder, `callers-${runs}.json`);
      let child: ChildProcess | undefined;
      const started = writeFile(file, JSON.stringify(plan)).then(() => {
        child = spawnFile('./callers.ts', file);
        linesOf(child, (line) => {
          const told = JSON.parse(line) as { phase?: string; progress?: string };
          if (told.phase !== undefined) phase?.(told.phase);
          if (told.progress !== undefined) console.log(`  ${told.progress}`);
        });
        return exitOf(child);
      });
      const report = started.then(async (code) => {
        if (code !== 0) throw new Error(`the callers ended with ${code}; the server said: ${server.output().slice(-4_000)}`);
        return JSON.parse(await readFile(plan.out, 'utf8')) as LoadReport;
      });
      return {
        get pid() {
          return child?.pid ?? 0;
        },
        report,
        stop: () => child?.kill('SIGTERM'),
      };
    },
    async metric(name) {
      const value = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(await metrics())?.[1];
      return Number(value ?? Number.NaN);
    },
    async pacer() {
      const text = await metrics();
      const count = (what: string) =>
        Number(new RegExp(`^tandem_pacer_count\\{.*"${what}".*\\} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
      return { frames: count('frames'), late: count('late'), skipped: count('skipped') };
    },
    async stop() {
      const said = server.output();
      for (const line of said.split('\n')) if (line.startsWith('{')) console.log(`  the server said: ${line.slice(0, 400)}`);
      // A process waits for its debugger before it ends.
      inspector.close();
      await server.stop();
      await providers.stop();
      const log = await readLog(providers.log);
      await stopAll();
      return log;
    },
  };
}
