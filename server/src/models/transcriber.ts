/** Speech to words. A stream per call; frames are pushed, transcripts come back through one listener. */
import type { WordTime } from '@tandem/contract';
import type { Frame, SoundFormat } from '#audio/frame.ts';
import type { VendorError } from '#kit/errors.ts';

export interface Transcript {
  text: string;
  /** Start and end of the words on the leg's clock (milliseconds since answer). */
  fromAt: number;
  toAt: number;
  confidence: number | undefined;
  words: WordTime[] | undefined;
}

/** Synchronous; never blocks or throws. Nothing is called after `close()`. */
export interface TranscriptListener {
  /** Words so far of what is being said; replaces the partial before. */
  partial(transcript: Transcript): void;
  /** Words that will not change. Empty text: something was said that is not words (or not in the grammar). */
  final(transcript: Transcript): void;
  /** The transcriber's own end-of-turn signal, where it has one; a final comes first. */
  endOfTurn?(): void;
  /** The caller has probably finished: the newest words may be answered in secret. `endOfTurn` or `turnResumed` follows. */
  eagerEndOfTurn?(): void;
  /** The caller went on after all. */
  turnResumed?(): void;
  /** The stream is dead. */
  failed(error: VendorError): void;
}

export interface TranscriptionStream {
  /** Copies what it keeps. */
  push(frame: Frame): void;
  /** Our own voice activity heard speech start or end at `at`: a hint for transcribers that segment by it. */
  speechStarted(at: number): void;
  speechEnded(at: number): void;
  close(): void;
}

export interface TranscriberOptions {
  format: SoundFormat;
  language: string;
  /** Spoken perhaps as well, where the vendor can tell languages apart. */
  otherLanguages?: readonly string[];
  /** Phrases the caller is likely to say (approved questions, names): a grammar or a bias, as the vendor can. */
  phrases: readonly string[];
  listener: TranscriptListener;
}

export interface Transcriber {
  readonly name: string;
  /** The vendor's name of the model, for prices and reports. */
  readonly model?: string;
  /** It decides itself when a turn ends (`endOfTurn`): silence alone then commits only late. */
  readonly endsTurns?: boolean;
  /** True when only `phrases` (and close variants) can be understood. */
  readonly closedGrammar: boolean;
  /** True when it wants frames of speech only, with the 300 ms before (after `speechStarted`); absent: every frame. */
  readonly speechOnly?: boolean;
  /** Returns at once; a failure to connect arrives as `failed`. */
  open(options: TranscriberOptions): TranscriptionStream;
  /** Makes the first call's stream cheap to open; resolves when ready. */
  warm(phrases: readonly string[]): Promise<void>;
  close(): Promise<void>;
}
