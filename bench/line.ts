/**
 * The line: concurrent SIP calls with sound both ways through the whole stack with scripted models (real voice activity,
 * jitter buffer, conversation, journal, recording, database). Callers are a process of their own, and all latency is
 * taken there.
 *
 *   npm run bench -- line [--calls 1,50,200] [--seconds 60] [--runs 3] [--database postgres]
 *
 * Platform overhead (PO) = voice-to-voice - endpoint wait; the models answer with no delay and the transcriber sends its
 * own end-of-turn as soon as voice activity ends, so the endpoint wait is the voice hangover alone. The callers' own
 * lateness is in PO, because nobody can tell it apart there; it is not in the late frames (bench/load/lateness.ts).
 */
import { spawn } from 'node:child_process';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../server/test/postgres-server.ts';
import { ADMIN_KEY, startTandem, type TandemServer } from '../server/test/tandem-server.ts';
import { processUsage } from './load/process-usage.ts';
import { type Figure, mean, median, percentile, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '1,50,200' },
    seconds: { type: 'string', default: '60' },
    runs: { type: 'string', default: '3' },
    database: { type: 'string', default: 'embedded' },
  },
});
const levels = values.calls.split(',').map(Number);
const seconds = Number(values.seconds);
const runs = Number(values.runs);
const postgres = values.database === 'postgres' ? await startPostgres() : undefined;

/** Voice activity says that speech has ended after this much silence (conversation/speech-edges.ts). */
const HANGOVER_MS = 200;
const CALLERS = fileURLToPath(new URL('./load/sip-callers.ts', import.meta.url));

interface Heard {
  answered: number;
  failed: number;
  missed: number;
  turns: number[];
  setupMs: number[];
  packets: number;
  /** Packets that arrived while the callers' process was on time, and those of them that were late. */
  judged: number;
  late: number;
  lost: number;
  cpuMs: number;
}

interface Run extends Heard {
  calls: number;
  serverCpuSeconds: number;
  machineCpuPct: number;
  rssMb: number;
  /** The paced loop's own counters over the run: frames, those more than 5 ms late, those skipped. */
  pacer: { frames: number; late: number; skipped: number };
}

