/** The answers of a model that hears and speaks: each one from its beginning to what is heard of it, its tools among them. */
import type { Sound } from '#audio/frame.ts';
import type { VendorError } from '#kit/errors.ts';
import type { ModelToolCall } from '#models/language-model.ts';
import type { SpeechSessionListener, SpeechToSpeech } from '#models/speech-to-speech.ts';
import { END_CALL } from './answer.ts';
import type { DirectEar } from './direct-ear.ts';
import type { DirectModel } from './direct-model.ts';
import type { DirectMouth } from './direct-mouth.ts';
import type { DirectRecord } from './direct-record.ts';
import type { DirectTools } from './direct-tools.ts';

export interface DirectAnswersParts {
  vendor: SpeechToSpeech;
  model: DirectModel;
  mouth: DirectMouth;
  ear: DirectEar;
  record: DirectRecord;
  tools: DirectTools;
  /** The call's clock. */
  now: () => number;
  /** Aborts when the caller interrupts. */
  signal: () => AbortSignal;
  listener: DirectAnswersListener;
}

/** What is told about the caller and the session itself is somebody else's. */
export interface DirectSessionListener {
  /** Runs whatever the session tells, while it is wanted. */
  told: (run: () => void) => void;
  speechStarted: () => void;
  turnCommitted: () => void;
  failed: (error: VendorError) => void;
}

export interface DirectAnswersListener {
  /** The model has given an answer up. */
  cancelled(): void;
  /** One failed before there was any sound of it. */
  failed(): void;
  /** The call ends when everything was said. */
  goodbye(): void;
  /** A tool's result is there. */
  returned(): void;
}

export class DirectAnswers {
  readonly #parts: DirectAnswersParts;

  constructor(parts: DirectAnswersParts) {
    this.#parts = parts;
  }

  /** For the session. */
  listener({ told, speechStarted, turnCommitted, failed }: DirectSessionListener): SpeechSessionListener {
    const { vendor, model, mouth, ear, record } = this.#parts;
    return {
      ready: () => told(() => model.becameReady()),
      speechStarted: () => told(speechStarted),
      speechStopped: () => told(() => model.hear(false)),
      turnCommitted: () => told(turnCommitted),
      callerSaid: (text, final) => told(() => record.turns.said(text, final, ear.last)),
      answerStarted: (item) => told(() => this.#begin(item)),
      sound: (item, sound) => told(() => this.#sound(item, sound)),
      words: (item, text) => told(() => mouth.words(item, text)),
      answerEnded: (item, how) => told(() => this.#ended(item, how)),
      toolCalled: (call) => told(() => this.#toolCalled(call)),
      used: (usage) => told(() => record.usage.addSpeech(vendor, usage)),
      failed,
    };
  }

  #begin(item: string): void {
    const { model, mouth, ear, record, now } = this.#parts;
    const kind = model.begins(item);
    if (kind === undefined) return;
    record.stages.firstTokenAt ??= now();
    if (kind === 'answer') ear.answered();
    if (!mouth.begin({ item, turn: record.turns.turn, kind })) model.cancel();
  }

  #sound(item: string, sound: Sound): void {
    const { model, mouth, record, now } = this.#parts;
    if (mouth.has(item)) record.stages.firstAudioAt ??= now();
    if (mouth.sound(item, sound)) return;
    // What came is still heard.
    mouth.end(item);
    model.cancel();
  }

  #ended(item: string, how: 'complete' | 'cancelled' | 'failed'): void {
    const { model, mouth, listener } = this.#parts;
    model.ended(item);
    const whole = mouth.of(item)?.complete ?? true;
    const reply = mouth.end(item);
    if (how === 'cancelled' && !whole) return listener.cancelled();
    if (how !== 'failed' || !reply || reply.receivedMs > 0) return;
    model.owe();
    listener.failed();
  }

  #toolCalled(call: ModelToolCall): void {
    const { model, record, tools, signal, listener } = this.#parts;
    const { turn } = record.turns;
    if (call.name === END_CALL) return this.#endCall(call);
    model.owe();
    void tools.run(turn, call, signal()).then((result) => {
      model.toolReturned(call.id, result);
      if (turn === record.turns.turn) model.owe();
      listener.returned();
    });
  }

  /** The goodbye was said in the same breath, or is said now. */
  #endCall(call: ModelToolCall): void {
    const { model, mouth, listener } = this.#parts;
    listener.goodbye();
    if (mouth.speaking || model.making) return;
    model.toolReturned(call.id, '{"ok":true,"now":"Say goodbye."}');
    model.owe();
  }
}
