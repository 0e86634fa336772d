/**
 * The ear of a conversation: frames become speech edges and words. Times leave it on the call's clock; frames and
 * transcripts come in on the leg's.
 */
import type { WordTime } from '@tandem/contract';
import { FRAME_MS, type Frame, type Sound, type SoundFormat } from '#audio/frame.ts';
import type { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { EndOfTurnDetector } from '#models/end-of-turn.ts';
import type { Transcriber, Transcript } from '#models/transcriber.ts';
import type { VoiceActivityDetector } from '#models/voice-activity.ts';
import type { ProviderHealth } from './provider-health.ts';
import { Recognition } from './recognition.ts';
import { SpeechEdges } from './speech-edges.ts';
import type { UsageMeter } from './usage.ts';

/** The most that counts: a stalled process is no reason to take a short sound for a long one. */
const MOST_WAITED_MS = 120;

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
  /** The transcriber: the caller has probably finished, and after all has not. */
  eagerEndOfTurn(): void;
  turnResumed(): void;
  /** A model of the sound, asked when the voice stopped at `voiceToAt`. */
  turnJudged(voiceToAt: number, probability: number): void;
  transcriberFailed(transcriber: Transcriber, error: VendorError, next: Transcriber | undefined): void;
  /** Every transcriber is gone for good. */
  deaf(error: VendorError): void;
}

export interface EarOptions {
  kit: Kit;
  format: SoundFormat;
  voiceActivity: VoiceActivityDetector;
  /** Empty when the caller's own device recognises, or nobody does. */
  transcribers: readonly Transcriber[];
  /** This call's own; closed with it. */
  endOfTurn: EndOfTurnDetector | undefined;
  health: ProviderHealth;
  usage: UsageMeter;
  language: string;
  otherLanguages?: readonly string[];
  phrases: readonly string[];
  sustainMs: number;
  now: () => number;
  listener: EarListener;
}

export class Ear {
  readonly #options: EarOptions;
  readonly #edges: SpeechEdges;
  readonly #recognition: Recognition | undefined;
  /** Call's clock minus leg's clock: the smallest seen, because a frame can only be late. */
  #offset = Number.POSITIVE_INFINITY;
  /** When the newest voiced frame arrived on the wire, on the process's clock. */
  #voiceArrivedAt = Number.NaN;
  #closed = false;

  constructor(options: EarOptions) {
    this.#options = options;
    this.#edges = new SpeechEdges(options.sustainMs);
    const [first, ...others] = options.transcribers;
    const { listener } = options;
    if (!first) return;
    this.#recognition = new Recognition({
      ...options,
      transcribers: [first, ...others],
      listener: {
        heard: (transcript, final) => this.#heard(transcript, final),
        endOfTurn: () => listener.endOfTurn(this.#callTime(this.#edges.to)),
        eagerEndOfTurn: () => listener.eagerEndOfTurn(),
        turnResumed: () => listener.turnResumed(),
        failed: (transcriber, error, next) => listener.transcriberFailed(transcriber, error, next),
        deaf: (error) => listener.deaf(error),
      },
    });
  }

  /** It says itself when a turn ends. */
  get endsTurns(): boolean {
    return this.#recognition?.transcriber.endsTurns ?? false;
  }

  /** When the newest voiced frame arrived on the wire, on the call's clock; undefined where nobody can tell. */
  get voiceArrivedAt(): number | undefined {
    const { kit, now } = this.#options;
    return Number.isFinite(this.#voiceArrivedAt) ? Math.max(0, now() - (kit.clock.now() - this.#voiceArrivedAt)) : undefined;
  }

  open(): void {
    if (!this.#closed) this.#recognition?.open();
  }

  /** Every 20 ms; `now` on the call's clock, where it was just asked. Never throws, never waits. */
  frame(heard: Frame, sent: Sound | undefined, now = this.#options.now()): void {
    if (this.#closed) return;
    const { listener, voiceActivity, endOfTurn } = this.#options;
    const edges = this.#edges;
    // The frame is delivered when its 20 ms are over.
    const offset = now - heard.at - FRAME_MS;
    if (offset < this.#offset) this.#offset = offset;
    const { speech } = voiceActivity.detect(heard, sent);
    if (speech) this.#voiceArrivedAt = heard.arrivedAt ?? Number.NaN;
    // How late it came counts for speech that goes on alone.
    const edge = edges.push(speech, heard.at, speech && edges.speaking ? this.#waited(heard) : 0);
    this.#recognition?.push(heard, edge === 'sustained' ? undefined : edge, edges.from, edges.to);
    endOfTurn?.push(heard);
    if (edge === undefined) return;
    if (edge === 'started') listener.speechStarted(this.#callTime(this.#edges.from));
    else if (edge === 'sustained') listener.speechSustained();
    else if (edge === 'ended') {
      listener.speechEnded(this.#callTime(this.#edges.from), this.#callTime(this.#edges.to));
      this.#recognition?.speechEnded(this.#edges.to);
      this.#judge(this.#callTime(this.#edges.to));
    }
  }

  /** How long a frame waited in the jitter buffer, milliseconds; 0 where nobody can tell. */
  #waited({ arrivedAt = Number.NaN }: Frame): number {
    const waited = this.#options.kit.clock.now() - arrivedAt;
    return waited > 0 ? Math.min(waited, MOST_WAITED_MS) : 0;
  }

  /** Words from the caller's own device. */
  recognised(text: string, final: boolean, confidence: number | undefined): void {
    if (this.#closed) return;
    this.#options.listener.words({ text, final, fromAt: undefined, toAt: undefined, confidence, words: undefined });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#recognition?.close();
    this.#options.voiceActivity.close();
    this.#options.endOfTurn?.close();
  }

  /** Adds the sound listened to since the last time to the usage. */
  account(): void {
    this.#recognition?.account();
  }

  #judge(voiceTo: number): void {
    const { endOfTurn, listener } = this.#options;
    if (!endOfTurn || this.#closed) return;
    void endOfTurn.ask().then((probability) => {
      if (probability !== undefined && !this.#closed) listener.turnJudged(voiceTo, probability);
    });
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
}

/** An ear for the edges of speech alone: somebody else understands the words. */
export function earForEdges(
  options: Omit<EarOptions, 'transcribers' | 'endOfTurn' | 'phrases' | 'listener'>,
  edges: Pick<EarListener, 'speechStarted' | 'speechSustained' | 'speechEnded'>,
): Ear {
  const nothing = () => {};
  const listener: EarListener = {
    ...edges,
    words: nothing,
    endOfTurn: nothing,
    eagerEndOfTurn: nothing,
    turnResumed: nothing,
    turnJudged: nothing,
    transcriberFailed: nothing,
    deaf: nothing,
  };
  return new Ear({ ...options, transcribers: [], endOfTurn: undefined, phrases: [], listener });
}
