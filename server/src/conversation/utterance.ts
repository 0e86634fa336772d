/**
 * An utterance: what the assistant says next, in the making. Clauses are written into a bounded queue; their speech is
 * made when somebody pulls it, or its first clause in secret ({@link Utterance.hold}), before anybody may hear it.
 */
import type { TurnStages, WordTime } from '@tandem/contract';
import { msOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { type Scope, scopeOf } from '#kit/abort.ts';
import { Channel } from '#kit/channel.ts';
import type { Synthesizer } from '#models/synthesizer.ts';
import type { Clause, Voice } from './voice.ts';

/** Clauses written and not yet spoken. A model that writes more is not asked to go on. */
const CLAUSES_AHEAD = 64;
/** Speech held before its turn is committed. */
const MAX_HELD_MS = 12_000;

/** What an utterance is made of, in order; `cut` takes back the words of its clause that end after `atMs`. */
export type Piece =
  | { type: 'clause'; text: string }
  | { type: 'sound'; sound: Sound; words?: WordTime[] }
  | { type: 'cut'; atMs: number; words: WordTime[] }
  | { type: 'clause-end' };

export interface UtteranceOptions {
  /** Names it to a synthesizer that keeps a melody over clauses. */
  name: string;
  clauses: (signal: AbortSignal) => AsyncIterable<Clause>;
  voice: Voice;
  format: SoundFormat;
  /** Filled as they happen. */
  stages: TurnStages;
  now: () => number;
  signal: AbortSignal;
  voiceFailed: (synthesizer: Synthesizer, error: unknown, next: Synthesizer | undefined) => void;
  /** Everything is written. */
  written?: (text: string) => void;
}

export class Utterance {
  readonly #options: UtteranceOptions;
  readonly #scope: Scope;
  readonly #clauses = new Channel<Clause>(CLAUSES_AHEAD, 'refuse');
  readonly #making: AsyncGenerator<Piece, void, undefined>;
  readonly #held: Piece[] = [];
  #holding: Promise<void> | undefined;
  #released = false;
  #failed: unknown;
  /** What the making threw while it was held. */
  #broken: unknown;

  /** The writing begins at once. */
  constructor(options: UtteranceOptions) {
    this.#options = options;
    this.#scope = scopeOf(options.signal);
    this.#making = this.#make();
    this.#scope.signal.addEventListener('abort', () => this.#clauses.close(), { once: true });
    if (this.#scope.signal.aborted) this.#clauses.close();
    else void this.#write();
  }

  /** Why it cannot go on, as soon as that is known. */
  get failed(): unknown {
    return this.#failed;
  }

  /** Makes the first clause's speech now and keeps it. */
  hold(): void {
    this.#holding ??= this.#hold();
  }

  /** What is held, then the rest as it is made. Throws what the makers throw. Once. */
  pieces(): AsyncIterableIterator<Piece, void, undefined> {
    return {
      [Symbol.asyncIterator]() {
        return this;
      },
      next: () => this.#next(),
      return: () => this.#making.return(),
    };
  }

  #next(): Promise<IteratorResult<Piece, void>> {
    this.#released = true;
    const piece = this.#held.shift();
    if (piece) return Promise.resolve({ value: piece, done: false });
    // What is being made in secret arrives in `held`; do not wait for more than one piece of it.
    if (this.#holding) return this.#holding.then(() => this.#next());
    return this.#broken === undefined ? this.#making.next() : Promise.reject(this.#broken);
  }

  /** Everything that makes it is called off. Needed at its end too. */
  stop(why: string): void {
    this.#scope.abort(why);
  }

  async #hold(): Promise<void> {
    let ms = 0;
    try {
      while (!this.#released && ms < MAX_HELD_MS) {
        const { value: piece } = await this.#making.next();
        if (!piece) break;
        this.#held.push(piece);
        if (piece.type === 'sound') ms += msOf(piece.sound, this.#options.format);
        if (piece.type === 'clause-end') break;
      }
    } catch (error) {
      this.#broken = error ?? new Error('failed without saying why');
      if (!this.#scope.signal.aborted) this.#failed ??= this.#broken;
    } finally {
      this.#holding = undefined;
    }
  }

  async #write(): Promise<void> {
    const { stages, now, clauses, written } = this.#options;
    const { signal } = this.#scope;
    const texts: string[] = [];
    try {
      for await (const clause of clauses(signal)) {
        if (signal.aborted) return;
        stages.firstClauseAt ??= now();
        texts.push(clause.text);
        if (!this.#clauses.push(clause)) break;
      }
      this.#clauses.close();
      if (!signal.aborted) written?.(texts.join(' '));
    } catch (error) {
      if (!signal.aborted) this.#failed ??= error;
      this.#clauses.fail(error);
    }
  }

  async *#make(): AsyncGenerator<Piece, void, undefined> {
    const { voice, stages, now, name, voiceFailed } = this.#options;
    const { signal } = this.#scope;
    for await (const clause of this.#clauses) {
      if (signal.aborted) return;
      yield { type: 'clause', text: clause.text };
      for await (const { sound, words, cutMs } of voice.speak(clause, { reply: name, signal, failed: voiceFailed })) {
        if (sound.length > 0) stages.firstAudioAt ??= now();
        if (cutMs !== undefined) yield { type: 'cut', atMs: cutMs, words: words ?? [] };
        else yield words ? { type: 'sound', sound, words } : { type: 'sound', sound };
      }
      yield { type: 'clause-end' };
    }
  }
}
