/**
 * A transcriber that is told what it hears. Its time is the leg's: everything happens on a pushed frame or a hint of voice
 * activity, so it needs no timer, costs nearly nothing, and repeats exactly.
 */
import type { WordTime } from '@tandem/contract';
import { FRAME_MS, type Frame } from '#audio/frame.ts';
import { VendorError } from '#kit/errors.ts';
import type { Transcriber, TranscriberOptions, Transcript, TranscriptionStream } from '../transcriber.ts';

export interface ScriptedTranscriberOptions {
  /** Lines heard one after the other, one per utterance that voice activity marks, and again from the first. */
  lines?: readonly string[];
  /** From a word's end to the partial that holds it; from the end of speech to the final. */
  partialDelayMs?: number;
  finalDelayMs?: number;
  confidence?: number;
  /** Sends its own end-of-turn signal right after each final. */
  endOfTurn?: boolean;
}

export interface Utterance {
  /** When it begins on the leg's clock; now when absent. */
  at?: number;
  wordMs?: number;
  confidence?: number;
}

const WORD_MS = 280; // a calm speaker: 170 words a minute with the gaps
const STREAMS_KEPT = 64; // latest streams that a test may look at
const QUEUED_LINES = 1_000;

export class ScriptedTranscriber implements Transcriber {
  readonly name = 'scripted';
  readonly closedGrammar = false;
  readonly options: Required<Omit<ScriptedTranscriberOptions, 'lines'>>;
  /** Open streams, oldest first. */
  readonly streams: ScriptedStream[] = [];
  #lines: readonly string[];
  #queued: string[] = [];

  constructor(options: ScriptedTranscriberOptions = {}) {
    this.#lines = options.lines ?? [];
    this.options = {
      partialDelayMs: options.partialDelayMs ?? 0,
      finalDelayMs: options.finalDelayMs ?? 0,
      confidence: options.confidence ?? 1,
      endOfTurn: options.endOfTurn ?? false,
    };
  }

  open(options: TranscriberOptions): ScriptedStream {
    const stream = new ScriptedStream(this, options);
    this.streams.push(stream);
    if (this.streams.length > STREAMS_KEPT) this.streams.shift();
    return stream;
  }

  /** The next utterance that any stream hears will be this. */
  hearNext(line: string): void {
    if (this.#queued.length < QUEUED_LINES) this.#queued.push(line);
  }

  /** What the `index`-th utterance of a stream says: a queued line, else the script. */
  lineFor(index: number): string | undefined {
    return this.#queued.shift() ?? (this.#lines.length > 0 ? this.#lines[index % this.#lines.length] : undefined);
  }

  /** Called by a stream that closes. */
  forget(stream: ScriptedStream): void {
    const index = this.streams.indexOf(stream);
    if (index >= 0) this.streams.splice(index, 1);
  }

  warm(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    for (const stream of this.streams.splice(0)) stream.close();
    return Promise.resolve();
  }
}

interface Saying {
  words: WordTime[];
  fromAt: number;
  toAt: number;
  confidence: number;
  partials: number;
}

export class ScriptedStream implements TranscriptionStream {
  #transcriber: ScriptedTranscriber;
  #options: TranscriberOptions;
  #now = 0;
  #utterances = 0;
  #startedAt: number | undefined;
  #sayings: Saying[] = [];
  #closed = false;

  constructor(transcriber: ScriptedTranscriber, options: TranscriberOptions) {
    this.#transcriber = transcriber;
    this.#options = options;
  }

  /** The caller says this: partials word by word, then the final, as frames bring the time on. */
  says(text: string, utterance: Utterance = {}): void {
    const fromAt = utterance.at ?? this.#now;
    const wordMs = utterance.wordMs ?? WORD_MS;
    const words = text
      .split(/\s+/)
      .filter(Boolean)
      .map((word, index) => ({ text: word, fromMs: index * wordMs, toMs: (index + 1) * wordMs }));
    const confidence = utterance.confidence ?? this.#transcriber.options.confidence;
    this.#sayings.push({ words, fromAt, toAt: fromAt + Math.max(1, words.length) * wordMs, confidence, partials: 0 });
    this.#advance();
  }

  /** The stream dies. */
  fails(error: VendorError = new VendorError('scripted', 'retryable', 'the script says so')): void {
    if (this.#closed) return;
    this.close();
    this.#options.listener.failed(error);
  }

  push(frame: Frame): void {
    if (this.#closed) return;
    this.#now = frame.at + FRAME_MS;
    if (this.#sayings.length > 0) this.#advance();
  }

  speechStarted(at: number): void {
    this.#startedAt = at;
  }

  /** With a line to hear: its final is due `finalDelayMs` after `at`, at once when that is 0. */
  speechEnded(at: number): void {
    if (this.#closed) return;
    const line = this.#transcriber.lineFor(this.#utterances++);
    if (line === undefined) return;
    const fromAt = Math.min(this.#startedAt ?? at, at - 1);
    const spoken = line.split(/\s+/).filter(Boolean);
    const wordMs = (at - fromAt) / Math.max(1, spoken.length);
    const words = spoken.map((word, index) => ({ text: word, fromMs: index * wordMs, toMs: (index + 1) * wordMs }));
    this.#now = Math.max(this.#now, at);
    this.#sayings.push({ words, fromAt, toAt: at, confidence: this.#transcriber.options.confidence, partials: words.length });
    this.#advance();
  }

  close(): void {
    this.#closed = true;
    this.#sayings = [];
    this.#transcriber.forget(this);
  }

  #advance(): void {
    const { partialDelayMs, finalDelayMs, endOfTurn } = this.#transcriber.options;
    for (let saying = this.#sayings[0]; saying && !this.#closed; saying = this.#sayings[0]) {
      while (saying.partials < saying.words.length && this.#now >= saying.fromAt + saying.words[saying.partials].toMs + partialDelayMs) {
        saying.partials++;
        this.#options.listener.partial(transcriptOf(saying, saying.partials));
        if (this.#closed) return;
      }
      if (this.#now < saying.toAt + finalDelayMs) return;
      this.#sayings.shift();
      this.#options.listener.final(transcriptOf(saying, saying.words.length));
      if (endOfTurn && !this.#closed) this.#options.listener.endOfTurn?.();
    }
  }
}

function transcriptOf(saying: Saying, count: number): Transcript {
  const words = saying.words.slice(0, count);
  return {
    text: words.map((word) => word.text).join(' '),
    fromAt: saying.fromAt,
    toAt: saying.fromAt + (words.at(-1)?.toMs ?? saying.toAt - saying.fromAt),
    confidence: saying.confidence,
    words,
  };
}
