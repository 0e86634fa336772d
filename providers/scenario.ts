/** What the local provider is told: what it hears and says, how long each stage takes, and what goes wrong. Plain data. */

export const providerNames = ['deepgram', 'assemblyai', 'soniox', 'openai', 'anthropic', 'gemini', 'cartesia', 'elevenlabs'] as const;
export type ProviderName = (typeof providerNames)[number];

/** Stages that have a delay of their own. */
export type Stage = 'transcript' | 'eager' | 'first-token' | 'token' | 'first-speech' | 'speech' | 'embedding';

/** Milliseconds: constant, log-normal by two percentiles, or a trace that is repeated. */
export type Delay = number | { p50Ms: number; p95Ms: number } | { traceMs: readonly number[] };

/** One stretch of the caller's voice, in the order a stream hears them; the list starts anew when it is used up. */
export interface HeardSegment {
  text: string;
  /** False: the caller only pauses and goes on (no end of turn is reported). True unless said otherwise. */
  endsTurn?: boolean;
}

/** The first rule whose `when` (a regular expression, matched against the caller's last words) fits answers. */
export interface AnswerRule {
  when?: string;
  /** `{{words}}` is replaced by the caller's last words. */
  say?: string;
  call?: { name: string; arguments: unknown }[];
  /** After the results of the calls came back. */
  then?: string;
}

export type FaultKind =
  /** Connection refused by closing it at once. */
  | 'reset'
  /** Nothing comes any more; the connection stays. */
  | 'stall'
  /** One byte (or a tiny message) a second. */
  | 'trickle'
  /** WebSocket close with `code` (1000, 1006 without a close frame, 1011). */
  | 'close'
  /** HTTP answer (also to an upgrade) with `status`, `retryAfterS`. */
  | 'status'
  /** 200 with a web page. */
  | 'html'
  /** A message cut in its middle. */
  | 'truncated-json'
  /** The provider's own error message inside the stream. */
  | 'error-message'
  | 'late-final'
  | 'duplicate-final'
  /** Finals never come. */
  | 'no-final'
  /** Sound at another rate than asked for. */
  | 'wrong-rate'
  /** Right length, only silence. */
  | 'silence'
  /** It never ends. */
  | 'endless'
  /** Tool arguments that are no JSON, or not of the schema. */
  | 'invalid-arguments'
  /** An answer without a word. */
  | 'empty';

export interface Fault {
  kind: FaultKind;
  stage: 'transcriber' | 'language-model' | 'synthesizer' | 'speech-to-speech' | 'embedder';
  /** `connect`: before anything; `start`: accepted, before the first result; `middle`: after the first results. */
  at: 'connect' | 'start' | 'middle';
  status?: number;
  retryAfterS?: number;
  code?: number;
  /** How late a late final is. */
  delayMs?: number;
  /** Requests or streams it hits, counted from the first that qualifies; Infinity unless said otherwise. */
  times?: number;
  /** Share of requests it hits, drawn from the seed; 1 unless said otherwise. */
  share?: number;
}

export interface Scenario {
  seed: number;
  heard: readonly HeardSegment[];
  answers: readonly AnswerRule[];
  delays: Partial<Record<Stage, Delay>>;
  /** Per provider, instead of `delays`. */
  delaysOf: Partial<Record<ProviderName, Partial<Record<Stage, Delay>>>>;
  faults: Partial<Record<ProviderName, readonly Fault[]>>;
  /** Watermark tones of the measures, or speech-like sound. Leading silence as real voices have it. */
  voice: 'watermark' | 'speech';
  leadingSilenceMs: number;
  /** Length of spoken text. */
  msPerCharacter: number;
  /** Interim results while the caller speaks. */
  partialEveryMs: number;
  /** Silence after which the transcribers' own detection ends a turn. */
  endOfTurnMs: number;
  /** Concurrent streams a key may have, requests a minute; beyond it 429. */
  limits: { streams: number; requestsPerMinute: number };
}

export const defaultScenario: Scenario = {
  seed: 1,
  heard: [{ text: 'When are you open?' }],
  answers: [{ say: 'You said {{words}} Thank you.' }],
  delays: {},
  delaysOf: {},
  faults: {},
  voice: 'watermark',
  leadingSilenceMs: 0,
  msPerCharacter: 60,
  partialEveryMs: 250,
  endOfTurnMs: 250,
  limits: { streams: Infinity, requestsPerMinute: Infinity },
};

/** What happened, on one monotonic clock. */
export interface ProviderEvent {
  /** `performance.now()` of the provider's process plus its time origin: milliseconds since 1970, monotonic within a run. */
  atMs: number;
  provider: ProviderName;
  stage: Fault['stage'];
  /** Counts connections (WebSocket) and requests (HTTP). */
  connection: number;
  event:
    | 'opened'
    | 'request'
    | 'voice-started'
    | 'voice-ended'
    | 'partial'
    | 'eager'
    | 'final'
    | 'end-of-turn'
    | 'first-token'
    | 'last-token'
    | 'text'
    | 'first-speech'
    | 'last-speech'
    | 'cancelled'
    | 'fault'
    | 'closed';
  /** Words, or the fault. */
  detail?: string;
  /** The delay that was drawn for this event: what a measurement subtracts. */
  declaredMs?: number;
  /** Watermark of spoken sound: turn number (0…15). */
  mark?: number;
  /** The whole request, for tests of prompts. */
  body?: unknown;
}
