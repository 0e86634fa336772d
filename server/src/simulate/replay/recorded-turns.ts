/** The turns of a recorded call, as a person would tell them: what the caller said and when, what was done, what was heard. */
import type { CallEvent } from '@tandem/contract';

type EventOf<T extends CallEvent['type']> = Extract<CallEvent, { type: T }>;

export interface RecordedTool {
  name: string;
  arguments: unknown;
  /** Undefined: it never returned. */
  outcome: 'ok' | 'failed' | 'unknown' | undefined;
  result: unknown;
  tookMs: number;
  sideEffect: boolean;
}

/** A stretch of the caller's words, up to a final transcript. */
export interface SaidPart {
  text: string;
  fromMs: number;
  toMs: number;
}

/** Times are milliseconds since the answer. */
export interface RecordedTurn {
  /** 0 is the greeting. */
  turn: number;
  /** Empty for the greeting. */
  said: string;
  source: 'speech' | 'typed' | 'digits' | undefined;
  parts: readonly SaidPart[];
  /** Keys pressed since the turn before, and when the first was. `*` also stands for a key of a secret. */
  keys: string;
  keysAtMs: number | undefined;
  committedMs: number | undefined;
  /** What the caller heard of the answer. */
  heard: string;
  interrupted: boolean;
  /** The model asked to end the call with it. */
  goodbye: boolean;
  audibleFromMs: number | undefined;
  audibleToMs: number | undefined;
  /** When each word that was heard began. */
  wordStartsMs: readonly number[];
  tools: readonly RecordedTool[];
  /** What was looked up, and what was found. */
  query: string | undefined;
  passages: EventOf<'retrieval-done'>['passages'];
  sentences: NonNullable<EventOf<'turn-completed'>['sentences']>;
  voiceToVoiceMs: number | undefined;
  rule: string | undefined;
  stages: EventOf<'turn-completed'>['stages'];
}

type Draft = { -readonly [K in keyof RecordedTurn]: RecordedTurn[K] extends readonly (infer One)[] ? One[] : RecordedTurn[K] };

export const answeredAtOf = (events: readonly CallEvent[]): number => events.find(({ type }) => type === 'call-answered')?.at ?? 0;

/** In order. Words that went on before their answer was heard belong to one turn, with its last commit. */
export function turnsOf(events: readonly CallEvent[]): RecordedTurn[] {
  const zero = answeredAtOf(events);
  const turns = new Map<number, Draft>();
  const calls = new Map<string, RecordedTool>();
  let committed = 0;
  let keys: { text: string; at: number } | undefined;
  const of = (turn: number): Draft => {
    let draft = turns.get(turn);
    if (!draft) turns.set(turn, (draft = empty(turn)));
    return draft;
  };
  for (const event of events) {
    switch (event.type) {
      case 'transcript-final':
        if (event.text.trim() !== '') of(event.turn).parts.push({ text: event.text, fromMs: event.fromAt - zero, toMs: event.toAt - zero });
        break;
      case 'digit-received':
        keys = { text: (keys?.text ?? '') + event.digit, at: keys?.at ?? event.at };
        break;
      case 'turn-committed': {
        const { text: said, source, rule } = event;
        committed = event.turn;
        Object.assign(of(event.turn), { said, source, rule, committedMs: event.at - zero });
        if (keys) Object.assign(of(event.turn), { keys: keys.text, keysAtMs: keys.at - zero });
        keys = undefined;
        break;
      }
      case 'decisions-taken':
        if (event.inputs.some(({ type, goodbye }) => type === 'reply-finished' && goodbye === true)) of(committed).goodbye = true;
        break;
      case 'retrieval-done':
        Object.assign(of(event.turn), { query: event.query, passages: event.passages });
        break;
      case 'tool-called': {
        const tool: RecordedTool = {
          name: event.name,
          arguments: event.arguments,
          outcome: undefined,
          result: undefined,
          tookMs: 0,
          sideEffect: event.sideEffect === true,
        };
        calls.set(event.toolCallId, tool);
        of(event.turn).tools.push(tool);
        break;
      }
      case 'tool-returned':
        Object.assign(calls.get(event.toolCallId) ?? {}, { outcome: event.outcome, result: event.result, tookMs: event.tookMs });
        break;
      case 'speech-played': {
        const draft = of(event.turn);
        draft.audibleFromMs ??= event.fromAt - zero;
        draft.audibleToMs = event.toAt - zero;
        for (const { fromMs } of event.words) draft.wordStartsMs.push(event.fromAt + fromMs - zero);
        break;
      }
      case 'turn-completed': {
        const { heard, interrupted, stages, voiceToVoiceMs, sentences = [] } = event;
        Object.assign(of(event.turn), { heard, interrupted, stages, voiceToVoiceMs, sentences });
        break;
      }
      default:
    }
  }
  // Words of a turn that was never committed were nobody's turn.
  return [...turns.values()].filter(({ turn, source }) => turn === 0 || source !== undefined).toSorted((a, b) => a.turn - b.turn);
}

function empty(turn: number): Draft {
  return {
    turn,
    said: '',
    source: undefined,
    parts: [],
    keys: '',
    keysAtMs: undefined,
    committedMs: undefined,
    heard: '',
    interrupted: false,
    goodbye: false,
    audibleFromMs: undefined,
    audibleToMs: undefined,
    wordStartsMs: [],
    tools: [],
    query: undefined,
    passages: [],
    sentences: [],
    voiceToVoiceMs: undefined,
    rule: undefined,
    stages: {},
  };
}

/** What the journal does not have: how an answer would have gone on that was cut. Something must, or nothing is there to be cut. */
const UNHEARD = 'and so on, as far as it would have gone: the rest was not heard in the recorded call';

/** What the assistant is to say so that the caller hears what they heard. */
export const spokenAnswer = ({ heard, interrupted }: Pick<RecordedTurn, 'heard' | 'interrupted'>): string =>
  interrupted && heard !== '' ? `${heard} ${UNHEARD}` : heard;
