/**
 * The line: concurrent SIP calls with sound both ways through the whole stack with scripted models (real voice activity,
 * jitter buffer, conversation, journal, recording, database). Callers are a process of their own, and all latency is
 * taken there.
 *
 *   npm run bench -- line [--calls 1,50,200] [--seconds 60] [--runs 3]
 *
 * Platform overhead (PO) = voice-to-voice - endpoint wait; the models answer with no delay and the transcriber sends its
 * own end-of-turn as soon as voice activity ends, so the endpoint wait is the voice hangover alone.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { startTandem, type TandemServer } from '../server/test/tandem-server.ts';
import { type Figure, mean, median, percentile, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '1,50,200' },
    seconds: { type: 'string', default: '60' },
    runs: { type: 'string', default: '3' },
  },
});
const levels = values.calls.split(',').map(Number);
const seconds = Number(values.seconds);
const runs = Number(values.runs);

/** Voice activity says that speech has ended after this much silence (conversation/speech-edges.ts). */
const HANGOVER_MS = 200;
const CALLERS = fileURLToPath(new URL('./load/sip-callers.ts', import.meta.url));
const TICKS_PER_SECOND = 100;

interface Heard {
  answered: number;
  failed: number;
  missed: number;
  turns: number[];
  setupMs: number[];
  packets: number;
  late: number;
  lost: number;
  cpuMs: number;
}

interface Run extends Heard {
  calls: number;
  serverCpuSeconds: number;
  machineCpuPct: number;
  rssPerCallMb: number;
  rssMb: number;
}

/** CPU time of a process and all its threads, and its resident memory. */
function usage(pid: number): { cpuSeconds: number; rssMb: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND, rssMb: Number(rss) / 1024 };
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

async function measure(calls: number): Promise<Run> {
  const server = await startTandem({
    env: {
      TANDEM_SCRIPTED: 'true',
      TANDEM_SCRIPTED_LINES: 'when are you open',
      TANDEM_SCRIPTED_ANSWER: 'We are open.',
      TANDEM_SCRIPTED_END_OF_TURN: 'true',
      TANDEM_MAX_CALLS: '2000',
      LOG_LEVEL: 'warn',
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
    const idle = usage(pid);
    const callers = startCallers(server, calls);
    await callers.up;
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    const before = usage(pid);
    const from = performance.now();
    await new Promise((resolve) => setTimeout(resolve, (seconds - 8) * 1000));
    const after = usage(pid);
    const elapsed = (performance.now() - from) / 1000;
    const heard = await callers.heard;
    const serverCpuSeconds = after.cpuSeconds - before.cpuSeconds;
    return {
      ...heard,
      calls,
      serverCpuSeconds,
      machineCpuPct: (serverCpuSeconds / elapsed / 2) * 100,
      rssPerCallMb: (after.rssMb - idle.rssMb) / calls,
      rssMb: after.rssMb,
    };
  } finally {
    await server.stop();
  }
}

function figuresOf(calls: number, all: Run[]): Figure[] {
  const po = all.flatMap(({ turns }) => turns).map((ms) => ms - HANGOVER_MS);
  const n = po.length;
  const packets = all.reduce((sum, run) => sum + run.packets, 0);
  const at = (name: string) => `${name}_${calls}`;
  const of = (read: (run: Run) => number) => median(all.map(read));
  return [
    { name: at('po_mean_ms'), value: mean(po), unit: 'ms', n, goal: 20 },
    { name: at('po_p50_ms'), value: median(po), unit: 'ms', n },
    { name: at('po_p95_ms'), value: percentile(po, 0.95), unit: 'ms', n, goal: 40 },
    { name: at('po_p99_ms'), value: percentile(po, 0.99), unit: 'ms', n, goal: 60 },
    { name: at('late_frames_pct'), value: (100 * all.reduce((sum, run) => sum + run.late, 0)) / packets, unit: '%', n: packets, goal: 0.1 },
    { name: at('lost_packets'), value: all.reduce((sum, run) => sum + run.lost, 0), unit: '', n: packets, goal: 0 },
    { name: at('cpu_machine_pct'), value: of((run) => run.machineCpuPct), unit: '%', n: all.length, goal: 30 },
    {
      name: at('cpu_us_per_call_frame'),
      value: of((run) => ((run.machineCpuPct / 100) * 2 * 1e6) / (run.calls * 50)),
      unit: 'us',
      n: all.length,
    },
    { name: at('rss_per_call_mb'), value: of((run) => run.rssPerCallMb), unit: 'MB', n: all.length, goal: 1 },
    { name: at('rss_mb'), value: of((run) => run.rssMb), unit: 'MB', n: all.length },
    {
      name: at('setup_p95_ms'),
      value: percentile(
        all.flatMap(({ setupMs }) => setupMs),
        0.95,
      ),
      unit: 'ms',
      n: all.reduce((sum, run) => sum + run.setupMs.length, 0),
    },
    {
      name: at('calls_failed'),
      value: all.reduce((sum, run) => sum + run.failed + (run.calls - run.answered), 0),
      unit: '',
      n: calls * all.length,
      goal: 0,
    },
    {
      name: at('turns_missed'),
      value: all.reduce((sum, run) => sum + run.missed, 0),
      unit: '',
      n: n + all.reduce((sum, run) => sum + run.missed, 0),
      goal: 0,
    },
  ];
}

const figures: Figure[] = [];
const samples: Record<string, unknown> = {};
for (const calls of levels) {
  const all: Run[] = [];
  for (let i = 0; i < runs; i++) {
    console.log(`${calls} calls, run ${i + 1} of ${runs} …`);
    all.push(await measure(calls));
  }
  figures.push(...figuresOf(calls, all));
  samples[`calls_${calls}`] = all;
}
publish(
  'line',
  {
    wire: 'SIP/RTP on loopback, PCMU, 20 ms',
    seconds,
    runs,
    endpoint_wait_ms: HANGOVER_MS,
    on: 'voice activity, jitter buffer, conversation, scripted models with zero delay, journal, recording, embedded database',
    callers: 'a process of its own on the same machine; its CPU is not counted',
  },
  figures,
  samples,
);
