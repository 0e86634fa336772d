/** What a load run came to: one object for JSON, a page of text for people, a line a second while it runs. */
import type { LoadGenerator } from './generator.ts';
import type { Percentiles } from './histogram.ts';
import type { LoadPlan } from './plan.ts';
import type { OverheadFigures } from './provider-log.ts';
import type { BargeInSample, CallSummary, Distributions, Totals, TurnSample } from './tally.ts';
import type { LineCounts } from './wire.ts';

export interface LoadReport {
  wire: string;
  calls: number;
  seed: number;
  measuredMs: number;
  totals: Totals;
  distributions: Distributions;
  frames: LineCounts & { latePct: number };
  /** With a provider's log only. */
  overhead?: OverheadFigures;
  /** The generator's own cost (percent of one core) and lateness; samples taken while it was late are left out above. */
  own: { cpuPct: number; lagMs: { p50: number; p99: number; max: number }; stepsSkipped: number };
  perCall: CallSummary[];
  turns: TurnSample[];
  bargeIns: BargeInSample[];
}

const percent = (part: number, whole: number): number => (whole > 0 ? (100 * part) / whole : 0);

export function reportOf(plan: LoadPlan, generator: LoadGenerator): LoadReport {
  const { tally } = generator;
  return {
    wire: plan.wire,
    calls: plan.calls,
    seed: plan.seed,
    measuredMs: generator.measuredMs,
    totals: tally.totals,
    distributions: tally.distributions(),
    frames: { ...tally.frames, latePct: percent(tally.frames.late, tally.frames.judged) },
    own: generator.own(),
    perCall: tally.calls,
    turns: tally.turns,
    bargeIns: tally.bargeIns,
  };
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((total, count) => total + count, 0);
const ms = (value: number): string => (Number.isFinite(value) ? `${Math.round(value)}` : '-');
const fine = (value: number): string => (Number.isFinite(value) ? value.toFixed(value < 10 ? 1 : 0) : '-');

/** A line a second. */
export function progressLine(generator: LoadGenerator): string {
  const { totals, frames } = generator.tally;
  const { v2vMs } = generator.tally.distributions();
  const { cpuPct, lagMs } = generator.own();
  const parts = [
    `${Math.round(generator.elapsedMs / 1000)} s ${generator.phase}`,
    `${totals.live} calls up`,
    `${totals.turns} turns, voice to voice P50 ${ms(v2vMs.p50)} P95 ${ms(v2vMs.p95)} ms`,
    `${sum(totals.refused)} refused, ${sum(totals.failed)} failed`,
  ];
  if (frames.judged > 0) parts.push(`${percent(frames.late, frames.judged).toFixed(3)} % of frames late`);
  parts.push(`own CPU ${Math.round(cpuPct)} %, own lag P99 ${fine(lagMs.p99)} ms`);
  return parts.join(' · ');
}

function row(name: string, value: string, note = ''): string {
  return `  ${name.padEnd(26)} ${value}${note === '' ? '' : `   ${note}`}`;
}

function spread(name: string, { n, mean, p50, p95, p99, max }: Percentiles): string {
  if (n === 0) return row(name, 'none');
  return row(name, `P50 ${fine(p50)}  P95 ${fine(p95)}  P99 ${fine(p99)}  max ${fine(max)}  mean ${fine(mean)} ms`, `n=${n}`);
}

const listed = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, 8)
    .map(([what, times]) => `${times} x ${what}`)
    .join('; ');

/** The page at the end, line by line. */
export function summaryLines(report: LoadReport): string[] {
  const { totals, distributions, frames, own, overhead } = report;
  const lines = [
    `${report.calls} calls at once over ${report.wire}, ${Math.round(report.measuredMs / 1000)} s measured`,
    '',
    row('calls offered, answered', `${totals.offered}, ${totals.answered}`),
    row('refused', listed(totals.refused) || 'none'),
    row('failed', listed(totals.failed) || 'none'),
    spread('set-up', distributions.setupMs),
    spread('refused after', distributions.refusedAfterMs),
    spread('greeting', distributions.greetingMs),
    spread('voice to voice', distributions.v2vMs),
  ];
  if (overhead) {
    lines.push(
      spread('platform overhead', overhead.poMs),
      spread('  line', overhead.lineMs),
      spread('  endpoint wait', overhead.endpointMs),
    );
  }
  lines.push(
    row('turns missed, dead air', `${totals.missed}, ${totals.deadAir}`, `n=${totals.turns}`),
    spread('barge-in stop', distributions.bstMs),
    row('  never stopped', String(totals.bargeInsNever), `n=${totals.bargeIns}`),
    row('spoke into a pause', `${percent(totals.cutOffs, totals.pauses).toFixed(1)} %`, `n=${totals.pauses}`),
    row(
      'stopped by a backchannel',
      `${percent(totals.harmlessPaused, totals.harmless).toFixed(1)} %, for good ${percent(totals.harmlessFailed, totals.harmless).toFixed(1)} %`,
      `n=${totals.harmless}`,
    ),
    row('late by more than 5 ms', `${frames.latePct.toFixed(3)} %`, `n=${frames.judged} of frames, over twilio of messages`),
    row('frames received, lost', `${frames.frames}, ${frames.lost}`),
    '',
    row('own CPU', `${own.cpuPct.toFixed(1)} % of a core`),
    row('own lateness', `P50 ${fine(own.lagMs.p50)}  P99 ${fine(own.lagMs.p99)}  max ${fine(own.lagMs.max)} ms`),
    row('left out (we were late)', `${totals.leftOut} turns and interruptions`),
  );
  return lines;
}
