/**
 * What the tables say about a call, folded from its events. Pure: a batch of events and what was known before give what
 * is known now and the rows that changed. Events at or below a call's `seq` are ignored, so a batch may come twice.
 */
import { type CallEvent, type Ending, type TranscriptLine, type TurnStages, type UsageLine, waterfallOf, waitOf } from '@tandem/contract';

export interface CallRow {
  id: string;
  businessId: string;
  direction: 'inbound' | 'outbound';
  gateway: string;
  from: string;
  to: string;
  assistantId: string | null;
  assistantName: string | null;
  providerCallId: string | null;
  startedAt: Date;
  answeredAt: Date | null;
  endedAt: Date | null;
  durationMs: number | null;
  endedBy: Ending['by'] | null;
  endedReason: Ending['reason'] | null;
  turns: number;
  hasRecording: boolean;
  summary: string | null;
  voiceToVoiceP50Ms: number | null;
  costMicros: number | null;
  /** Sums of all its turns' lines. */
  usage: UsageLine[];
}

export interface TurnRow {
  turn: number;
  callerText: string | null;
  assistantText: string | null;
  interrupted: boolean;
  stages: TurnStages;
  voiceToVoiceMs: number | null;
  passages: Extract<CallEvent, { type: 'retrieval-done' }>['passages'];
  usage: UsageLine[];
  /** Milliseconds by stage and in `total`; null unless the turn was spoken and brought a sound. */
  waterfall: Record<string, number> | null;
}

/** A transcript line and the seq of the event that began it, its key within the call. */
export type LineRow = TranscriptLine & { seq: number };

/** What a caller left with the assistant. */
export interface MessageRow {
  id: string;
  name: string;
  number: string;
  text: string;
  urgent: boolean;
  takenAt: Date;
}

export interface CallbackRow {
  id: string;
  name: string;
  number: string;
  when: string;
  reason: string;
  scheduledAt: Date;
}

/** What is known of one call. Rows are replaced, never changed, so that an older value stays true. */
export interface CallProjection {
  /** Of the last event folded in. */
  seq: number;
  call: CallRow;
  /** When the call was answered, on its own clock; line times count from here. */
  answeredMs: number;
  turns: ReadonlyMap<number, TurnRow>;
  lines: ReadonlyMap<number, LineRow>;
  messages: ReadonlyMap<string, MessageRow>;
  callbacks: ReadonlyMap<string, CallbackRow>;
  /**
   * The line of each party that more may be heard of: the caller's of the latest turn (who goes on after the commit, or
   * whose last final comes late, is still in it) with its finals so far, and the seq of the assistant's; undefined when none.
   */
  speaking: { caller: { seq: number; turn: number; finals: string } | undefined; assistant: number | undefined };
}

interface Owner {
  callId: string;
  businessId: string;
}

export interface RowChanges {
  calls: CallRow[];
  turns: (TurnRow & Owner)[];
  lines: (LineRow & Owner)[];
  messages: (MessageRow & Owner)[];
  callbacks: (CallbackRow & Owner)[];
}

/** Folds a batch in. `known` holds the calls' earlier states; a call that is missing there begins with this batch. */
export function projectCalls(
  known: ReadonlyMap<string, CallProjection>,
  events: readonly CallEvent[],
): { calls: Map<string, CallProjection>; rows: RowChanges } {
  const calls = new Map<string, CallProjection>();
  for (const event of events) {
    const before = calls.get(event.callId) ?? known.get(event.callId) ?? beginCall(event);
    calls.set(event.callId, foldEvent(before, event));
  }
  const rows: RowChanges = { calls: [], turns: [], lines: [], messages: [], callbacks: [] };
  for (const [callId, now] of calls) {
    const before = known.get(callId);
    const owner = { callId, businessId: now.call.businessId };
    if (now.call !== before?.call) rows.calls.push(now.call);
    for (const [turn, row] of now.turns) if (row !== before?.turns.get(turn)) rows.turns.push({ ...row, ...owner });
    for (const [seq, line] of now.lines) if (line !== before?.lines.get(seq)) rows.lines.push({ ...line, ...owner });
    for (const [id, row] of now.messages) if (row !== before?.messages.get(id)) rows.messages.push({ ...row, ...owner });
    for (const [id, row] of now.callbacks) if (row !== before?.callbacks.get(id)) rows.callbacks.push({ ...row, ...owner });
  }
  return { calls, rows };
}

