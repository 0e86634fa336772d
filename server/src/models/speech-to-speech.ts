/**
 * One model that hears and speaks: sound in, sound out, turns of its own. A session per call; frames are pushed, what the
 * model does comes back through one listener. What the caller really heard is told back ({@link SpeechSession.truncate}).
 */
import type { Frame, Sound, SoundFormat } from '#audio/frame.ts';
import type { VendorError } from '#kit/errors.ts';
import type { ModelTool, ModelToolCall } from './language-model.ts';
import type { TranscriptionStream } from './transcriber.ts';

export interface SpeechUsage {
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  inputAudioTokens: number;
  outputAudioTokens: number;
}

/** Synchronous; never blocks or throws. Nothing is called after `close()`. `item` names one answer of the model. */
export interface SpeechSessionListener {
  /** Connected and configured; sound pushed before this was kept (2 s at most) and is sent now. */
  ready(): void;
  /** The model's own turn detection. Times on the leg's clock. On `started` over its own speech it has given up its answer. */
  speechStarted(at: number): void;
  speechStopped(at: number): void;
  /** The caller's turn is complete; the answer follows. */
  turnCommitted(): void;
  /** What the caller said; may come after the answer has begun. */
  callerSaid(text: string, final: boolean): void;
  answerStarted(item: string): void;
  /** In the session's format; faster than real time. */
  sound(item: string, sound: Sound): void;
  /** Words of the answer, streamed roughly with its sound. */
  words(item: string, text: string): void;
  /** `cancelled`: the caller interrupted, or `cancel` was called. */
  answerEnded(item: string, how: 'complete' | 'cancelled' | 'failed'): void;
  /** The answer waits for the result ({@link SpeechSession.toolReturned}). */
  toolCalled(call: ModelToolCall): void;
  used(usage: SpeechUsage): void;
  /** The session is dead. */
  failed(error: VendorError): void;
}

export interface SpeechSessionOptions {
  format: SoundFormat;
  instructions: string;
  language: string;
  voice: string;
  tools: readonly ModelTool[];
  eagerness: 'low' | 'medium' | 'high';
  listener: SpeechSessionListener;
}

export interface SpeechSession extends Pick<TranscriptionStream, 'close'> {
  /** Copies what it keeps. */
  push(frame: Frame): void;
  /** Asks for an answer now: `text` is to be said as it stands (the greeting, a stock line). */
  say(text: string): void;
  /** Words the caller typed or keyed; an answer follows. */
  typed(text: string): void;
  /** The caller heard `heardMs` of `item` and nothing after it. */
  truncate(item: string, heardMs: number): void;
  /** Stops the answer in the making. */
  cancel(): void;
  toolReturned(toolCallId: string, result: string): void;
}

export interface SpeechToSpeech {
  readonly name: string;
  readonly model?: string;
  /** Returns at once; a failure to connect arrives as `failed`. */
  open(options: SpeechSessionOptions): SpeechSession;
  close(): Promise<void>;
}
