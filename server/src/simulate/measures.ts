/** What was measured at the caller's ear: the definitions of the measures page, on the call's own clock. Pure. */
import type { CallEvent } from '@tandem/contract';
import type { CallerMeasures, SpokenLine } from './outcome.ts';
import type { Audible } from './virtual/ear.ts';

/** A stop is one from this length on; a shorter dip is a gap between words. */
const STOP_MS = 300;
/** What a sound of the caller did to the assistant shows within this time. */
const EFFECT_MS = 1_500;
/** Kinds of what a caller does that asks for no answer. */
const NO_QUESTION = new Set(['backchannel', 'sound']);

export interface Heard {
  /** Stretches in which the assistant was audible, in order. */
  stretches: readonly Audible[];
  /** What the caller did, in order. */
  lines: readonly SpokenLine[];
  /** Pauses inside the caller's lines, in order. */
  pauses: readonly { fromMs: number; toMs: number }[];
  events: readonly CallEvent[];
  /** When the call ended. */
  endedMs: number;
}

export function measure(heard: Heard): CallerMeasures {
  return {
    voiceToVoiceMs: gaps(heard).flatMap(({ onsetMs, fromMs }) => (onsetMs === undefined ? [] : [round(onsetMs - fromMs)])),
    cutOffs: heard.pauses.filter(({ fromMs, toMs }) => heard.stretches.some((one) => one.fromMs > fromMs && one.fromMs < toMs)).length,
    falseInterruptions: falseInterruptions(heard),
    longestDeadAirMs: round(longestDeadAir(heard)),
  };
}

interface Gap {
  fromMs: number;
  /** The first audible sound of the assistant before the caller's next line; undefined when there was none. */
  onsetMs: number | undefined;
  /** The next line of the caller, or the end. */
  untilMs: number;
}

/** After each line that asks for an answer. */
function gaps({ lines, stretches, endedMs }: Heard): Gap[] {
  const asked = lines.filter(({ who, kind }) => who === 'caller' && !NO_QUESTION.has(kind ?? ''));
  return asked.map(({ toMs }, index) => {
    const untilMs = asked[index + 1]?.fromMs ?? endedMs;
    return { fromMs: toMs, untilMs, onsetMs: stretches.find(({ fromMs }) => fromMs >= toMs && fromMs < untilMs)?.fromMs };
  });
}

/** Backchannels and sounds that made the assistant stop in the middle of a turn that it did not take up again. */
function falseInterruptions({ lines, stretches, events }: Heard): number {
  const answeredAt = events.find(({ type }) => type === 'call-answered')?.at ?? 0;
  const stops = events.flatMap((event) =>
    event.type === 'reply-interrupted' ? [{ turn: event.turn, at: event.at - answeredAt, seq: event.seq }] : [],
  );
  return lines.filter(({ who, kind, fromMs, toMs }) => {
    if (who !== 'caller' || !NO_QUESTION.has(kind ?? '')) return false;
    const stop = stops.find(({ at }) => at >= fromMs && at <= toMs + EFFECT_MS);
    if (!stop) return false;
    const resumed = events.some(({ type, seq, at }) => type === 'reply-resumed' && seq > stop.seq && at - answeredAt < stop.at + EFFECT_MS);
    const silentFrom = stretches.findLast((one) => one.fromMs <= stop.at)?.toMs ?? stop.at;
    const next = stretches.find((one) => one.fromMs > silentFrom)?.fromMs ?? Number.POSITIVE_INFINITY;
    return !resumed && next - silentFrom >= STOP_MS;
  }).length;
}

/** The longest silence while it was the assistant's turn: from a line's end to the answer, and inside an answer. */
function longestDeadAir(heard: Heard): number {
  const { stretches, events, endedMs } = heard;
  const answeredAt = events.find(({ type }) => type === 'call-answered')?.at ?? 0;
  const completed = events.flatMap((event) => (event.type === 'turn-completed' ? [event.at - answeredAt] : []));
  let longest = stretches.length > 0 ? stretches[0].fromMs : 0;
  for (const { fromMs, onsetMs, untilMs } of gaps(heard)) {
    if (onsetMs === undefined) {
      longest = Math.max(longest, Math.min(untilMs, endedMs) - fromMs);
      continue;
    }
    longest = Math.max(longest, onsetMs - fromMs);
    const done = completed.find((at) => at > onsetMs) ?? untilMs;
    const inside = stretches.filter((one) => one.fromMs >= onsetMs && one.fromMs < Math.min(done, untilMs));
    for (let i = 1; i < inside.length; i++) longest = Math.max(longest, inside[i].fromMs - inside[i - 1].toMs);
  }
  return Math.max(0, longest);
}

/** To a tenth of a millisecond. */
const round = (ms: number): number => Math.round(ms * 10) / 10;
