/**
 * A transcriber that hears the caller of a simulation, and only what arrived: each frame that the caller's phone sent is
 * known by its bytes, so a word whose packets were lost is a word not heard. Its time is the leg's: it needs no timer.
 */
import type { WordTime } from '@tandem/contract';
import { FRAME_MS, type Frame } from '#audio/frame.ts';
import type { Clock } from '#kit/clock.ts';
import type { Transcriber, TranscriberOptions, Transcript, TranscriptionStream, TranscriptListener } from '#models/transcriber.ts';
import { fnv1a } from './sound-bank.ts';

/** A frame that has not come after this long will not come. */
const LOST_AFTER_MS = 600;
/** Of a word's frames, so many must arrive for it to be understood. */
const HEARD_SHARE = 0.5;
/** Frames looked at behind the newest one known: a burst of losses is shorter. */
const SEARCHED = 60;
/** A pause of this length ends a final, as recognisers do that segment by silence. */
const SEGMENT_PAUSE_MS = 300;

interface Word {
  text: string;
  segment: Segment;
  sent: number;
  heard: number;
  /** On the leg's clock; NaN until heard. */
  fromAt: number;
  toAt: number;
}

interface Segment {
  words: Word[];
  /** Words that were decided on, heard or lost. */
  decided: number;
  told: number;
  /** When the last of it was decided, on the leg's clock. */
  overAt: number;
}

interface SentFrame {
  hash: number;
  word: Word;
  /** The last frame of its word. */
  last: boolean;
  sentAt: number;
}

/** What the caller's phone tells of each voiced frame as it leaves. */
export class Trail {
  readonly #clock: Clock;
  readonly #frames: SentFrame[] = [];
  #open: Segment | undefined;
  #word: Word | undefined;
  readonly segments: Segment[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The words of a line begin. */
  begin(): void {
    this.#open = undefined;
    this.#word = undefined;
  }

  /** A word of the line begins, `pauseMs` after the one before it. */
  word(text: string, pauseMs: number): void {
    if (!this.#open || pauseMs >= SEGMENT_PAUSE_MS) {
      this.#open = { words: [], decided: 0, told: 0, overAt: 0 };
      this.segments.push(this.#open);
    }
    this.#word = { text, segment: this.#open, sent: 0, heard: 0, fromAt: Number.NaN, toAt: Number.NaN };
    this.#open.words.push(this.#word);
  }

  /** A frame of that word leaves. */
  frame(bytes: Uint8Array, last: boolean): void {
    if (!this.#word) return;
    this.#word.sent++;
    this.#frames.push({ hash: fnv1a(bytes), word: this.#word, last, sentAt: this.#clock.now() });
  }

  /** Nothing is on its way. */
  get quiet(): boolean {
    return this.#frames.length === 0 && this.segments.length === 0;
  }

  /** A frame was heard, 20 ms until `legNow`. Concealed ones are made up: only time passes. */
  heard(frame: Frame, legNow: number): void {
    const frames = this.#frames;
    if (!frame.concealed && frame.sound instanceof Uint8Array && frames.length > 0) {
      const hash = fnv1a(frame.sound);
      const most = Math.min(SEARCHED, frames.length);
      for (let i = 0; i < most; i++) {
        if (frames[i].hash !== hash) continue;
        const { word } = frames[i];
        word.heard++;
        if (Number.isNaN(word.fromAt)) word.fromAt = frame.at;
        word.toAt = legNow;
        this.#pass(i + 1, legNow);
        break;
      }
    }
    const now = this.#clock.now();
    while (frames.length > 0 && now - frames[0].sentAt > LOST_AFTER_MS) this.#pass(1, legNow);
  }

  #pass(count: number, legNow: number): void {
    for (const { word, last } of this.#frames.splice(0, count)) {
      if (!last) continue;
      const { segment } = word;
      segment.decided++;
      segment.overAt = legNow;
    }
  }
}

export interface RecogniserOptions {
  trail: Trail;
  /** From a word's end to the partial that holds it; from the end of a segment to its final. */
  partialMs: number;
  finalMs: number;
}

/** The {@link Transcriber} of a simulated call. One stream hears at a time; the newest one does. */
export class Recogniser implements Transcriber {
  readonly name = 'simulated';
  readonly closedGrammar = false;
  readonly #options: RecogniserOptions;

  constructor(options: RecogniserOptions) {
    this.#options = options;
  }

  open({ listener }: TranscriberOptions): TranscriptionStream {
    return new RecogniserStream(this.#options, listener);
  }

  warm(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class RecogniserStream implements TranscriptionStream {
  readonly #options: RecogniserOptions;
  readonly #listener: TranscriptListener;
  #closed = false;

  constructor(options: RecogniserOptions, listener: TranscriptListener) {
    this.#options = options;
    this.#listener = listener;
  }

  push(frame: Frame): void {
    const { trail } = this.#options;
    if (this.#closed || trail.quiet) return;
    const now = frame.at + FRAME_MS;
    trail.heard(frame, now);
    this.#tell(trail, now);
  }

  speechStarted(): void {}

  speechEnded(): void {}

  close(): void {
    this.#closed = true;
  }

  #tell({ segments }: Trail, now: number): void {
    const { partialMs, finalMs } = this.#options;
    for (let segment = segments[0]; segment && !this.#closed; segment = segments[0]) {
      const { words, decided, told } = segment;
      if (decided > told && now >= segment.overAt + partialMs) {
        segment.told = decided;
        const transcript = transcriptOf(words.slice(0, decided));
        if (transcript && decided < words.length) this.#listener.partial(transcript);
      }
      if (decided < words.length || now < segment.overAt + finalMs) return;
      segments.shift();
      const transcript = transcriptOf(words);
      if (transcript) this.#listener.final(transcript);
    }
  }
}

/** Of the words that were understood; undefined when none was. */
function transcriptOf(words: readonly Word[]): Transcript | undefined {
  const understood = words.filter(({ heard, sent }) => heard > 0 && heard >= sent * HEARD_SHARE);
  if (understood.length === 0) return undefined;
  const fromAt = understood[0].fromAt;
  const times: WordTime[] = understood.map((word) => ({ text: word.text, fromMs: word.fromAt - fromAt, toMs: word.toAt - fromAt }));
  const [sent, heard] = [words.reduce((sum, word) => sum + word.sent, 0), words.reduce((sum, word) => sum + word.heard, 0)];
  return {
    text: understood.map(({ text }) => text).join(' '),
    fromAt,
    toAt: understood[understood.length - 1].toAt,
    confidence: Math.round((heard / Math.max(1, sent)) * 100) / 100,
    words: times,
  };
}
