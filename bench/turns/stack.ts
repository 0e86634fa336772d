/** One run: providers, Tandem and callers, each a process of its own, and what each of them tells afterwards. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Call, CallEvent, CallTurn, Page } from '@tandem/contract';
import type { ProviderEvent } from '../../providers/scenario.ts';
import { startTandem, type TandemServer } from '../../server/test/tandem-server.ts';
import { processUsage } from '../load/process-usage.ts';
import { numberOf, type Observation } from './observation.ts';
import {
  APPROVED_ANSWER,
  APPROVED_QUESTION,
  type Delay,
  fastStack,
  GREETING,
  LONG_TAIL,
  scenarioOf,
  scriptOf,
  type Utterance,
} from './script.ts';

/** What is switched on. Clause by clause is always. */
export interface Condition {
  name: string;
  speculation: 'off' | 'words' | 'speech';
  hedging: boolean;
  fillers: boolean;
  /** The language model's first token has a long tail. */
  tail: boolean;
}

export interface RunOptions {
  condition: Condition;
  calls: number;
  turnsPerCall: number;
  seed: number;
  /** The listening model; Flux ends turns itself, with nova-3 Tandem does. */
  listener: string;
  languageModel: string;
}

/** A call as Tandem tells it. */
export interface ToldCall {
  line: number;
  turns: CallTurn[];
  events: CallEvent[];
}

export interface Cost {
  server: number;
  providers: number;
  callers: number;
  /** Wall time over which it was spent. */
  seconds: number;
  serverRssMb: number;
}

export interface Run {
  options: RunOptions;
  script: Utterance[];
  observation: Observation;
  told: ToldCall[];
  log: ProviderEvent[];
  cost: Cost;
}

const fileOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const CALLS_PER_SECOND = 20;
const ENDED_WITHIN_MS = 30_000;

/** Names the caller in the prompt, so that a request can be told from those of other calls. */
export const lineKey = (line: number): string => `The line of this call is ${numberOf(line)}.`;

/** Its plan goes by file: a long script is more than an argument may hold. */
async function launch(file: string, planFile: string, plan: object): Promise<ChildProcess> {
  await writeFile(planFile, JSON.stringify(plan));
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', fileOf(file), planFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

const exitOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));

interface ProviderProcess {
  pid: number;
  env: Record<string, string>;
  stop(): Promise<void>;
}

