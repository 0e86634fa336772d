/**
 * A Leg is one party's connection to a call: sound and digits both ways. Incoming sound is pushed, one frame every
 * 20 ms from answer to the end (concealed when nothing arrived); outgoing sound is pulled from one {@link Playout} at
 * a time. Every room's legs pass `leg.contract.ts`.
 */
import type { Frame, Sound, SoundFormat } from '#audio/frame.ts';

/** Why a leg ended, as far as its wire tells. */
export type LegEndCause = 'hung-up' | 'media-lost' | 'signalling-lost' | 'local' | 'error';

/**
 * What a leg tells its owner, synchronously. No listener may block or throw; `sound` arrays are only valid during
 * the call of `frame`.
 */
export interface LegListener {
  /** Every 20 ms. `sent` is what left on the wire in the same 20 ms; undefined when that was silence. */
  frame(heard: Frame, sent: Sound | undefined): void;
  /** Exactly once per key press. */
  digit(digit: string): void;
  /** Words typed instead of spoken (browser). */
  typed(text: string): void;
  /** Words the caller's own device recognised (browser); replaces a transcriber. */
  recognised(text: string, final: boolean, confidence: number | undefined): void;
  /** Exactly once, and nothing after it. */
  ended(cause: LegEndCause): void;
}

export interface LegStats {
  packetsReceived: number;
  packetsLost: number;
  packetsConcealed: number;
  /** Interarrival jitter (RFC 3550 §6.4.1), milliseconds. */
  jitterMs: number;
  framesSent: number;
  /** Frames sent more than 5 ms after their deadline. */
  framesLate: number;
}

/** Sound as a synthesizer makes it: any length, in the leg's format. */
export type SpeechSource = AsyncIterable<Sound>;

export type PlayoutState = 'waiting' | 'playing' | 'paused' | 'ended';

/**
 * Sound on its way out. `playedMs` counts what left on the wire, to the frame (what is repeated after `resume(fromMs)`
 * counts once, so it never falls). One leg plays one Playout at a time:
 * `leg.play` stops the one before.
 */
export interface Playout {
  readonly state: PlayoutState;
  readonly playedMs: number;
  /** Milliseconds pulled from the source and not yet played. */
  readonly bufferedMs: number;
  /** Resolves with the clock's time when the first audible frame left; undefined if none ever did. */
  readonly started: Promise<number | undefined>;
  /** Resolves once: the source ran out and everything was played, or it was stopped, failed, or the leg ended. */
  readonly finished: Promise<PlayoutEnd>;
  /** Lowers (or with 0 restores, over 40 ms) the volume. */
  duck(decibels: number): void;
  /** Silence from the next frame on; the position is kept. */
  pause(): void;
  /** Goes on, from `fromMs` when given (at most 10 s back), else from where it paused. */
  resume(fromMs?: number): void;
  /** Silence from the next frame on and nothing more of this source, ever. Returns `playedMs`. */
  stop(): number;
}

export interface PlayoutEnd {
  playedMs: number;
  /** `failed`: the source threw; `error` says what. */
  how: 'played' | 'stopped' | 'failed';
  error?: unknown;
}

export interface Caption {
  party: 'caller' | 'assistant';
  turn: number;
  text: string;
  final: boolean;
}

export interface Leg {
  readonly id: string;
  readonly gateway: string;
  /** The codec on the wire (`PCMU`, `PCMA`, `G722`, `L16`). */
  readonly codec: string;
  /** What `frame` brings and `play` takes; fixed for the leg's life whatever the wire's codec becomes. */
  readonly format: SoundFormat;
  /** True when the caller's device recognises speech itself and calls `recognised`. */
  readonly recognises: boolean;
  /** Starts the flow of frames. One listener, once. */
  attach(listener: LegListener): void;
  play(source: SpeechSource): Playout;
  /** Resolves when the digits have been sent. Rejects where the wire cannot (Twilio media streams). */
  sendDigits(digits: string): Promise<void>;
  /** Shows words where the caller has a screen; does nothing elsewhere. */
  caption(caption: Caption): void;
  /** Idempotent. `ended('local')` follows. Resolves when the wire has been told (at most 2 s). */
  hangUp(ending?: { by: string; reason: string }): Promise<void>;
  stats(): LegStats;
}
