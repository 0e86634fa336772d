/** One system with so many calls: what its callers report, and what it cost, beside the providers and the callers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LoadReport } from '../../server/src/simulate/load/summary.ts';
import type { UtteranceKind } from '../../server/src/simulate/load/talk.ts';
import type { CallersPlan } from '../calls/callers.ts';
import { longAnswer, scenarioFor } from '../calls/script.ts';
import { processUsage } from '../load/process-usage.ts';
import { median } from '../results.ts';
import { scriptOf, type Utterance } from '../turns/script.ts';
import { type TreeUsage, treeUsage } from './process-tree.ts';
import { carrier, type Running, type System } from './systems.ts';

export interface LevelOptions {
  calls: number;
  seconds: number;
  seed: number;
}

export interface Level {
  system: string;
  calls: number;
  report: LoadReport;
  /** Cores: without calls, and with them. */
  cores: { idle: number; busy: number; providers: number };
  memory: { idle: TreeUsage; busyRssMb: number; busyPssMb: number };
  processes: number;
}

const WARM_UP_CALLS = 10;
const WARM_UP_SECONDS = 10;
const IDLE_MS = 4_000;
const SAMPLE_MS = 4_000;
/** Slow enough for those that start a process for a call. */
const PER_SECOND = 4;
/** Only what all of them answer alike: pauses and backchannels are told apart by what a system hears, not by what it costs. */
const KINDS: ReadonlySet<UtteranceKind> = new Set<UtteranceKind>(['ordinary', 'long', 'barge-in']);

/** More than anybody says in the time. */
const script: Utterance[] = scriptOf(600).filter(({ kind }) => kind !== 'approved' && KINDS.has(kind));
const kinds = script.map(({ kind }) => kind as UtteranceKind);

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

function spawnBench(file: string, plan: string): ChildProcess {
  const program = fileURLToPath(new URL(file, import.meta.url));
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, plan], { stdio: ['ignore', 'pipe', 'inherit'] });
}

const exitOf = (child: ChildProcess) => new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));

function linesOf(child: ChildProcess, take: (line: string) => void): void {
  if (child.stdout) createInterface({ input: child.stdout }).on('line', take);
}

/** The providers of `npm run providers` in a process of their own. */
async function startProviders(folder: string, seed: number) {
  const plan = join(folder, 'providers.json');
  await writeFile(plan, JSON.stringify({ log: join(folder, 'providers.log'), scenario: scenarioFor(script, seed) }));
  const child = spawnBench('../calls/provider-process.ts', plan);
  const exited = exitOf(child);
  const { urls, key } = await new Promise<{ urls: Record<string, string>; key: string }>((resolve, reject) => {
    linesOf(child, (line) => resolve(JSON.parse(line) as { urls: Record<string, string>; key: string }));
    void exited.then((code) => reject(new Error(`the providers ended with ${code}`)));
  });
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

/** Callers in a process of their own; `phase` hears each phase as it begins. */
async function callersOf(
  { url }: Running,
  folder: string,
  change: Pick<CallersPlan, 'calls' | 'seconds' | 'warmUpSeconds' | 'seed'>,
  phase: (name: string) => void,
): Promise<LoadReport> {
  const plan: CallersPlan = {
    wire: 'twilio',
    target: carrier.number,
    url,
    accountSid: carrier.accountSid,
    authToken: carrier.authToken,
    perSecond: PER_SECOND,
    kinds,
    answerMs: longAnswer(script).ms,
    out: join(folder, 'report.json'),
    ...change,
  };
  const file = join(folder, 'callers.json');
  await writeFile(file, JSON.stringify(plan));
  const child = spawnBench('../calls/callers.ts', file);
  linesOf(child, (line) => {
    const told = JSON.parse(line) as { phase?: string };
    if (told.phase !== undefined) phase(told.phase);
  });
  const code = await exitOf(child);
  if (code !== 0) throw new Error(`the callers ended with ${code}`);
  return JSON.parse(await readFile(plan.out, 'utf8')) as LoadReport;
}

export async function measureSystem(system: System, options: LevelOptions): Promise<Level> {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-rivals-'));
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const providers = await startProviders(folder, options.seed);
    ends.push(() => providers.stop());
    const running = await system.start(providers.env);
    ends.push(() => running.stop());
    return await measure(system, options, { folder, providersPid: providers.pid, running });
  } finally {
    for (const end of ends.toReversed()) await end().catch((error: unknown) => console.error(error));
  }
}

interface Parts {
  folder: string;
  providersPid: number;
  running: Running;
}

async function measure({ name }: System, { calls, seconds, seed }: LevelOptions, { folder, providersPid, running }: Parts): Promise<Level> {
  const warmUp = { calls: Math.min(calls, WARM_UP_CALLS), seconds: WARM_UP_SECONDS, warmUpSeconds: 1, seed };
  await callersOf(running, folder, warmUp, () => {});
  await pause(3_000);
  const idleFrom = { at: performance.now(), cpu: treeUsage(running.pid, false).cpuSeconds };
  await pause(IDLE_MS);
  const idle = treeUsage(running.pid, true);
  const idleCores = ((idle.cpuSeconds - idleFrom.cpu) * 1_000) / (performance.now() - idleFrom.at);

  const measuring = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const report = callersOf(running, folder, { calls, seconds, warmUpSeconds: Math.min(10, seconds / 3), seed }, (phase) => {
    if (phase === 'measuring') measuring.resolve();
    if (phase === 'hanging-up') over.resolve();
  });
  await Promise.race([measuring.promise, report]);
  const read = () => ({
    at: performance.now(),
    tree: treeUsage(running.pid, false),
    providers: processUsage(providersPid).cpuSeconds,
  });
  // All calls are up, and nothing is measured yet: reading it takes time.
  const { pssMb } = treeUsage(running.pid, true);
  const before = read();
  let after = before;
  const rss: number[] = [];
  const run = { over: false };
  void over.promise.then(() => (run.over = true));
  while (!run.over) {
    await Promise.race([pause(SAMPLE_MS), over.promise]);
    if (run.over) break;
    after = read();
    rss.push(after.tree.rssMb);
  }
  const told = await report;
  const elapsed = (after.at - before.at) / 1_000;
  return {
    system: name,
    calls,
    report: told,
    cores: {
      idle: idleCores,
      busy: (after.tree.cpuSeconds - before.tree.cpuSeconds) / elapsed,
      providers: (after.providers - before.providers) / elapsed,
    },
    memory: { idle, busyRssMb: median(rss), busyPssMb: pssMb },
    processes: after.tree.processes,
  };
}
