/**
 * The ear of a conversation: frames become speech edges and words. Times leave it on the call's clock; frames and
 * transcripts come in on the leg's.
 */
import type { WordTime } from '@tandem/contract';
import { FRAME_MS, type Frame, type Sound, type SoundFormat } from '#audio/frame.ts';
import type { Timer } from '#kit/clock.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Transcriber, Transcript, TranscriptionStream } from '#models/transcriber.ts';
import type { VoiceActivityDetector } from '#models/voice-activity.ts';
import { SpeechEdges } from './speech-edges.ts';

/** Sound before the detected start of speech that a transcriber of speech only is given. */
const PRE_ROLL_FRAMES = 300 / FRAME_MS;
/** A stream that dies is opened again after these waits; then the ear is deaf. */
const REOPEN_AFTER_MS = [500, 2_000];

/** Words on the call's clock. `fromAt` and `toAt` are absent where nobody knows when they were said. */
export interface HeardWords {
  text: string;
  final: boolean;
  fromAt: number | undefined;
  toAt: number | undefined;
  confidence: number | undefined;
  words: WordTime[] | undefined;
}

/** Synchronous. All times on the call's clock. */
export interface EarListener {
  speechStarted(fromAt: number): void;
  speechSustained(): void;
  speechEnded(fromAt: number, toAt: number): void;
  words(heard: HeardWords): void;
  endOfTurn(voiceToAt: number): void;
  /** The transcriber is gone for good. */
  deaf(error: VendorError): void;
}

export interface EarOptions {
  kit: Kit;
  format: SoundFormat;
  voiceActivity: VoiceActivityDetector;
  /** Undefined when the caller's own device recognises, or nobody does. */
  transcriber: Transcriber | undefined;
  language: string;
  phrases: readonly string[];
  sustainMs: number;
  now: () => number;
  listener: EarListener;
}

export class Ear {
  readonly #options: EarOptions;
  readonly #edges: SpeechEdges;
  readonly #preRoll: PreRoll | undefined;
  #stream: TranscriptionStream | undefined;
  #reopen: { timer: Timer | undefined; times: number } = { timer: undefined, times: 0 };
  /** Call's clock minus leg's clock: the smallest seen, because a frame can only be late. */
  #offset = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(options: EarOptions) {
    this.#options = options;
    this.#edges = new SpeechEdges(options.sustainMs);
    if (options.transcriber?.speechOnly) this.#preRoll = new PreRoll(options.format);
  }

  open(): void {
    const { transcriber, format, language, phrases } = this.#options;
    if (!transcriber || this.#closed) return;
    const current = () => !this.#closed && stream === this.#stream;
    let stream: TranscriptionStream | undefined;
    this.#stream = undefined;
    try {
      stream = transcriber.open({
        format,
        language,
        phrases,
        listener: {
          partial: (transcript) => current() && this.#heard(transcript, false),
          final: (transcript) => current() && this.#heard(transcript, true),
          endOfTurn: () => current() && this.#options.listener.endOfTurn(this.#callTime(this.#edges.to)),
          failed: (error) => current() && this.#failed(error),
        },
      });
    } catch (error) {
      // Also from a timer: a transcriber that cannot even be opened leaves the ear deaf, never the call broken.
      this.#failed(
        error instanceof VendorError ? error : new VendorError(transcriber.name, 'permanent', messageOf(error), { cause: error }),
      );
      return;
    }
    this.#stream = stream;
  }

  /** Every 20 ms. Never throws, never waits. */
  frame(heard: Frame, sent: Sound | undefined): void {
    if (this.#closed) return;
    const { listener, voiceActivity, now } = this.#options;
    // The frame is delivered when its 20 ms are over.
    this.#offset = Math.min(this.#offset, now() - heard.at - FRAME_MS);
    const edge = this.#edges.push(voiceActivity.detect(heard, sent).speech, heard.at);
    if (edge === 'started') {
      this.#stream?.speechStarted(this.#edges.from);
      if (this.#stream) this.#preRoll?.flush(this.#stream);
      listener.speechStarted(this.#callTime(this.#edges.from));
    } else if (edge === 'sustained') {
      listener.speechSustained();
    }
    if (!this.#preRoll || this.#edges.speaking || edge === 'ended') this.#stream?.push(heard);
    else this.#preRoll.keep(heard);
    if (edge === 'ended') {
      listener.speechEnded(this.#callTime(this.#edges.from), this.#callTime(this.#edges.to));
      // Last, because a transcriber may answer with the final at once.
      this.#stream?.speechEnded(this.#edges.to);
    }
  }

  /** Words from the caller's own device. */
  recognised(text: string, final: boolean, confidence: number | undefined): void {
    if (this.#closed) return;
    this.#options.listener.words({ text, final, fromAt: undefined, toAt: undefined, confidence, words: undefined });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reopen.timer?.cancel();
    this.#stream?.close();
    this.#stream = undefined;
    this.#options.voiceActivity.close();
  }

  #heard(transcript: Transcript, final: boolean): void {
    const { text, confidence, words } = transcript;
    // A transcriber that does not know the time says 0.
    const timed = transcript.toAt > 0;
    const fromAt = timed ? this.#callTime(transcript.fromAt) : undefined;
    const toAt = fromAt === undefined ? undefined : Math.max(fromAt, this.#callTime(transcript.toAt));
    this.#options.listener.words({ text, final, fromAt, toAt, confidence, words });
  }

  #callTime(legAt: number): number {
    return Math.max(0, Number.isFinite(this.#offset) ? legAt + this.#offset : legAt);
  }

  #failed(error: VendorError): void {
    const { kit, listener } = this.#options;
    this.#stream?.close();
    this.#stream = undefined;
    const waitMs = error.category === 'retryable' || error.category === 'rate-limited' ? REOPEN_AFTER_MS[this.#reopen.times] : undefined;
    kit.log.warn({ error, again: waitMs !== undefined }, 'the transcriber failed');
    if (waitMs === undefined) return listener.deaf(error);
    this.#reopen.times++;
    this.#reopen.timer = kit.clock.after(waitMs, () => this.open());
  }
}

/** The newest 300 ms, copied. */
class PreRoll {
  readonly #frames: Frame[];
  #next = 0;
  #count = 0;

  constructor(format: SoundFormat) {
    this.#frames = Array.from({ length: PRE_ROLL_FRAMES }, () => ({ at: 0, format, sound: new Uint8Array(0), concealed: false }));
  }

  keep(frame: Frame): void {
    const slot = this.#frames[this.#next];
    if (slot.sound.length !== frame.sound.length) slot.sound = frame.sound.slice();
    else slot.sound.set(frame.sound);
    slot.at = frame.at;
    slot.concealed = frame.concealed;
    this.#next = (this.#next + 1) % PRE_ROLL_FRAMES;
    this.#count = Math.min(PRE_ROLL_FRAMES, this.#count + 1);
  }

  flush(into: TranscriptionStream): void {
    for (let i = this.#count; i > 0; i--) into.push(this.#frames[(this.#next - i + PRE_ROLL_FRAMES) % PRE_ROLL_FRAMES]);
    this.#count = 0;
  }
}
