/** A call's events gathered by turn, as the rules read them. Times are milliseconds on the call's clock, as in the events. */
import type { CallEvent, CallEventType, TurnStages, UsageLine } from '@tandem/contract';

export type EventOf<Type extends CallEventType> = Extract<CallEvent, { type: Type }>;

/** Stages whose provider is known by name. */
export type ProviderStage = UsageLine['stage'];

export interface TurnFacts {
  readonly turn: number;
  /** Each commit of it: a caller who goes on before the answer is heard has the turn committed again. */
  readonly commits: EventOf<'turn-committed'>[];
  /** The first with marks is the answer's; a reprompt after it belongs to no turn. */
  completed: EventOf<'turn-completed'> | undefined;
  /** Marks of the answer: those of the last commit, then those of the reply. */
  stages: TurnStages;
  readonly words: (EventOf<'transcript-partial'> | EventOf<'transcript-final'>)[];
  /** Of several look-ups the last is what the answer was made of. */
  retrieval: EventOf<'retrieval-done'> | undefined;
  readonly withheld: EventOf<'claim-withheld'>[];
  readonly tools: { called: EventOf<'tool-called'>; returned: EventOf<'tool-returned'> | undefined }[];
  /** Of language models and voices. Transcribers fail while the caller speaks: see {@link CallFacts.deafness}. */
  readonly failures: EventOf<'provider-failed'>[];
  readonly played: EventOf<'speech-played'>[];
  readonly replies: EventOf<'reply-started'>[];
  readonly interruptions: EventOf<'reply-interrupted'>[];
  readonly resumptions: EventOf<'reply-resumed'>[];
  readonly speculations: (EventOf<'speculation-started'> | EventOf<'speculation-dropped'>)[];
  readonly providers: Partial<Record<ProviderStage, string>>;
  /** When the next turn was committed, or the call ended. */
  endsAt: number;
}

/** A stretch of the caller's voice, as it was noticed. */
export interface VoiceStretch {
  readonly seq: number;
  readonly startedAt: number;
  /** Undefined while it goes on. */
  endedAt: number | undefined;
  durationMs: number;
}

export interface CallFacts {
  readonly callId: string;
  readonly answeredAt: number | undefined;
  readonly turns: readonly TurnFacts[];
  readonly voice: readonly VoiceStretch[];
  readonly deafness: readonly EventOf<'provider-failed'>[];
  /** Reprompts and apologies, in order. */
  readonly lines: readonly EventOf<'reply-started'>[];
  readonly ended: EventOf<'call-ended'> | undefined;
}

/** Events of one call, in order. */
export function factsOf(events: readonly CallEvent[]): CallFacts {
  const turns = new Map<number, TurnFacts>();
  const voice: VoiceStretch[] = [];
  const deafness: EventOf<'provider-failed'>[] = [];
  const lines: EventOf<'reply-started'>[] = [];
  let answeredAt: number | undefined;
  let ended: EventOf<'call-ended'> | undefined;
  const turnOf = (turn: number): TurnFacts => {
    const known = turns.get(turn) ?? emptyTurn(turn);
    turns.set(turn, known);
    return known;
  };
  for (const event of events) {
    if ('turn' in event) gather(turnOf(event.turn), event);
    if (event.type === 'call-answered') answeredAt = event.at;
    else if (event.type === 'call-ended') ended = event;
    else if (event.type === 'speech-started') voice.push({ seq: event.seq, startedAt: event.at, endedAt: undefined, durationMs: 0 });
    else if (event.type === 'speech-ended') endVoice(voice, event);
    else if (event.type === 'provider-failed' && event.stage === 'transcriber') deafness.push(event);
    else if (event.type === 'reply-started' && (event.kind === 'reprompt' || event.kind === 'apology')) lines.push(event);
  }
  const last = events.at(-1);
  return {
    callId: last?.callId ?? '',
    answeredAt,
    turns: inOrder(turns, ended?.at ?? last?.at ?? 0),
    voice,
    deafness,
    lines,
    ended,
  };
}

function emptyTurn(turn: number): TurnFacts {
  return {
    turn,
    commits: [],
    completed: undefined,
    stages: {},
    words: [],
    retrieval: undefined,
    withheld: [],
    tools: [],
    failures: [],
    played: [],
    replies: [],
    interruptions: [],
    resumptions: [],
    speculations: [],
    providers: {},
    endsAt: 0,
  };
}

function gather(turn: TurnFacts, event: Extract<CallEvent, { turn: number }>): void {
  switch (event.type) {
    case 'turn-committed':
      turn.commits.push(event);
      turn.stages = { ...event.stages };
      return;
    case 'turn-completed':
      if (turn.completed) return;
      turn.completed = event;
      turn.stages = { ...turn.stages, ...event.stages };
      return;
    case 'transcript-partial':
    case 'transcript-final':
      turn.words.push(event);
      return;
    case 'retrieval-done':
      turn.retrieval = event;
      return;
    case 'claim-withheld':
      turn.withheld.push(event);
      return;
    case 'tool-called':
      turn.tools.push({ called: event, returned: undefined });
      return;
    case 'tool-returned': {
      const call = turn.tools.find(({ called }) => called.toolCallId === event.toolCallId);
      if (call) call.returned = event;
      return;
    }
    case 'provider-failed':
      if (event.stage !== 'transcriber') turn.failures.push(event);
      return;
    case 'speech-played':
      turn.played.push(event);
      return;
    case 'reply-started':
      turn.replies.push(event);
      return;
    case 'reply-interrupted':
      turn.interruptions.push(event);
      return;
    case 'reply-resumed':
      turn.resumptions.push(event);
      return;
    case 'speculation-started':
    case 'speculation-dropped':
      turn.speculations.push(event);
      return;
    case 'usage-counted':
      for (const { stage, provider } of event.lines) turn.providers[stage] ??= provider;
      return;
    default:
  }
}

function endVoice(voice: readonly VoiceStretch[], event: EventOf<'speech-ended'>): void {
  const open = voice.at(-1);
  if (!open || open.endedAt !== undefined) return;
  open.endedAt = event.at;
  open.durationMs = event.durationMs;
}

function inOrder(turns: ReadonlyMap<number, TurnFacts>, endsAt: number): TurnFacts[] {
  const list = [...turns.values()].sort((a, b) => a.turn - b.turn);
  for (const [index, turn] of list.entries()) turn.endsAt = list[index + 1]?.commits[0]?.at ?? endsAt;
  return list;
}

/** The last commit: the answer that was heard is the answer to that. */
export const commitOf = ({ commits }: TurnFacts): EventOf<'turn-committed'> | undefined => commits.at(-1);

/** Finals of the caller's words, in order. */
export const finalsOf = ({ words }: TurnFacts): EventOf<'transcript-final'>[] => words.filter((event) => event.type === 'transcript-final');

/** Up to when the caller's words reach, where the transcriber tells; undefined where it does not. */
export function wordsEndOf(turn: TurnFacts): number | undefined {
  // The words' own times, where there are any: a final may reach to the end of the silence after them.
  const ends = finalsOf(turn).flatMap(({ text, fromAt, toAt, words }) => {
    const last = words?.at(-1);
    return text.trim() === '' ? [] : [last ? Math.min(toAt, fromAt + last.toMs) : toAt];
  });
  return ends.length > 0 ? Math.max(...ends) : undefined;
}
