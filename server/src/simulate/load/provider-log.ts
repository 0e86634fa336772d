/**
 * Platform overhead: what is left of voice-to-voice when the time that only the providers took is taken away. The local
 * providers (`providers/`) log what they heard and when they sent what, with the delays that they declare, a line of JSON
 * each. Delays must be constant: then nobody needs to know which request was whose.
 */
import { z } from 'zod';
import { TandemError } from '#kit/errors.ts';
import { Histogram, type Percentiles } from './histogram.ts';
import type { TurnSample } from './tally.ts';

const loggedEvent = z.object({
  atMs: z.number(),
  stage: z.string(),
  connection: z.number(),
  event: z.string(),
  detail: z.string().optional(),
  declaredMs: z.number().optional(),
});
export type LoggedEvent = z.infer<typeof loggedEvent>;

/** Whether the assistant begins its answer at the provider's eager end of turn: nothing, the words, or the first speech too. */
export type Speculation = 'off' | 'words' | 'speech';

/** A stream hears the end of a voice not much earlier than it was said (a dying sound) and not much later. */
const EARLIEST_MS = 40;
const LONGEST_LINE_MS = 300;
const ENDPOINT_WITHIN_MS = 6_000;
/** Declared delays that differ by less are one constant. */
const SAME_MS = 0.5;

export interface TurnOverhead {
  turn: TurnSample;
  /** The caller's last sample -> it has arrived at the transcriber. Part of `poMs`. */
  lineMs: number;
  /** The caller's last sample -> the transcriber ends the turn. */
  endpointMs: number;
  poMs: number;
}

export interface OverheadFigures {
  poMs: Percentiles;
  lineMs: Percentiles;
  endpointMs: Percentiles;
  /** Of the providers' own clocks: how much later than declared they were. It is in `poMs`. */
  providerLateMs: Percentiles;
  /** Turns whose stream was not found in the log. */
  unknown: number;
}

/** One stream of a caller's sound; times in order. */
interface Hearing {
  voiceEnds: number[];
  eager: number[];
  finals: number[];
}

/** Lines that are no events are left out. */
export function readProviderLog(text: string): LoggedEvent[] {
  return text.split('\n').flatMap((line) => {
    if (!line.startsWith('{')) return [];
    try {
      const event = loggedEvent.safeParse(JSON.parse(line));
      return event.success ? [event.data] : [];
    } catch {
      return [];
    }
  });
}

