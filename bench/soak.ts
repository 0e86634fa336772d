/**
 * Soak: calls of 20 to 120 s, one after the other, at half of what the machine holds. What a server keeps of a call that is
 * over would fill it in time: heap, RSS, descriptors and timers must stay flat.
 *
 *   npm run bench -- soak [--minutes 60] [--calls 500] [--wire sip|twilio] [--seed 1]
 *
 * Slopes are per hour, by least squares from a tenth of the time on. residue_per_call_bytes: heap of all threads after garbage
 * collection, without calls, at the end less at the beginning (after a first round of calls), by the calls between.
 */
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { kindsOf, longAnswer, scriptFor } from './calls/script.ts';
import { type Stack, startStack } from './calls/stack.ts';
import { processUsage } from './load/process-usage.ts';
import { type Figure, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    calls: { type: 'string', default: '500' },
    wire: { type: 'string', default: 'sip' },
    seed: { type: 'string', default: '1' },
  },
});
const minutes = Number(values.minutes);
const calls = Number(values.calls);
const SAMPLE_MS = 10_000;
const LENGTH_SECONDS: [number, number] = [20, 120];
/** The first round of calls: code is compiled, pools are full, the greeting is kept. */
const FIRST_SECONDS = 60;
const QUIET_MS = 20_000;
/** What counts as flat, per hour: noise of a heap that is collected now and then, of a database that gives memory back. */
const goals = {
  rss_slope_mb_per_hour: 20,
  heap_slope_mb_per_hour: 5,
  descriptors_slope_per_hour: 2,
  timers_left: 0,
  residue_per_call_bytes: 200,
};

interface Sample {
  atMs: number;
  rssMb: number;
  heapMb: number;
  descriptors: number;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Timers, sockets and other things that keep each thread's loop alive. */
async function resourcesOf({ inspector }: Stack): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name, send } of inspector.threads) {
    const { result } = await send<{ result: { value: Record<string, number> } }>('Runtime.evaluate', {
      expression: `process.getActiveResourcesInfo().reduce((all, one) => ({ ...all, [one]: (all[one] ?? 0) + 1 }), {})`,
      returnByValue: true,
    });
    for (const [what, count] of Object.entries(result.value)) counts[`${name} ${what}`] = (counts[`${name} ${what}`] ?? 0) + count;
  }
  return counts;
}

async function heapNow({ inspector }: Stack): Promise<number> {
  let bytes = 0;
  for (const { send } of inspector.threads) bytes += (await send<{ usedSize: number }>('Runtime.getHeapUsage')).usedSize;
  return bytes / 2 ** 20;
}

/** Per hour. */
function slope(samples: readonly Sample[], read: (sample: Sample) => number): number {
  const n = samples.length;
  const at = samples.map(({ atMs }) => atMs / 3_600_000);
  const value = samples.map(read);
  const mean = (list: readonly number[]) => list.reduce((sum, one) => sum + one, 0) / n;
  const [meanAt, meanValue] = [mean(at), mean(value)];
  const above = at.reduce((sum, x, i) => sum + (x - meanAt) * (value[i] - meanValue), 0);
  return above / at.reduce((sum, x) => sum + (x - meanAt) ** 2, 0);
}

async function quiet(stack: Stack): Promise<{ heapBytes: number; resources: Record<string, number> }> {
  await stack.server.until<{ items: unknown[] }, true>('/api/v1/calls?state=live', ({ items }) => items.length === 0, 60_000);
  await pause(QUIET_MS);
  const heaps = await stack.inspector.heapAfterGc();
  return { heapBytes: Object.values(heaps).reduce((sum, bytes) => sum + bytes, 0), resources: await resourcesOf(stack) };
}

