/**
 * One synthesizer saying one text: what it makes is passed on and counted, and every way in which a voice can let a caller
 * wait is a failure of it.
 */
import type { WordTime } from '@tandem/contract';
import { msOf, type Sound } from '#audio/frame.ts';
import { VendorError } from '#kit/errors.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '#models/synthesizer.ts';
import { type StreamDeadlines, withDeadlines } from './deadlines.ts';
import type { ProviderHealth } from './provider-health.ts';

const STAGE = 'synthesizer';
/** Sound that comes so much later than it takes to say it is a voice that stutters: the next one says the rest. */
const BEHIND_MS = 1_500;
/** Sound longer than this for its text will never end. */
const SLOWEST_MS_PER_CHARACTER = 300;
const LONGEST_PAUSES_MS = 3_000;

/** What one synthesizer has made of its text. */
export interface SaidSoFar {
  ms: number;
  words: WordTime[];
  sound: Sound[];
}

type Next = IteratorResult<SpeechPart, void>;

/** Begins at once; its breaker was admitted. One wait at a time. Rejects with `VendorError`, or the signal's reason. */
export class Saying implements AsyncIterableIterator<SpeechPart, void, undefined> {
  readonly #by: Synthesizer;
  readonly #request: SpeechRequest;
  readonly #health: ProviderHealth;
  readonly #deadlines: StreamDeadlines;
  readonly #said: SaidSoFar;
  readonly #parts: AsyncIterableIterator<SpeechPart, void, undefined>;
  /** Only the time in which sound was waited for counts: whoever reads it may well be slower. */
  readonly #wait = { fromMs: 0, askedMs: 0, inAllMs: 0 };
  #settled = false;

  /** What is made is added to `said`. */
  constructor(by: Synthesizer, request: SpeechRequest, deadlines: StreamDeadlines, health: ProviderHealth, said: SaidSoFar) {
    this.#by = by;
    this.#request = request;
    this.#deadlines = deadlines;
    this.#health = health;
    this.#said = said;
    this.#wait.fromMs = deadlines.clock.now();
    this.#parts = withDeadlines(by.speak(request), deadlines);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<Next> {
    this.#wait.askedMs = this.#deadlines.clock.now();
    return this.#parts.next().then(this.#came, this.#failed);
  }

  return(): Promise<Next> {
    if (!this.#settled) this.#breaker.dropped();
    this.#settled = true;
    void this.#parts.return?.();
    return Promise.resolve({ value: undefined, done: true });
  }

  get #breaker() {
    return this.#health.breaker(STAGE, this.#by.name);
  }

  readonly #came = (result: Next): Next => {
    if (result.done) this.#end();
    else this.#count(result.value);
    return result;
  };

  #count({ sound, words }: SpeechPart): void {
    const { format, text } = this.#request;
    const said = this.#said;
    const now = this.#deadlines.clock.now();
    if (said.ms > 0) this.#wait.inAllMs += now - this.#wait.askedMs;
    if (this.#wait.inAllMs > said.ms + BEHIND_MS) this.#failed(this.#error('its speech is slower than speaking'));
    if (words) said.words.push(...words);
    if (said.ms === 0 && sound.length > 0) this.#health.latency(STAGE, this.#by).add(now - this.#wait.fromMs);
    said.ms += msOf(sound, format);
    if (said.ms > LONGEST_PAUSES_MS + text.length * SLOWEST_MS_PER_CHARACTER) this.#failed(this.#error('its speech does not end'));
    said.sound.push(sound);
  }

  #end(): void {
    if (this.#said.ms === 0 && /[\p{L}\p{N}]/u.test(this.#request.text)) this.#failed(this.#error('no sound came'));
    this.#settled = true;
    this.#breaker.succeeded();
  }

  readonly #failed = (error: unknown): never => {
    this.#settled = true;
    if (this.#deadlines.signal.aborted) this.#breaker.dropped();
    else this.#health.failed(STAGE, this.#by.name, error);
    void this.#parts.return?.();
    throw error;
  };

  #error(message: string): VendorError {
    return new VendorError(this.#by.name, 'retryable', message);
  }
}