async function startProviderProcess(folder: string, log: string, scenario: object): Promise<ProviderProcess> {
  const child = await launch('./provider-process.ts', join(folder, 'providers.json'), { log, scenario });
  const exited = exitOf(child);
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text);
    });
    child.once('exit', (code) => reject(new Error(`the providers ended with ${code}`)));
  });
  const { urls, key } = JSON.parse(line) as { urls: Record<string, string>; key: string };
  return {
    pid: child.pid ?? 0,
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

async function furnish(server: TandemServer, { calls, condition, languageModel }: RunOptions): Promise<void> {
  const { speculation, hedging, fillers } = condition;
  await server.api('/api/v1/questions', { method: 'POST', body: { phrasings: [APPROVED_QUESTION], answer: APPROVED_ANSWER } });
  // One more, for the call that comes before.
  for (let line = 0; line <= calls; line++) {
    const { id } = await server.api<{ id: string }>('/api/v1/assistants', {
      method: 'POST',
      body: {
        name: numberOf(line),
        slug: numberOf(line),
        greeting: GREETING,
        instructions: `You help callers to find their way. ${lineKey(line)}`,
        transcriber: 'deepgram',
        languageModel,
        synthesizer: 'cartesia',
        idleMs: 60_000,
        builtInTools: [],
        turnTaking: { speculation, hedging, fillers },
      },
    });
    await server.api('/api/v1/numbers', { method: 'POST', body: { address: numberOf(line), assistantId: id } });
  }
}

/** `answered` of them were taken, and so was the first call, whose line is `calls`. */
async function readTold(server: TandemServer, calls: number, answered: number): Promise<ToldCall[]> {
  const list = await server.until<Page<Call>, Call[]>(
    '/api/v1/calls?state=ended&limit=200',
    ({ items }) => items.length > answered && items,
    ENDED_WITHIN_MS,
  );
  const told: ToldCall[] = [];
  for (const { id, to } of list) {
    const line = Number(/(\d+)$/.exec(to)?.[1] ?? Number.NaN);
    if (line === calls) continue;
    const { items: turns } = await server.api<{ items: CallTurn[] }>(`/api/v1/calls/${id}/turns`);
    const events: CallEvent[] = [];
    for (let after: number | undefined = -1; after !== undefined; ) {
      const page: { items: CallEvent[]; nextAfter?: number } = await server.api(
        `/api/v1/calls/${id}/events?limit=500${after < 0 ? '' : `&after=${after}`}`,
      );
      events.push(...page.items);
      after = page.nextAfter;
    }
    told.push({ line, turns, events });
  }
  return told;
}

/** Stacks side by side, each with callers of its own: turns of one call at a time without waiting for hours. */
export async function runStacks(options: RunOptions, stacks: number): Promise<Run[]> {
  // One server starts at a time: that is what takes the machine, not the calls.
  let before: Promise<unknown> = Promise.resolve();
  const inTurn = (start: () => Promise<TandemServer>): Promise<TandemServer> => {
    const started = before.then(start);
    before = started.catch(() => {});
    return started;
  };
  return await Promise.all(Array.from({ length: stacks }, (_, i) => runTurns({ ...options, seed: options.seed + 1_000 * i }, inTurn)));
}

/** What a stack cost on average. */
export function meanCost(runs: readonly Run[]): Cost {
  const mean = (read: (cost: Cost) => number): number => runs.reduce((sum, { cost }) => sum + read(cost), 0) / runs.length;
  return {
    server: mean(({ server }) => server),
    providers: mean(({ providers }) => providers),
    callers: mean(({ callers }) => callers),
    seconds: mean(({ seconds }) => seconds),
    serverRssMb: mean(({ serverRssMb }) => serverRssMb),
  };
}

/** Starts everything, lets the callers talk, and stops everything. At most 199 calls. */
export async function runTurns(
  options: RunOptions,
  start: (make: () => Promise<TandemServer>) => Promise<TandemServer> = (make) => make(),
): Promise<Run> {
  const { calls, turnsPerCall, seed, condition, listener } = options;
  const script = scriptOf(turnsPerCall);
  const folder = await mkdtemp(join(tmpdir(), 'tandem-turns-'));
  const firstToken: Delay = condition.tail ? LONG_TAIL : fastStack['first-token'];
  const logFile = join(folder, 'providers.log');
  const providers = await startProviderProcess(folder, logFile, scenarioOf(script, firstToken, seed));
  try {
    const env = { ...providers.env, TANDEM_DEEPGRAM_MODEL: listener, TANDEM_MAX_CALLS: '2000', LOG_LEVEL: 'warn' };
    const server = await start(() => startTandem({ env }));
    try {
      await furnish(server, options);
      // What was just written reaches the call thread with the next snapshot.
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      const talk = async (change: object, out: string): Promise<void> => {
        const plan = { server: `127.0.0.1:${server.sipPort}`, firstLine: 0, calls, perSecond: CALLS_PER_SECOND, seed, script, out };
        const code = await exitOf(await launch('./callers.ts', join(folder, 'callers.json'), { ...plan, ...change }));
        if (code !== 0) throw new Error(`the callers ended with ${code}; the server said: ${server.output().slice(-4_000)}`);
      };
      // The approved answer's speech is kept from the first call on.
      await talk({ firstLine: calls, calls: 1, script: script.slice(0, 1) }, join(folder, 'first-call.json'));
      const pids = { server: server.child.pid ?? 0, providers: providers.pid };
      const out = join(folder, 'observation.json');
      const before = { server: processUsage(pids.server), providers: processUsage(pids.providers), at: performance.now() };
      await talk({}, out);
      const after = { server: processUsage(pids.server), providers: processUsage(pids.providers), at: performance.now() };
      const observation = JSON.parse(await readFile(out, 'utf8')) as Observation;
      const answered = observation.calls.filter(({ answeredAt }) => answeredAt !== undefined).length;
      const told = await readTold(server, calls, answered);
      for (const line of server.output().split('\n')) if (line.startsWith('{')) console.log(`  the server said: ${line.slice(0, 400)}`);
      await server.stop();
      await providers.stop();
      const log = (await readFile(logFile, 'utf8'))
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as ProviderEvent);
      const cost: Cost = {
        server: after.server.cpuSeconds - before.server.cpuSeconds,
        providers: after.providers.cpuSeconds - before.providers.cpuSeconds,
        callers: observation.cpuMs / 1000,
        seconds: (after.at - before.at) / 1000,
        serverRssMb: after.server.rssMb,
      };
      return { options, script, observation, told, log, cost };
    } finally {
      await server.stop();
    }
  } finally {
    await providers.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