/** A call before its first event; what `call-received` would have said stays blank if that event is missing. */
export function beginCall(event: CallEvent): CallProjection {
  const call: CallRow = {
    id: event.callId,
    businessId: event.businessId,
    direction: 'inbound',
    gateway: '',
    from: '',
    to: '',
    assistantId: null,
    assistantName: null,
    providerCallId: null,
    startedAt: new Date(0),
    answeredAt: null,
    endedAt: null,
    durationMs: null,
    endedBy: null,
    endedReason: null,
    turns: 0,
    hasRecording: false,
    summary: null,
    voiceToVoiceP50Ms: null,
    costMicros: null,
    usage: [],
  };
  return {
    seq: -1,
    call,
    answeredMs: 0,
    turns: new Map(),
    lines: new Map(),
    messages: new Map(),
    callbacks: new Map(),
    speaking: { caller: undefined, assistant: undefined },
  };
}

/** One event folded in; the same value when the event was known already. */
export function foldEvent(before: CallProjection, event: CallEvent): CallProjection {
  if (event.seq <= before.seq) return before;
  const now = { ...before, seq: event.seq };
  const wallAt = (at: number) => new Date(now.call.startedAt.getTime() + Math.round(at));
  switch (event.type) {
    case 'call-received':
      return withCall(now, {
        direction: event.direction,
        gateway: event.gateway,
        from: event.from,
        to: event.to,
        assistantId: event.assistantId ?? null,
        assistantName: event.assistantName ?? null,
        providerCallId: event.providerCallId ?? null,
        startedAt: new Date(event.startedAt),
      });
    case 'call-answered':
      return withCall({ ...now, answeredMs: event.at }, { answeredAt: wallAt(event.at) });
    case 'recording-started':
      return withCall(now, { hasRecording: true });
    case 'call-summarised':
      return withCall(now, { summary: event.summary });
    case 'call-ended':
      return withCall(now, { endedAt: wallAt(event.at), durationMs: event.durationMs, endedBy: event.by, endedReason: event.reason });
    case 'transcript-final':
      return hearCaller(now, event);
    case 'turn-committed':
      return commitTurn(now, event);
    case 'retrieval-done':
      return withTurn(now, event.turn, { passages: event.passages });
    case 'reply-started':
      return { ...now, speaking: { ...now.speaking, assistant: undefined } };
    case 'speech-played':
      return hearAssistant(now, event);
    case 'reply-interrupted':
      return markInterrupted(now, event.turn, true);
    case 'reply-resumed':
      return markInterrupted(now, event.turn, false);
    case 'turn-completed':
      return completeTurn(now, event);
    case 'usage-counted':
      return countUsage(now, event);
    case 'message-taken': {
      const { messageId: id, name, number, text, urgent } = event;
      return { ...now, messages: new Map(now.messages).set(id, { id, name, number, text, urgent, takenAt: wallAt(event.at) }) };
    }
    case 'callback-scheduled': {
      const { callbackId: id, name, number, when, reason } = event;
      return { ...now, callbacks: new Map(now.callbacks).set(id, { id, name, number, when, reason, scheduledAt: wallAt(event.at) }) };
    }
    default:
      return now;
  }
}

type Event<Type extends CallEvent['type']> = Extract<CallEvent, { type: Type }>;

