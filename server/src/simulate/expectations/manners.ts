/** Expectations on how the talk felt: waits, interruptions, cut-offs, dead air. By the definitions of `CallerMeasures`. */
import type { SimulatedCall } from '../outcome.ts';
import { type Finding, failed, finding, passed, skipped } from './finding.ts';
import { answeredAt, clockOf } from './transcript.ts';

export interface Percentiles {
  p50?: number;
  p95?: number;
  max?: number;
}

const WITHOUT_SOUND = 'not measured at level text: there is no sound';

/** The smallest value that at least `share` (0 to 1) of them do not exceed (nearest rank). Undefined for none. */
export function percentile(values: readonly number[], share: number): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function checkVoiceToVoice({ level, measures }: SimulatedCall, most: Percentiles): Finding {
  if (level === 'text') return skipped(WITHOUT_SOUND);
  const values = measures.voiceToVoiceMs;
  if (values.length === 0) return failed('no turn was answered');
  const had = { p50: percentile(values, 0.5), p95: percentile(values, 0.95), max: percentile(values, 1) };
  const over = (['p50', 'p95', 'max'] as const).filter((name) => most[name] !== undefined && (had[name] ?? 0) > most[name]);
  if (over.length === 0) return passed;
  const slowest = values.indexOf(Math.max(...values));
  const names = over.map((name) => `${name} ${Math.round(had[name] ?? 0)} ms`).join(', ');
  return failed(`${names}, over ${values.length} ${values.length === 1 ? 'turn' : 'turns'}; the slowest was answer ${slowest + 1}`);
}

export function checkInterruptions(call: SimulatedCall, max: number): Finding {
  const { level, measures, events } = call;
  if (level === 'text') return skipped(WITHOUT_SOUND);
  return finding(measures.falseInterruptions <= max, () => {
    const stops = events.filter((event) => event.type === 'reply-interrupted').map(({ at }) => clockOf(at - answeredAt(call)));
    const where = stops.length === 0 ? '' : ` (the assistant was stopped at ${stops.join(', ')})`;
    return `${measures.falseInterruptions}${where}`;
  });
}

export function checkCutOffs({ level, measures }: SimulatedCall, max: number): Finding {
  return level === 'text' ? skipped(WITHOUT_SOUND) : finding(measures.cutOffs <= max, () => String(measures.cutOffs));
}

export function checkDeadAir({ level, measures }: SimulatedCall, max: number): Finding {
  if (level === 'text') return skipped(WITHOUT_SOUND);
  return finding(measures.longestDeadAirMs <= max, () => `${Math.round(measures.longestDeadAirMs)} ms of silence`);
}
