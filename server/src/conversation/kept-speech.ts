/**
 * Speech that is kept because it is said again: greetings, stock lines, fillers, what a tool says while it runs, approved
 * answers. Nothing else: a model's own words may hold what is personal. Bounded by bytes, the least recently used goes.
 */
import type { WordTime } from '@tandem/contract';
import type { Sound, SoundFormat } from '#audio/frame.ts';
import type { Clock } from '#kit/clock.ts';

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** All that decides how a line sounds, and whose it is. */
export interface SpeechIdentity {
  businessId: string;
  synthesizer: string;
  model: string | undefined;
  voice: string;
  language: string;
  format: SoundFormat;
  text: string;
}

export interface KeptLine {
  readonly sound: Sound;
  readonly words: readonly WordTime[];
}

type Key = string & { readonly kind: 'speech-key' };

/** Since the start; plain data that crosses threads, as the other caches count. */
export interface KeptSpeechCounters {
  cache: 'speech';
  /** Lines and their bytes now. */
  size: number;
  bytes: number;
  loads: number;
  loadFailures: number;
  invalidations: number;
  process: { hits: number; negativeHits: number; misses: number; errors: number; savedMs: number };
}

export class KeptSpeech {
  readonly maxBytes: number;
  readonly #clock: Pick<Clock, 'now'> | undefined;
  readonly #counts = { hits: 0, misses: 0, loads: 0, loadFailures: 0, loadMs: 0, savedMs: 0 };
  #bytes = 0;
  /** In order of use, the newest last. */
  readonly #lines = new Map<Key, KeptLine>();
  readonly #making = new Map<Key, Promise<KeptLine | undefined>>();

  /** Without a clock the time that it saves is not known. */
  constructor(maxBytes = DEFAULT_MAX_BYTES, clock?: Pick<Clock, 'now'>) {
    this.maxBytes = maxBytes;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#lines.size;
  }

  find(identity: SpeechIdentity): KeptLine | undefined {
    const key = keyOf(identity);
    const line = this.#lines.get(key);
    const counts = this.#counts;
    if (!line) {
      counts.misses++;
      return undefined;
    }
    counts.hits++;
    if (counts.loads > 0) counts.savedMs += counts.loadMs / counts.loads;
    this.#lines.delete(key);
    this.#lines.set(key, line);
    return line;
  }

  counters(): KeptSpeechCounters {
    const { hits, misses, loads, loadFailures, savedMs } = this.#counts;
    const process = { hits, negativeHits: 0, misses, errors: 0, savedMs };
    return { cache: 'speech', size: this.size, bytes: this.#bytes, loads, loadFailures, invalidations: 0, process };
  }

  /** The line that is being made right now. */
  pending(identity: SpeechIdentity): Promise<KeptLine | undefined> | undefined {
    return this.#making.get(keyOf(identity));
  }

  /** A line larger than a quarter of everything is not kept. */
  keep(identity: SpeechIdentity, line: KeptLine): void {
    const size = line.sound.byteLength;
    if (size === 0 || size > this.maxBytes / 4) return;
    const key = keyOf(identity);
    this.#drop(key);
    this.#lines.set(key, line);
    this.#bytes += size;
    for (const oldest of this.#lines.keys()) {
      if (this.#bytes <= this.maxBytes) break;
      this.#drop(oldest);
    }
  }

  /**
   * The line, made by `make` when it is not there; whoever asks meanwhile waits for the same making. Undefined when it
   * could not be made. Never rejects.
   */
  obtain(identity: SpeechIdentity, make: () => Promise<KeptLine>): Promise<KeptLine | undefined> {
    const found = this.find(identity);
    if (found) return Promise.resolve(found);
    const key = keyOf(identity);
    const running = this.#making.get(key);
    if (running) return running;
    const began = this.#clock?.now() ?? 0;
    const making = Promise.try(make)
      .then(
        (line) => {
          this.#counts.loads++;
          this.#counts.loadMs += (this.#clock?.now() ?? 0) - began;
          this.keep(identity, line);
          return line;
        },
        () => {
          this.#counts.loadFailures++;
          return undefined;
        },
      )
      .finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  #drop(key: Key): void {
    const line = this.#lines.get(key);
    if (!line) return;
    this.#bytes -= line.sound.byteLength;
    this.#lines.delete(key);
  }
}

function keyOf({ businessId, synthesizer, model, voice, language, format, text }: SpeechIdentity): Key {
  return JSON.stringify([businessId, synthesizer, model ?? '', voice, language, format, text]) as Key;
}
