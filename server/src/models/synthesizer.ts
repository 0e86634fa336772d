/** Words to speech, clause by clause. */
import type { WordTime } from '@tandem/contract';
import type { Sound, SoundFormat } from '#audio/frame.ts';

export interface SpeechRequest {
  text: string;
  /** A vendor that has no such voice speaks with its own default. */
  voice: string;
  language: string;
  format: SoundFormat;
  /** Clauses of one reply share it: a vendor with continuation contexts keeps the melody going. */
  reply?: string;
  signal: AbortSignal;
}

/** A piece of speech. `words` are timed from the start of the request's sound; estimated where the vendor gives none. */
export interface SpeechPart {
  sound: Sound;
  words?: WordTime[];
}

export interface Synthesizer {
  readonly name: string;
  /** The vendor's name of the model, for prices and reports. */
  readonly model?: string;
  /** Streams parts in order, leading silence trimmed. Throws `VendorError`, or the signal's reason when aborted. */
  speak(request: SpeechRequest): AsyncIterable<SpeechPart>;
  warm(): Promise<void>;
  close(): Promise<void>;
}
