/** What a wire is to the load generator: it dials, carries 20 ms frames of µ-law both ways and hangs up. */
import type { OwnTime } from './lateness.ts';

/** Bytes of 20 ms of µ-law. */
export const FRAME = 160;
export const FRAME_MS = 20;
/** µ-law silence. */
export const SILENCE = 0xff;

export const wireNames = ['sip', 'twilio', 'browser'] as const;
export type WireName = (typeof wireNames)[number];

/** What a line tells its caller, synchronously. */
export interface LineListener {
  /** 10 ms with this mean power of a sample (16-bit scale), audible from `at` on. */
  heard(power: number, at: number): void;
  /** The far end ended the call, or its connection broke. Once, and nothing after it. */
  ended(why: string): void;
}

/** Of what came from the server. Frames of 20 ms; `judged` and `late` as in lateness.ts. */
export interface LineCounts {
  frames: number;
  lost: number;
  judged: number;
  late: number;
}

/** An answered call. Nothing here blocks or throws. */
export interface LoadLine {
  /** The next 20 ms: `sound[offset, offset + 160)`, or silence. Called once per 20 ms, at the caller's own place in the loop. */
  send(sound: Uint8Array | undefined, offset: number): void;
  press(digits: string): void;
  counts(): LineCounts;
  /** Says goodbye. The line is silent afterwards; idempotent. */
  hangUp(): void;
}

export interface DialRequest {
  /** Counts calls from 0. */
  call: number;
  /** Of the caller: E.164. */
  from: string;
  listener: LineListener;
  /** Says whether our own loop was on time. */
  own: OwnTime;
}

/** The server said no. */
export class Refused extends Error {
  /** The protocol's word for it: `503`, `486`, `capacity-reached`. */
  readonly status: string;

  constructor(status: string, words: string) {
    super(`${status} ${words}`.trim());
    this.name = 'Refused';
    this.status = status;
  }
}

export interface LoadWire {
  start(): Promise<void>;
  /** Resolves when the call is answered. Rejects with {@link Refused}, or with an error where it failed. */
  dial(request: DialRequest): Promise<LoadLine>;
  /** Hands over what has arrived, and lets leave what was sent, where the wire does not do so by itself. */
  arrive?(): void;
  depart?(): void;
  /** Ends what is left and closes every socket. */
  stop(): Promise<void>;
}