/** A caller may pause within a turn: several finals are one line, also when the turn was committed in between. */
function hearCaller(now: CallProjection, event: Event<'transcript-final'>): CallProjection {
  const fromMs = Math.max(0, event.fromAt - now.answeredMs);
  const toMs = Math.max(fromMs, event.toAt - now.answeredMs);
  const { open, line: known } = openCallerLine(now, event.turn);
  if (open && known) {
    const finals = open.finals === '' ? event.text : `${open.finals} ${event.text}`;
    const longer = { ...extend(known, event, toMs, fromMs - known.fromMs), text: finals };
    return withLine({ ...now, speaking: { ...now.speaking, caller: { ...open, finals } } }, longer);
  }
  const line: LineRow = {
    seq: event.seq,
    turn: event.turn,
    party: 'caller',
    text: event.text,
    fromMs,
    toMs,
    words: event.words ?? [],
    interrupted: false,
    confidence: event.confidence,
  };
  return withLine({ ...now, speaking: { ...now.speaking, caller: { seq: event.seq, turn: event.turn, finals: event.text } } }, line);
}

function openCallerLine(now: CallProjection, turn: number) {
  const open = now.speaking.caller?.turn === turn ? now.speaking.caller : undefined;
  return { open, line: open && now.lines.get(open.seq) };
}

/**
 * The committed text wins over the finals it was made of; typed and keyed turns have no finals. A caller who goes on
 * before the answer is heard has the same turn committed again, with all of the words.
 */
function commitTurn(now: CallProjection, event: Event<'turn-committed'>): CallProjection {
  const { open, line: known } = openCallerLine(now, event.turn);
  const at = Math.max(0, event.at - now.answeredMs);
  const line: LineRow = known
    ? { ...known, text: event.text }
    : { seq: event.seq, turn: event.turn, party: 'caller', text: event.text, fromMs: at, toMs: at, words: [], interrupted: false };
  const before = now.turns.get(event.turn);
  const first = before === undefined || before.callerText === null;
  const counted = first ? withCall(withLine(now, line), { turns: now.call.turns + 1 }) : withLine(now, line);
  const spoken = { ...counted, speaking: { ...counted.speaking, caller: open ?? { seq: line.seq, turn: line.turn, finals: '' } } };
  return withTurn(spoken, event.turn, { callerText: event.text, stages: { ...before?.stages, ...event.stages } });
}

/** Clauses of one reply follow each other into one line; another reply of the same turn (a re-prompt) begins its own. */
function hearAssistant(now: CallProjection, event: Event<'speech-played'>): CallProjection {
  if (event.text === '') return now;
  const fromMs = Math.max(0, event.fromAt - now.answeredMs);
  const toMs = Math.max(fromMs, event.toAt - now.answeredMs);
  const heard = now.turns.get(event.turn)?.assistantText;
  const told = withTurn(now, event.turn, { assistantText: heard ? `${heard} ${event.text}` : event.text });
  const open = told.speaking.assistant === undefined ? undefined : told.lines.get(told.speaking.assistant);
  if (open?.turn === event.turn) return withLine(told, extend(open, event, toMs, fromMs - open.fromMs));
  const line: LineRow = {
    seq: event.seq,
    turn: event.turn,
    party: 'assistant',
    text: event.text,
    fromMs,
    toMs,
    words: event.words,
    interrupted: told.turns.get(event.turn)?.interrupted ?? false,
  };
  return withLine({ ...told, speaking: { ...told.speaking, assistant: event.seq } }, line);
}

function extend(line: LineRow, more: { text: string; words?: LineRow['words'] | undefined }, toMs: number, offsetMs: number): LineRow {
  const words = (more.words ?? []).map((word) => ({ ...word, fromMs: word.fromMs + offsetMs, toMs: word.toMs + offsetMs }));
  return { ...line, text: `${line.text} ${more.text}`, toMs: Math.max(line.toMs, toMs), words: [...line.words, ...words] };
}

