/** The rows of one system at one number of calls, and what Tandem's are of theirs. */
import type { Figure } from '../results.ts';
import type { Level } from './measure.ts';
import { systems } from './systems.ts';

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((total, count) => total + count, 0);
const pct = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : Number.NaN);

/** Of 20 ms of one call, what was there without calls taken away. */
export const cpuUsOf = ({ cores, calls }: Level): number => ((cores.busy - cores.idle) * 20_000) / calls;
export const pssPerCallMbOf = ({ memory, calls }: Level): number => (memory.busyPssMb - memory.idle.pssMb) / calls;
const rssPerCallMbOf = ({ memory, calls }: Level): number => (memory.busyRssMb - memory.idle.rssMb) / calls;

/** Slower than with the fewest calls by this much. */
const SLOWER_MS = 250;
const MOST_MISSED_PCT = 1;

/** Why these calls were not held; `least`: the same system with the fewest calls. */
export function breachOf({ report, calls }: Level, least: Level): string | undefined {
  const { totals, distributions } = report;
  const lost = sum(totals.failed) + sum(totals.refused);
  if (lost > 0) return `${lost} of ${calls} calls failed or were refused`;
  const missed = pct(totals.missed, totals.turns);
  if (!(missed <= MOST_MISSED_PCT)) return `${missed.toFixed(1)} % of turns without an answer within 8 s`;
  const { p95 } = distributions.v2vMs;
  const most = least.report.distributions.v2vMs.p95 + SLOWER_MS;
  return p95 <= most ? undefined : `voice to voice P95 ${Math.round(p95)} ms, more than ${Math.round(most)}`;
}

export function figuresOf(level: Level): Figure[] {
  const { system, calls, report, cores, memory, processes } = level;
  const { totals, distributions, frames, own } = report;
  const figures: Figure[] = [];
  const add = (name: string, value: number, unit: string, n = 1) => {
    if (n > 0 && Number.isFinite(value)) figures.push({ name: `${name}_${system}_${calls}`, value, unit, n });
  };
  add('cpu_us_per_call_frame', cpuUsOf(level), 'us');
  add('cpu_cores', cores.busy, 'cores');
  add('cpu_idle_cores', cores.idle, 'cores');
  add('pss_per_call_mb', pssPerCallMbOf(level), 'MB');
  add('rss_per_call_mb', rssPerCallMbOf(level), 'MB');
  add('pss_mb', memory.busyPssMb, 'MB');
  add('processes', processes, '');
  const { v2vMs, bstMs } = distributions;
  add('v2v_p50_ms', v2vMs.p50, 'ms', v2vMs.n);
  add('v2v_p95_ms', v2vMs.p95, 'ms', v2vMs.n);
  if (!systems.find(({ name }) => name === system)?.deafToInterruptions) {
    add('bst_p50_ms', bstMs.p50, 'ms', bstMs.n);
    add('bst_p95_ms', bstMs.p95, 'ms', bstMs.n);
    add('bst_never', totals.bargeInsNever, '', totals.bargeIns);
  }
  add('late_pct', frames.latePct, '%', frames.judged);
  add('turns_missed', totals.missed, '', totals.turns);
  add('calls_lost', sum(totals.failed) + sum(totals.refused), '', totals.offered);
  add('cpu_providers_cores', cores.providers, 'cores');
  add('callers_lag_p99_ms', own.lagMs.p99, 'ms');
  return figures;
}

/** How many times Tandem's share theirs is; above 1 Tandem takes less. */
export function ratiosOf(theirs: Level, tandem: Level): Figure[] {
  const ratios: [name: string, value: number][] = [
    ['cpu_ratio', cpuUsOf(theirs) / cpuUsOf(tandem)],
    ['pss_ratio', pssPerCallMbOf(theirs) / pssPerCallMbOf(tandem)],
    ['v2v_p50_ratio', theirs.report.distributions.v2vMs.p50 / tandem.report.distributions.v2vMs.p50],
  ];
  return (
    ratios
      // Memory that a system gave back since it was idle makes no ratio.
      .filter(([, value]) => Number.isFinite(value) && value > 0)
      .map(([name, value]) => ({ name: `${name}_${theirs.system}_to_${tandem.system}_${theirs.calls}`, value, unit: 'x', n: 1 }))
  );
}
