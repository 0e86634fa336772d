/** The rows of the measures page's first table, and what stands behind them. */
import type { Figure } from '../results.ts';
import { bootstrap95, mean, percentile } from '../results.ts';
import { cpus } from 'node:os';
import type { Level } from './measure.ts';

/** Ours; and those of the founding document, for the table. */
export const goals: Record<string, number> = {
  po_mean_ms: 20,
  po_p95_ms: 40,
  po_p99_ms: 60,
  cpu_machine_pct: 30,
  rss_per_call_mb: 1,
  late_frames_pct: 0.1,
  v2v_p50_ms: 500,
  v2v_p95_ms: 900,
  bst_p50_ms: 300,
  bst_p95_ms: 350,
  fcr_pct: 3,
  fir_pct: 5,
  heard_text_pct: 99,
  dead_air_count: 0,
  turns_missed: 0,
  calls_failed: 0,
  calls_refused: 0,
  skipped_frames_server: 0,
  lost_packets: 0,
};
export const founding: Record<string, number> = {
  po_mean_ms: 120,
  po_p95_ms: 180,
  po_p99_ms: 250,
  cpu_machine_pct: 35,
  rss_per_call_mb: 6,
  calls_held: 500,
};

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((total, count) => total + count, 0);
const pct = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : Number.NaN);
const plainName = (text: string): string =>
  text
    .toLowerCase()
    .replace(/\.ts$/, '')
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^_|_$/g, '');

/** A level is held while frames are in time, the platform keeps its share, and nobody is turned away. */
export function breachOf({ report, turnsOverhead, pacer, calls }: Level): string | undefined {
  const po = percentile(
    turnsOverhead.map(({ poMs }) => poMs),
    0.95,
  );
  const late = Math.max(report.frames.latePct, pct(pacer.late, pacer.frames));
  if (late > goals.late_frames_pct) return `${late.toFixed(3)} % of frames late`;
  if (!(po <= goals.po_p95_ms)) return `platform overhead P95 ${po.toFixed(1)} ms`;
  const turnedAway = sum(report.totals.failed) + sum(report.totals.refused);
  return turnedAway > 0 ? `${turnedAway} of ${calls} calls failed or were refused` : undefined;
}

/** `suffix` names the level; the names that stay have none. */
export function figuresOf(level: Level, suffix: string): Figure[] {
  const { report, cores, rssMb, pacer, seconds, live, gc, heardText, overhead } = level;
  const { totals, distributions, frames, own } = report;
  const figures: Figure[] = [];
  const add = (name: string, value: number, unit: string, n: number, ci95?: [number, number]) => {
    if (n > 0 && Number.isFinite(value))
      figures.push({ name: `${name}${suffix}`, value, unit, n, goal: goals[name], ...(ci95 && { ci95 }) });
  };
  const po = level.turnsOverhead.map(({ poMs }) => poMs);
  add('po_mean_ms', mean(po), 'ms', po.length);
  for (const share of [0.5, 0.95, 0.99])
    add(`po_p${share * 100}_ms`, percentile(po, share), 'ms', po.length, share < 0.99 ? bootstrap95(po, share) : undefined);
  const machine = cpus().length;
  add('cpu_machine_pct', (100 * cores.server) / machine, '%', 1);
  add('rss_per_call_mb', (rssMb.busy - rssMb.idle) / live, 'MB', 1);
  add('calls_live', live, '', 1);
  add('late_frames_pct', frames.latePct, '%', frames.judged);
  add('late_frames_server_pct', pct(pacer.late, pacer.frames), '%', pacer.frames);
  add('skipped_frames_server', pacer.skipped, '', pacer.frames);
  add('lost_packets', frames.lost, '', frames.frames);
  for (const [name, { n, p50, p95, p99 }] of [
    ['v2v', distributions.v2vMs],
    ['bst', distributions.bstMs],
    ['setup', distributions.setupMs],
    ['greeting', distributions.greetingMs],
    ['line', overhead.lineMs],
    ['endpoint', overhead.endpointMs],
    ['provider_late', overhead.providerLateMs],
  ] as const) {
    add(`${name}_p50_ms`, p50, 'ms', n);
    add(`${name}_p95_ms`, p95, 'ms', n);
    add(`${name}_p99_ms`, p99, 'ms', n);
  }
  add('bst_never', totals.bargeInsNever, '', totals.bargeIns);
  add('fcr_pct', pct(totals.cutOffs, totals.pauses), '%', totals.pauses);
  add('fir_pct', pct(totals.harmlessFailed, totals.harmless), '%', totals.harmless);
  add('fir_paused_pct', pct(totals.harmlessPaused, totals.harmless), '%', totals.harmless);
  add('heard_text_pct', pct(heardText.faithful, heardText.judged), '%', heardText.judged);
  add('dead_air_count', totals.deadAir, '', totals.turns);
  add('turns_missed', totals.missed, '', totals.turns);
  add('turns_left_out', totals.leftOut, '', totals.turns + totals.bargeIns);
  add('calls_failed', sum(totals.failed), '', totals.offered);
  add('calls_refused', sum(totals.refused), '', totals.offered);
  add('cpu_server_cores', cores.server, 'cores', 1);
  add('cpu_callers_cores', cores.callers, 'cores', 1);
  add('cpu_providers_cores', cores.providers, 'cores', 1);
  add('cpu_us_per_call_frame', (cores.server * 20_000) / live, 'us', 1);
  for (const [name, taken] of cores.threads) add(`cpu_thread_${plainName(name)}_cores`, taken, 'cores', 1);
  for (const { stage, share } of level.stages) add(`us_per_frame_${plainName(stage)}`, share * level.callThreadUs, 'us', 1);
  add('rss_idle_mb', rssMb.idle, 'MB', 1);
  add('rss_busy_mb', rssMb.busy, 'MB', 1);
  for (const [name, { ms, times, longestMs }] of Object.entries(gc)) {
    add(`gc_${plainName(name)}_pct`, (100 * ms) / (seconds * 1_000), '%', times);
    add(`gc_${plainName(name)}_longest_ms`, longestMs, 'ms', times);
  }
  add('loop_delay_call_thread_p99_ms', Math.max(...level.loopDelayP99Ms), 'ms', level.loopDelayP99Ms.length);
  add('callers_lag_p99_ms', own.lagMs.p99, 'ms', 1);
  return figures;
}
