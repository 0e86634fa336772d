/** What a playout has read of its source: a ring of samples, and the reader that fills it ahead of the play head. */
import type { Sound, SoundFormat } from '#audio/frame.ts';
import { TandemError } from '#kit/errors.ts';
import type { SpeechSource } from './leg.ts';

/** The last seconds of a sound that grows at one end; positions count from its first sample. */
export class SpeechRing {
  written = 0;
  /** The oldest position that can still be read. */
  oldest = 0;
  readonly #behind: number;
  #samples: Sound;
  #mask: number;

  constructor(format: SoundFormat, behind: number) {
    this.#behind = behind;
    const size = 8_192;
    this.#samples = format === 'mulaw-8000' ? new Uint8Array(size) : new Int16Array(size);
    this.#mask = size - 1;
  }

  at(position: number): number {
    return this.#samples[position & this.#mask];
  }

  /** Copies `count` samples from `position` on to the start of `out`. */
  copy(position: number, count: number, out: Sound): void {
    const samples = this.#samples;
    const at = position & this.#mask;
    if (at + count > samples.length) {
      for (let i = 0; i < count; i++) out[i] = this.at(position + i);
    } else out.set(samples.subarray(at, at + count));
  }

  append(sound: Sound, from: number, to: number): void {
    while (this.written - this.oldest + (to - from) > this.#samples.length) this.#grow();
    const at = this.written & this.#mask;
    const first = Math.min(to, from + this.#samples.length - at);
    this.#samples.set(sound.subarray(from, first), at);
    if (first < to) this.#samples.set(sound.subarray(first, to), 0);
    this.written += to - from;
  }

  /** True when `sound` has the samples of this ring's format. */
  takes(sound: Sound): boolean {
    return sound instanceof Uint8Array === this.#samples instanceof Uint8Array;
  }

  /** Everything more than `behind` samples before `position` may be overwritten. */
  release(position: number): void {
    if (position - this.#behind > this.oldest) this.oldest = position - this.#behind;
  }

  free(): void {
    this.#samples = this.#samples.slice(0, 1);
    this.#mask = 0;
  }

  #grow(): void {
    const before = this.#samples;
    const size = before.length * 2;
    const samples = before instanceof Uint8Array ? new Uint8Array(size) : new Int16Array(size);
    // A stretch that lay in one piece is in one piece in a ring of twice the size.
    for (let from = this.oldest; from < this.written; ) {
      const at = from & this.#mask;
      const count = Math.min(this.written - from, before.length - at);
      samples.set(before.subarray(at, at + count), from & (size - 1));
      from += count;
    }
    this.#samples = samples;
    this.#mask = size - 1;
  }
}

/** Reads a source into the ring, at most `lookAhead` samples before the play head; the rest of a long chunk waits. */
export class SpeechReader {
  done = false;
  error: unknown;
  readonly #ring: SpeechRing;
  readonly #lookAhead: number;
  readonly #owner: { position: () => number; ended: () => void };
  #iterator: AsyncIterator<Sound> | undefined;
  #chunk: Sound | undefined;
  #taken = 0;
  #asking = false;

  constructor(source: SpeechSource, ring: SpeechRing, lookAhead: number, owner: { position: () => number; ended: () => void }) {
    this.#ring = ring;
    this.#lookAhead = lookAhead;
    this.#owner = owner;
    try {
      this.#iterator = source[Symbol.asyncIterator]();
    } catch (error) {
      queueMicrotask(() => this.#fail(error));
    }
  }

  /** Samples the source has given that do not fit into the ring yet. */
  get held(): number {
    return this.#chunk ? this.#chunk.length - this.#taken : 0;
  }

  /** Fills the ring as far as it may, and asks the source for more when there is room. Cheap when there is none. */
  read(): void {
    if (this.done || this.#asking || !this.#iterator) return;
    const room = this.#lookAhead - (this.#ring.written - this.#owner.position());
    if (room <= 0) return;
    if (this.#chunk) {
      const to = Math.min(this.#chunk.length, this.#taken + room);
      this.#ring.append(this.#chunk, this.#taken, to);
      this.#taken = to;
      if (to < this.#chunk.length) return;
      this.#chunk = undefined;
      if (this.#ring.written - this.#owner.position() >= this.#lookAhead) return;
    }
    this.#asking = true;
    try {
      this.#iterator.next().then(
        (result) => this.#took(result),
        (error: unknown) => this.#fail(error),
      );
    } catch (error) {
      queueMicrotask(() => this.#fail(error));
    }
  }

  /** Nothing more is wanted. A source that is busy learns it when it next yields. */
  close(): void {
    const iterator = this.done ? undefined : this.#iterator;
    this.done = true;
    this.#chunk = undefined;
    this.#iterator = undefined;
    try {
      iterator?.return?.()?.catch(() => {});
    } catch {
      // A source that cannot even be closed has nothing more to tell.
    }
  }

  #took(result: IteratorResult<Sound>): void {
    this.#asking = false;
    if (this.done) return;
    if (result.done) {
      this.done = true;
      this.#owner.ended();
      return;
    }
    if (!this.#ring.takes(result.value)) {
      this.#iterator?.return?.()?.catch(() => {});
      this.#fail(new TandemError('internal-error', "speech came in another format than the leg's"));
      return;
    }
    this.#chunk = result.value;
    this.#taken = 0;
    this.read();
  }

  #fail(error: unknown): void {
    this.#asking = false;
    if (this.done) return;
    this.done = true;
    this.error = error ?? new TandemError('internal-error', 'the speech source failed without saying why');
    this.#owner.ended();
  }
}