async function pacerOf(server: TandemServer): Promise<Run['pacer']> {
  const response = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  const text = await response.text();
  const count = (name: string) => Number(new RegExp(`^tandem_pacer_count\\{.*"${name}".*\\} (\\S+)`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { frames: count('frames'), late: count('late'), skipped: count('skipped') };
}

function startCallers(server: TandemServer, calls: number): { up: Promise<void>; heard: Promise<Heard> } {
  const plan = JSON.stringify({ server: `127.0.0.1:${server.sipPort}`, user: 'bench', calls, seconds, perSecond: 20 });
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CALLERS, plan], { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  const up = new Promise<void>((resolve) => {
    child.stderr.on('data', (chunk: Buffer) => {
      complaints += chunk.toString();
      if (complaints.includes('up\n')) resolve();
    });
    child.once('exit', () => resolve());
  });
  const heard = new Promise<Heard>((resolve, reject) => {
    child.once('exit', (code) => (code === 0 ? resolve(JSON.parse(out) as Heard) : reject(new Error(`the callers failed: ${complaints}`))));
  });
  return { up, heard };
}

async function measure(calls: number, run: number): Promise<Run> {
  const server = await startTandem({
    env: {
      TANDEM_SCRIPTED: 'true',
      TANDEM_SCRIPTED_LINES: 'are you open today too',
      TANDEM_SCRIPTED_ANSWER: 'We are open.',
      TANDEM_SCRIPTED_END_OF_TURN: 'true',
      TANDEM_MAX_CALLS: '2000',
      LOG_LEVEL: 'warn',
      ...(postgres ? { DATABASE_URL: await postgres.createDatabase(`line_${calls}_${run}`) } : {}),
    },
  });
  try {
    const assistant = await server.api<{ id: string }>('/api/v1/assistants', {
      method: 'POST',
      body: {
        name: 'Bench',
        slug: 'bench',
        greeting: 'Hello.',
        transcriber: 'scripted',
        languageModel: 'scripted',
        synthesizer: 'scripted',
        idleMs: 60_000,
      },
    });
    await server.api('/api/v1/numbers', { method: 'POST', body: { address: 'bench', assistantId: assistant.id } });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const pid = server.child.pid ?? 0;
    const callers = startCallers(server, calls);
    await callers.up;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const before = processUsage(pid);
    const paced = await pacerOf(server);
    const from = performance.now();
    await new Promise((resolve) => setTimeout(resolve, (seconds - 8) * 1000));
    const after = processUsage(pid);
    const elapsed = (performance.now() - from) / 1000;
    const { frames, late, skipped } = await pacerOf(server);
    const heard = await callers.heard;
    const serverCpuSeconds = after.cpuSeconds - before.cpuSeconds;
    return {
      ...heard,
      calls,
      serverCpuSeconds,
      machineCpuPct: (serverCpuSeconds / elapsed / 2) * 100,
      rssMb: after.rssMb,
      pacer: { frames: frames - paced.frames, late: late - paced.late, skipped: skipped - paced.skipped },
    };
  } finally {
    await server.stop();
  }
}

function figuresOf(calls: number, all: Run[]): Figure[] {
  const po = all.flatMap(({ turns }) => turns).map((ms) => ms - HANGOVER_MS);
  const n = po.length;
  const sum = (read: (run: Run) => number) => all.reduce((total, run) => total + read(run), 0);
  const packets = sum((run) => run.packets);
  const judged = sum((run) => run.judged);
  const paced = sum(({ pacer }) => pacer.frames);
  const at = (name: string) => `${name}_${calls}`;
  const of = (read: (run: Run) => number) => median(all.map(read));
  return [
    { name: at('po_mean_ms'), value: mean(po), unit: 'ms', n, goal: 20 },
    { name: at('po_p50_ms'), value: median(po), unit: 'ms', n },
    { name: at('po_p95_ms'), value: percentile(po, 0.95), unit: 'ms', n, goal: 40 },
    { name: at('po_p99_ms'), value: percentile(po, 0.99), unit: 'ms', n, goal: 60 },
    { name: at('late_frames_pct'), value: (100 * sum(({ late }) => late)) / judged, unit: '%', n: judged, goal: 0.1 },
    { name: at('late_frames_server_pct'), value: (100 * sum(({ pacer }) => pacer.late)) / paced, unit: '%', n: paced, goal: 0.1 },
    { name: at('skipped_frames_server'), value: sum(({ pacer }) => pacer.skipped), unit: '', n: paced, goal: 0 },
    { name: at('lost_packets'), value: sum(({ lost }) => lost), unit: '', n: packets, goal: 0 },
    { name: at('cpu_machine_pct'), value: of((run) => run.machineCpuPct), unit: '%', n: all.length, goal: 30 },
    {
      name: at('cpu_us_per_call_frame'),
      value: of((run) => ((run.machineCpuPct / 100) * 2 * 1e6) / (run.calls * 50)),
      unit: 'us',
      n: all.length,
    },
    { name: at('rss_mb'), value: of((run) => run.rssMb), unit: 'MB', n: all.length },
    {
      name: at('setup_p95_ms'),
      value: percentile(
        all.flatMap(({ setupMs }) => setupMs),
        0.95,
      ),
      unit: 'ms',
      n: sum(({ setupMs }) => setupMs.length),
    },
    {
      name: at('calls_failed'),
      value: sum(({ failed, answered }) => failed + calls - answered),
      unit: '',
      n: calls * all.length,
      goal: 0,
    },
    {
      name: at('turns_missed'),
      value: sum(({ missed }) => missed),
      unit: '',
      n: n + sum(({ missed }) => missed),
      goal: 0,
    },
  ];
}

/**
 * Memory per call: the slope from the fewest calls to the most. Against an idle server it would be wrong, because the
 * embedded database gives memory back while it runs.
 */
function memoryFigure(byLevel: ReadonlyMap<number, Run[]>): Figure[] {
  const [fewest, most] = [Math.min(...levels), Math.max(...levels)];
  const rss = (calls: number) => median((byLevel.get(calls) ?? []).map(({ rssMb }) => rssMb));
  if (fewest === most) return [];
  return [{ name: 'rss_per_call_mb', value: (rss(most) - rss(fewest)) / (most - fewest), unit: 'MB', n: runs, goal: 1 }];
}

const figures: Figure[] = [];
const byLevel = new Map<number, Run[]>();
for (const calls of levels) {
  const all: Run[] = [];
  for (let run = 1; run <= runs; run++) {
    console.log(`${calls} calls, run ${run} of ${runs} …`);
    all.push(await measure(calls, run));
  }
  byLevel.set(calls, all);
  figures.push(...figuresOf(calls, all));
}
// The names that stay are those of the highest level.
const most = `_${Math.max(...levels)}`;
figures.unshift(
  ...figures.filter(({ name }) => name.endsWith(most)).map((figure) => ({ ...figure, name: figure.name.slice(0, -most.length) })),
);
figures.push(...memoryFigure(byLevel));
await postgres?.stop();
publish(
  'line',
  {
    wire: 'SIP/RTP on loopback, PCMU, 20 ms',
    seconds,
    runs,
    endpoint_wait_ms: HANGOVER_MS,
    on: `voice activity, jitter buffer, conversation, scripted models with zero delay, journal, recording, ${values.database} database`,
    callers: 'a process of its own on the same machine; its CPU is not counted',
  },
  figures,
  Object.fromEntries([...byLevel].map(([calls, all]) => [`calls_${calls}`, all])),
);
