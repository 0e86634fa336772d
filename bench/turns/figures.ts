/** The figures of a run, in the names of the field (see docs of each in bench/turns.ts). */
import { bootstrap95, type Figure, mean, percentile } from '../results.ts';
import type { AnsweredTurn, Measures } from './measure.ts';
import { meanCost, type Run } from './stack.ts';

const present = (values: readonly (number | undefined)[]): number[] => values.filter((value) => value !== undefined);
const pct = (part: number, whole: number): number => (100 * part) / whole;

/** Goals stand at the condition that an assistant has by default. */
const goals: Record<string, number> = {
  v2v_p50_ms: 500,
  v2v_p95_ms: 900,
  po_mean_ms: 20,
  po_p95_ms: 40,
  po_p99_ms: 60,
  bst_p50_ms: 300,
  bst_p95_ms: 350,
  fcr_pct: 3,
  fir_pct: 5,
  heard_text_pct: 99,
  stale_frames: 0,
  dead_air_count: 0,
  cached_answer_p95_ms: 25,
  waterfall_abs_max_ms: 5,
  turns_missed: 0,
  calls_failed: 0,
};

/** `runs`: one, or stacks side by side whose measures were put together; then cost is that of a stack on average. */
export function figuresOf(runs: readonly Run[], measures: Measures): Figure[] {
  const { turns, bargeIns, pauses, harmless } = measures;
  const { condition, calls } = runs[0].options;
  const cost = meanCost(runs);
  const figures: Figure[] = [];
  const add = (name: string, value: number, unit: string, n: number, ci95?: [number, number]) => {
    if (n > 0) figures.push({ name: `${name}_${condition.name}_${calls}`, value, unit, n, goal: goals[name], ...(ci95 && { ci95 }) });
  };
  const spread = (name: string, samples: readonly number[], shares = [0.5, 0.95, 0.99]) => {
    for (const share of shares) {
      const interval = share <= 0.95 ? bootstrap95(samples, share) : undefined;
      add(`${name}_p${share * 100}_ms`, percentile(samples, share), 'ms', samples.length, interval);
    }
  };
  const of = (read: (turn: AnsweredTurn) => number | undefined, among = turns) => present(among.map(read));
  const modelled = turns.filter(({ kind }) => kind !== 'approved');
  const approved = turns.filter(({ kind }) => kind === 'approved');

  // A turn without an answer is endlessly late, not absent.
  spread(
    'v2v',
    modelled.map(({ v2vMs }) => v2vMs ?? Infinity).map((ms) => Math.min(ms, 1e6)),
  );
  const po = of(({ poMs }) => poMs);
  add('po_mean_ms', mean(po), 'ms', po.length);
  spread('po', po);
  spread(
    'line',
    of(({ lineMs }) => lineMs),
    [0.5, 0.95],
  );
  spread(
    'endpoint',
    of(({ endpointMs }) => endpointMs),
    [0.5, 0.95],
  );
  spread(
    'eou',
    of(({ committedMs }) => committedMs),
    [0.5, 0.95],
  );
  spread('bst', present(bargeIns.map(({ stopMs }) => stopMs)), [0.5, 0.95]);
  add('bst_never', bargeIns.filter(({ stopped }) => !stopped).length, '', bargeIns.length);
  add('fcr_pct', pct(pauses.filter(({ cutOff }) => cutOff).length, pauses.length), '%', pauses.length);
  add('fir_pct', pct(harmless.filter(({ failed }) => failed).length, harmless.length), '%', harmless.length);
  add('fir_paused_pct', pct(harmless.filter(({ stopped }) => stopped).length, harmless.length), '%', harmless.length);
  const judged = bargeIns.filter(({ faithful }) => faithful !== undefined);
  add('heard_text_pct', pct(judged.filter(({ faithful }) => faithful).length, judged.length), '%', judged.length);
  add(
    'stale_frames',
    bargeIns.reduce((sum, { staleFrames }) => sum + staleFrames, 0),
    '',
    bargeIns.length,
  );
  add('dead_air_count', measures.deadAir, '', turns.length);
  spread(
    'cached_v2v',
    of(({ v2vMs }) => v2vMs, approved),
    [0.5, 0.95],
  );
  add(
    'cached_answer_p95_ms',
    percentile(
      of(({ afterEndMs }) => afterEndMs, approved),
      0.95,
    ),
    'ms',
    of(({ afterEndMs }) => afterEndMs, approved).length,
  );
  spread('greeting', measures.greetings, [0.5, 0.95]);
  for (const part of ['requestMs', 'tokenMs', 'clauseMs', 'speechMs', 'packetMs'] as const) {
    const samples = of(({ delays }) => delays?.[part]);
    for (const share of [0.5, 0.95]) add(`po_${part.slice(0, -2)}_p${share * 100}_ms`, percentile(samples, share), 'ms', samples.length);
  }
  const gaps = of(({ gapMs }) => gapMs);
  add('answer_gaps_over_100ms', gaps.filter((ms) => ms > 100).length, '', gaps.length);
  const told = of(({ commitToPacketMs }) => commitToPacketMs, approved);
  add('cached_commit_to_packet_p95_ms', percentile(told, 0.95), 'ms', told.length);
  const waterfall = of(({ waterfallMs }) => waterfallMs).map(Math.abs);
  spread('waterfall_abs', waterfall, [0.5, 0.95]);
  add('waterfall_abs_max_ms', Math.max(...waterfall), 'ms', waterfall.length);
  add('requests_per_turn', measures.requests / modelled.length, '', modelled.length);
  add('requests_wasted_pct', pct(measures.wasted, measures.requests), '%', measures.requests);
  add('speculation_adopted_pct', pct(turns.filter(({ speculation }) => speculation === 'adopted').length, turns.length), '%', turns.length);
  add('filler_pct', pct(turns.filter(({ filler }) => filler).length, turns.length), '%', turns.length);
  add('overlapped', measures.overlapped, '', turns.length + measures.overlapped);
  add('turns_missed', turns.filter(({ v2vMs }) => v2vMs === undefined).length, '', turns.length);
  add('calls_failed', measures.failedCalls.length, '', calls * runs.length);
  for (const [name, seconds] of Object.entries({ server: cost.server, providers: cost.providers, callers: cost.callers })) {
    add(`cpu_${name}_cores`, seconds / cost.seconds, 'cores', 1);
  }
  add('rss_server_mb', cost.serverRssMb, 'MB', 1);
  add('callers_lag_p99_ms', Math.max(...runs.map(({ observation }) => observation.ownLagP99Ms)), 'ms', runs.length);
  return figures;
}
