/**
 * The speech of one clause on its way from a vendor's socket to whoever pulls it: bytes become sound, leading silence goes,
 * words get their times, and every wait has its deadline. A vendor's room pushes; the reply pulls.
 *
 *   bytes ─▶ whole samples ─▶ without leading silence ─▶ parts ─▶ pulled
 *   vendor's words ─▶ written words, shifted by what was cut ─▶ with the part that holds their end
 */
import type { WordTime } from '@tandem/contract';
import { msOf, rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { Channel } from '#kit/channel.ts';
import type { Timer } from '#kit/clock.ts';
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { LeadingSilence } from './leading-silence.ts';
import type { PaceWatch } from './pace-watch.ts';
import type { SpeechPart } from './synthesizer.ts';
import { WordAligner } from './word-alignment.ts';

/** No clause lasts longer; a shorter text has less. Digits read one by one take up to 450 ms a character. */
const LONGEST_MS = 60_000;
const LONGEST_MS_PER_CHARACTER = 500;
const LONGEST_EXTRA_MS = 4_000;
const MOST_PARTS = 8_192;
/** Sound that came faster than it was wanted is handed over in pieces of about this length. */
const JOINED_MS = 1_000;

export interface ClauseStreamOptions {
  vendor: string;
  /** As it is sent to the vendor. */
  text: string;
  format: SoundFormat;
  signal: AbortSignal;
  /** To the first sound, the connection included; from then on between two messages. */
  deadlines: { firstMs: number; nextMs: number };
  pace: PaceWatch;
  /** Once, when nobody wants the rest: aborted, given up by its reader, failed. Not after a complete clause. */
  onStop: () => void;
  /** Asked when sound has come and then none for `nextMs`: true if that may be the end all the same. */
  mayEnd?: () => boolean;
}

export class ClauseStream implements AsyncIterable<SpeechPart> {
  readonly #kit: Kit;
  readonly #options: ClauseStreamOptions;
  readonly #parts = new Channel<SpeechPart>(MOST_PARTS, 'refuse');
  readonly #silence: LeadingSilence;
  readonly #words: WordAligner;
  readonly #mostMs: number;
  /** Milliseconds of sound that came, that were passed on, and up to which the vendor timed its words. */
  readonly #sound = { rawMs: 0, passedMs: 0, timedMs: undefined as number | undefined };
  #odd: number | undefined;
  /** Timed, but their end is not passed on yet. */
  #waiting: WordTime[] = [];
  /** Looks at the deadline when it would be over, not with every message. */
  readonly #deadline = { ms: 0, atMs: 0, timer: undefined as Timer | undefined };
  #state: 'open' | 'complete' | 'stopped' = 'open';
  readonly #onAbort = () => this.fail(this.#options.signal.reason);

  constructor(kit: Kit, options: ClauseStreamOptions) {
    this.#kit = kit;
    this.#options = options;
    this.#silence = new LeadingSilence(options.format);
    this.#words = new WordAligner(options.text);
    this.#mostMs = Math.min(LONGEST_MS, LONGEST_EXTRA_MS + LONGEST_MS_PER_CHARACTER * options.text.length);
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#wait(options.deadlines.firstMs);
    if (options.signal.aborted) this.#onAbort();
  }

  /** Neither ended nor failed nor given up. */
  get open(): boolean {
    return this.#state === 'open';
  }

  /** Milliseconds of the vendor's sound so far, leading silence included. */
  get rawMs(): number {
    return this.#sound.rawMs;
  }

  /** Every word of the text has its time. */
  get wordsComplete(): boolean {
    return this.#words.complete;
  }

  /** Bytes as they came off the wire: µ-law, or 16-bit little-endian whose samples may be cut in two. Kept, not copied. */
  bytes(bytes: Uint8Array): void {
    if (this.#options.format === 'mulaw-8000') this.sound(bytes);
    else this.sound(this.#samples(bytes));
  }

  /** Sound in the clause's format; kept, not copied. */
  sound(sound: Sound): void {
    if (this.#state !== 'open' || sound.length === 0) return;
    this.#wait(this.#options.deadlines.nextMs);
    this.#sound.rawMs += msOf(sound, this.#options.format);
    if (this.#sound.rawMs > this.#mostMs) {
      this.fail(this.#error('retryable', `more than ${Math.round(this.#mostMs)} ms of sound for ${this.#options.text.length} characters`));
      return;
    }
    const audible = this.#silence.push(sound);
    if (audible) this.#pass(audible);
  }

  /** Words as the vendor spoke them, in milliseconds of its sound. */
  timed(words: readonly WordTime[]): void {
    if (this.#state !== 'open') return;
    if (this.#sound.rawMs > 0) this.#wait(this.#options.deadlines.nextMs);
    this.#sound.timedMs = words.at(-1)?.toMs ?? this.#sound.timedMs;
    this.#waiting.push(...this.#words.push(words));
  }

  /** All of it has come. */
  end(): void {
    if (this.#state !== 'open') return;
    const rest = this.#silence.end();
    if (rest) this.#pass(rest);
    const { passedMs, rawMs, timedMs } = this.#sound;
    if (passedMs > 0) {
      this.#waiting.push(...this.#words.end(rawMs));
      this.#options.pace.spoken(this.#options.text.length, rawMs, timedMs);
      const words = this.#due(Infinity);
      if (words.length > 0) this.#parts.push({ sound: emptySound(this.#options.format), words });
    }
    this.#state = 'complete';
    this.#release();
    this.#parts.close();
  }

  /** It cannot go on: a `VendorError`, or the reason of an abort. */
  fail(error: unknown): void {
    if (this.#state !== 'open') return;
    this.#state = 'stopped';
    this.#release();
    this.#parts.fail(error);
    this.#options.onStop();
  }

  /** Throws what it failed with; the signal's reason at once when aborted, whatever still waits. Once. */
  [Symbol.asyncIterator](): AsyncIterator<SpeechPart, void, undefined> {
    return {
      next: () => this.#next(),
      return: () => {
        this.fail(new Error('nobody wants the rest'));
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }

  /** What waits is handed over in long pieces: each piece costs a dozen promises on its way to the line. */
  #next(): Promise<IteratorResult<SpeechPart, void>> {
    const { signal, format } = this.#options;
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    if (this.#parts.size < 2) return this.#parts.next();
    const joined: SpeechPart[] = [];
    for (let ms = 0; ms < JOINED_MS; ) {
      const part = this.#parts.take();
      if (!part) break;
      joined.push(part);
      ms += msOf(part.sound, format);
    }
    return Promise.resolve({ value: joinedParts(joined, format), done: false });
  }

  #pass(sound: Sound): void {
    this.#sound.passedMs += msOf(sound, this.#options.format);
    const words = this.#due(this.#sound.passedMs);
    if (this.#parts.push(words.length > 0 ? { sound, words } : { sound })) return;
    this.fail(this.#error('retryable', `more than ${MOST_PARTS} pieces of sound wait to be played`));
  }

  /** Words that end by `untilMs` of what was passed on, on that scale. */
  #due(untilMs: number): WordTime[] {
    const cutMs = this.#silence.trimmedMs;
    const { passedMs } = this.#sound;
    const clamp = (ms: number) => Math.round(Math.min(passedMs, Math.max(0, ms - cutMs)));
    let count = 0;
    while (count < this.#waiting.length && this.#waiting[count].toMs - cutMs <= untilMs) count++;
    return this.#waiting.splice(0, count).map(({ text, fromMs, toMs }) => ({ text, fromMs: clamp(fromMs), toMs: clamp(toMs) }));
  }

  #samples(bytes: Uint8Array): Int16Array {
    const odd = this.#odd;
    const length = bytes.length + (odd === undefined ? 0 : 1);
    const even = new Uint8Array(length - (length & 1));
    if (odd !== undefined && even.length > 0) even[0] = odd;
    even.set(bytes.subarray(0, even.length - (odd === undefined ? 0 : 1)), odd === undefined ? 0 : 1);
    if (length & 1) this.#odd = bytes.length > 0 ? bytes[bytes.length - 1] : odd;
    else this.#odd = undefined;
    return new Int16Array(even.buffer);
  }

  #wait(ms: number): void {
    const deadline = this.#deadline;
    const sooner = ms < deadline.ms;
    deadline.ms = ms;
    deadline.atMs = this.#kit.clock.now() + ms;
    if (deadline.timer && !sooner) return;
    deadline.timer?.cancel();
    deadline.timer = this.#kit.clock.after(ms, this.#look);
  }

  readonly #look = (): void => {
    const deadline = this.#deadline;
    const leftMs = deadline.atMs - this.#kit.clock.now();
    if (leftMs > 0) {
      deadline.timer = this.#kit.clock.after(leftMs, this.#look);
      return;
    }
    const begun = this.#sound.rawMs > 0;
    if (begun && this.#options.mayEnd?.()) this.end();
    else this.fail(this.#error('retryable', `${begun ? 'no more' : 'no'} speech within ${deadline.ms} ms`));
  };

  #release(): void {
    this.#deadline.timer?.cancel();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }

  #error(category: FailureCategory, message: string): VendorError {
    return new VendorError(this.#options.vendor, category, message);
  }
}

const emptySound = (format: SoundFormat): Sound => (rateOf(format) === 8000 ? new Uint8Array(0) : new Int16Array(0));

/** Several parts as one; all words count from the clause's start. */
function joinedParts(parts: readonly SpeechPart[], format: SoundFormat): SpeechPart {
  const length = parts.reduce((sum, { sound }) => sum + sound.length, 0);
  const sound: Sound = format === 'mulaw-8000' ? new Uint8Array(length) : new Int16Array(length);
  const words = parts.flatMap((part) => part.words ?? []);
  let at = 0;
  for (const part of parts) {
    sound.set(part.sound, at);
    at += part.sound.length;
  }
  return words.length > 0 ? { sound, words } : { sound };
}

/**
 * Base64 to bytes, strictly (RFC 4648 §4): undefined when it is anything else, because a lenient reading of garbage is a
 * loud crackle in someone's ear.
 */
export function bytesOfBase64(text: unknown): Uint8Array | undefined {
  // The URL's alphabet (§5), and half of each character beyond ASCII, is what Buffer reads as if it belonged.
  if (typeof text !== 'string' || text.includes('-') || text.includes('_') || Buffer.byteLength(text) !== text.length) return undefined;
  const length = text.endsWith('==') ? text.length - 2 : text.endsWith('=') ? text.length - 1 : text.length;
  if (text.length % 4 === 1) return undefined;
  const bytes = Buffer.from(text, 'base64');
  // Everything else it leaves out, or stops at.
  return bytes.length === (length * 3) >> 2 ? bytes : undefined;
}