const script = scriptFor(1_200);
const stack = await startStack({
  wire: values.wire === 'twilio' ? 'twilio' : 'sip',
  database: 'embedded',
  redis: false,
  script,
  seed: Number(values.seed),
});
const samples: Sample[] = [];
const talk = { kinds: kindsOf(script), answerMs: longAnswer(script).ms };
let figures: Figure[];
let told: unknown;
try {
  await stack.callers({ ...talk, calls, seconds: FIRST_SECONDS, lengthSeconds: [5, 20] }).report;
  const before = await quiet(stack);
  const startedAt = performance.now();
  const callers = stack.callers({ ...talk, calls, seconds: minutes * 60, lengthSeconds: LENGTH_SECONDS });
  const run = { over: false };
  void callers.report.finally(() => (run.over = true)).catch(() => {});
  while (!run.over) {
    samples.push({
      atMs: performance.now() - startedAt,
      rssMb: processUsage(stack.serverPid).rssMb,
      heapMb: await heapNow(stack),
      descriptors: readdirSync(`/proc/${stack.serverPid}/fd`).length,
    });
    await Promise.race([pause(SAMPLE_MS), callers.report.catch(() => {})]);
  }
  const report = await callers.report;
  const after = await quiet(stack);
  const warm = samples.filter(({ atMs }) => atMs > minutes * 6_000);
  const made = report.totals.answered;
  const left = Object.entries(after.resources)
    .map(([what, count]) => ({ what, more: count - (before.resources[what] ?? 0) }))
    .filter(({ more }) => more > 0);
  const n = warm.length;
  const of = (resources: Record<string, number>, kind: RegExp) =>
    Object.entries(resources).reduce((sum, [what, one]) => (kind.test(what) ? sum + one : sum), 0);
  const count = (counts: Record<string, number>) => Object.values(counts).reduce((sum, one) => sum + one, 0);
  figures = [
    { name: 'calls_made', value: made, unit: 'calls', n: made },
    {
      name: 'calls_failed',
      value: count(report.totals.failed) + count(report.totals.refused),
      unit: '',
      n: report.totals.offered,
      goal: 0,
    },
    { name: 'rss_slope_mb_per_hour', value: slope(warm, ({ rssMb }) => rssMb), unit: 'MB/h', n },
    { name: 'heap_slope_mb_per_hour', value: slope(warm, ({ heapMb }) => heapMb), unit: 'MB/h', n },
    { name: 'descriptors_slope_per_hour', value: slope(warm, ({ descriptors }) => descriptors), unit: '1/h', n },
    // Sockets of the providers' pools come and go: those are judged by the descriptors.
    { name: 'timers_left', value: of(after.resources, /Timeout|Immediate/) - of(before.resources, /Timeout|Immediate/), unit: '', n: 1 },
    { name: 'residue_per_call_bytes', value: (after.heapBytes - before.heapBytes) / made, unit: 'B', n: made },
    { name: 'heap_before_mb', value: before.heapBytes / 2 ** 20, unit: 'MB', n: 1 },
    { name: 'heap_after_mb', value: after.heapBytes / 2 ** 20, unit: 'MB', n: 1 },
    { name: 'late_frames_pct', value: report.frames.latePct, unit: '%', n: report.frames.judged, goal: 0.1 },
  ].map((figure) => ({ goal: goals[figure.name as keyof typeof goals], ...figure }));
  for (const { what, more } of left) console.log(`  left behind: ${more} x ${what}`);
  told = { before, after, samples, totals: report.totals, distributions: report.distributions };
} finally {
  await stack.stop();
}
publish(
  'soak',
  {
    minutes,
    calls,
    call_seconds: LENGTH_SECONDS,
    wire: values.wire,
    on: 'all that bench/calls.ts has on',
    judged: 'descriptors and heap with the calls in progress',
  },
  figures,
  { soak: told },
  Number(values.seed),
);
const missed = figures.filter(({ value, goal }) => goal !== undefined && value > goal);
console.log(missed.length === 0 ? '  PASS: flat' : `  FAIL: ${missed.map(({ name }) => name).join(', ')}`);
if (missed.length > 0) process.exitCode = 1;