/** First index whose value is at least `at`. */
function firstAt(times: readonly number[], at: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

const nextWithin = (times: readonly number[], from: number, to: number): number | undefined => {
  const at = times[firstAt(times, from)] as number | undefined;
  return at !== undefined && at <= to ? at : undefined;
};

/** The constant delay that a stage declares. Throws `invalid-input` when it varies. */
function constantDelay(events: readonly LoggedEvent[], event: string): number {
  let delay: number | undefined;
  for (const { event: what, declaredMs } of events) {
    if (what !== event || declaredMs === undefined) continue;
    delay ??= declaredMs;
    if (Math.abs(declaredMs - delay) > SAME_MS)
      throw new TandemError('invalid-input', `the delays of ${event} vary in the provider's log: platform overhead needs constant ones`);
  }
  return delay ?? 0;
}

function hearingsOf(events: readonly LoggedEvent[]): Map<number, Hearing> {
  const hearings = new Map<number, Hearing>();
  for (const { stage, event, connection, atMs } of events) {
    if (stage !== 'transcriber') continue;
    let hearing = hearings.get(connection);
    if (!hearing) hearings.set(connection, (hearing = { voiceEnds: [], eager: [], finals: [] }));
    if (event === 'voice-ended') hearing.voiceEnds.push(atMs);
    else if (event === 'eager') hearing.eager.push(atMs);
    else if (event === 'end-of-turn') hearing.finals.push(atMs);
  }
  return hearings;
}

/** Which stream heard a call: the one whose voice ended most often shortly after the caller's did. */
function streamOf(
  ends: readonly number[],
  all: readonly { at: number; connection: number }[],
  times: readonly number[],
): number | undefined {
  const votes = new Map<number, number>();
  for (const end of ends) {
    for (let i = firstAt(times, end - EARLIEST_MS); i < times.length && times[i] < end + LONGEST_LINE_MS; i++)
      votes.set(all[i].connection, (votes.get(all[i].connection) ?? 0) + 1);
  }
  let best: { connection: number; votes: number } | undefined;
  for (const [connection, count] of votes) if (!best || count > best.votes) best = { connection, votes: count };
  return best?.connection;
}

/** `events` on the generator's clock. A speculation that failed counts as overhead. */
export function overheadOf(turns: readonly TurnSample[], events: readonly LoggedEvent[], speculation: Speculation): TurnOverhead[] {
  const hearings = hearingsOf(events);
  const token = constantDelay(events, 'first-token');
  const speech = constantDelay(events, 'first-speech');
  const ends = [...hearings].flatMap(([connection, { voiceEnds }]) => voiceEnds.map((at) => ({ at, connection })));
  ends.sort((a, b) => a.at - b.at);
  const times = ends.map(({ at }) => at);
  const byCall = Map.groupBy(turns, ({ call }) => call);
  const found: TurnOverhead[] = [];
  for (const ofCall of byCall.values()) {
    const connection = streamOf(
      ofCall.map(({ endAt }) => endAt),
      ends,
      times,
    );
    const hearing = connection === undefined ? undefined : hearings.get(connection);
    if (!hearing) continue;
    for (const turn of ofCall) {
      const { endAt, onsetAt, leftOut } = turn;
      const arrivedAt = nextWithin(hearing.voiceEnds, endAt - EARLIEST_MS, endAt + LONGEST_LINE_MS);
      const finalAt = nextWithin(hearing.finals, endAt - 5, endAt + ENDPOINT_WITHIN_MS);
      if (onsetAt === undefined || leftOut || arrivedAt === undefined || finalAt === undefined) continue;
      const eagerAt = speculation === 'off' ? undefined : nextWithin(hearing.eager, arrivedAt, finalAt);
      const wordsAt = eagerAt === undefined ? finalAt + token : Math.max(finalAt, eagerAt + token);
      const ideal = eagerAt !== undefined && speculation === 'speech' ? Math.max(finalAt, eagerAt + token + speech) : wordsAt + speech;
      const lineMs = arrivedAt - endAt;
      found.push({ turn, lineMs, endpointMs: finalAt - endAt, poMs: lineMs + onsetAt - ideal });
    }
  }
  return found;
}

export function overheadFigures(found: readonly TurnOverhead[], turns: number, events: readonly LoggedEvent[]): OverheadFigures {
  const spread = (read: (one: TurnOverhead) => number): Percentiles => {
    const histogram = new Histogram();
    for (const one of found) histogram.add(read(one));
    return histogram.summary();
  };
  return {
    poMs: spread(({ poMs }) => poMs),
    lineMs: spread(({ lineMs }) => lineMs),
    endpointMs: spread(({ endpointMs }) => endpointMs),
    providerLateMs: providerLateness(events),
    unknown: turns - found.length,
  };
}

/** From a request of the language model to its first token, beyond what was declared. */
function providerLateness(events: readonly LoggedEvent[]): Percentiles {
  const asked = new Map<number, number>();
  const late = new Histogram();
  for (const { stage, event, connection, atMs, declaredMs } of events) {
    if (stage !== 'language-model') continue;
    if (event === 'request') asked.set(connection, atMs);
    const from = event === 'first-token' ? asked.get(connection) : undefined;
    if (from !== undefined) late.add(atMs - from - (declaredMs ?? 0));
  }
  return late.summary();
}