function markInterrupted(now: CallProjection, turn: number, interrupted: boolean): CallProjection {
  return withTurn(markLine(now, turn, interrupted), turn, { interrupted });
}

function markLine(now: CallProjection, turn: number, interrupted: boolean): CallProjection {
  const line = [...now.lines.values()].findLast((line) => line.turn === turn && line.party === 'assistant');
  return line && line.interrupted !== interrupted ? withLine(now, { ...line, interrupted }) : now;
}

/** A turn may complete twice (an answer, then a re-prompt): the row keeps the answer's marks. */
function completeTurn(now: CallProjection, event: Event<'turn-completed'>): CallProjection {
  const known = now.turns.get(event.turn);
  const stages = { ...event.stages, ...known?.stages };
  const done = withTurn(markLine(now, event.turn, event.interrupted), event.turn, {
    assistantText: known?.assistantText ?? (event.heard === '' ? null : event.heard),
    interrupted: event.interrupted || (known?.interrupted ?? false),
    stages,
    waterfall: timesOf(stages),
    voiceToVoiceMs: known?.voiceToVoiceMs ?? event.voiceToVoiceMs ?? null,
  });
  const closed = { ...done, speaking: { ...done.speaking, assistant: undefined } };
  return event.voiceToVoiceMs === undefined ? closed : withCall(closed, { voiceToVoiceP50Ms: median(closed.turns) });
}

/** Typed and keyed turns are waited for too, but not from the end of speech: they would blur the statistics. */
function timesOf(stages: TurnStages): Record<string, number> | null {
  const wait = waitOf(stages);
  if (stages.speechEndAt === undefined || wait === undefined) return null;
  return Object.fromEntries([...waterfallOf(stages).map(({ stage, fromMs, toMs }) => [stage, toMs - fromMs]), ['total', wait]]);
}

/** A turn is counted several times (its words, then its speech): quantities of the same line add up. */
function countUsage(now: CallProjection, event: Event<'usage-counted'>): CallProjection {
  const usage = addUsage(now.turns.get(event.turn)?.usage ?? [], event.lines);
  const counted = withTurn(now, event.turn, { usage });
  return withCall(counted, { usage: addUsage(now.call.usage, event.lines), costMicros: event.callCostMicros });
}

function addUsage(known: readonly UsageLine[], more: readonly UsageLine[]): UsageLine[] {
  const lines = new Map<string, UsageLine>();
  for (const line of [...known, ...more]) {
    const key = [line.stage, line.provider, line.model, line.unit].join('\n');
    const before = lines.get(key);
    const sum = before && { quantity: before.quantity + line.quantity, costMicros: before.costMicros + line.costMicros };
    lines.set(key, { ...line, ...sum });
  }
  return [...lines.values()];
}

function median(turns: ReadonlyMap<number, TurnRow>): number | null {
  const times = [...turns.values()].flatMap((row) => row.voiceToVoiceMs ?? []).sort((a, b) => a - b);
  const upper = times[times.length >> 1];
  if (upper === undefined) return null;
  return times.length % 2 === 1 ? upper : (upper + (times[(times.length >> 1) - 1] ?? upper)) / 2;
}

const withCall = (now: CallProjection, change: Partial<CallRow>): CallProjection => ({ ...now, call: { ...now.call, ...change } });

const withLine = (now: CallProjection, line: LineRow): CallProjection => ({ ...now, lines: new Map(now.lines).set(line.seq, line) });

function withTurn(now: CallProjection, turn: number, change: Partial<TurnRow>): CallProjection {
  const blank: TurnRow = {
    turn,
    callerText: null,
    assistantText: null,
    interrupted: false,
    stages: {},
    voiceToVoiceMs: null,
    passages: [],
    usage: [],
    waterfall: null,
  };
  return { ...now, turns: new Map(now.turns).set(turn, { ...(now.turns.get(turn) ?? blank), ...change }) };
}
