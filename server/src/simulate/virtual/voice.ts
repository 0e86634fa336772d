/**
 * The assistant's voice in a simulation: speech-like sound at a steady pace, so that every word's time is known. The caller's
 * ear knows each frame of it by its bytes, and so which word of which text it has just heard.
 */
import type { WordTime } from '@tandem/contract';
import { LRUCache } from 'lru-cache';
import { samplesPerFrame } from '#audio/frame.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '#models/synthesizer.ts';
import { ASSISTANT, fnv1a, type SoundBank, type SpokenSound } from './sound-bank.ts';

/** 180 words a minute. */
const MS_PER_CHARACTER = 60;
const KEPT_BYTES = 32 << 20;
const FRAME = samplesPerFrame('mulaw-8000');

interface Made {
  spoken: SpokenSound;
  /** Of each frame. */
  hashes: Uint32Array;
}

/** Speech that calls of one process have in common; what it holds depends on the text alone. */
export class SpeechStore {
  readonly #bank: SoundBank;
  readonly #made = new LRUCache<string, Made>({ maxSize: KEPT_BYTES, sizeCalculation: ({ spoken }) => Math.max(1, spoken.sound.length) });

  constructor(bank: SoundBank) {
    this.#bank = bank;
  }

  of(text: string): Made {
    let made = this.#made.get(text);
    if (!made) {
      const spoken = this.#bank.speak(ASSISTANT, text, timed(text), fnv1a(text));
      const hashes = Uint32Array.from({ length: spoken.sound.length / FRAME }, (_, i) =>
        fnv1a(spoken.sound.subarray(i * FRAME, (i + 1) * FRAME)),
      );
      made = { spoken, hashes };
      this.#made.set(text, made);
    }
    return made;
  }
}

/** Which word a frame of sound belongs to: an id that differs from word to word. */
export type WordIndex = Map<number, number>;

export interface SimulatedVoiceOptions {
  kit: Kit;
  store: SpeechStore;
  /** Before the first sound of a request. */
  firstSoundMs: number;
  /** Filled with what was made. */
  index: WordIndex;
}

export class SimulatedVoice implements Synthesizer {
  readonly name = 'simulated';
  readonly #options: SimulatedVoiceOptions;
  #words = 0;
  readonly #known = new Set<string>();

  constructor(options: SimulatedVoiceOptions) {
    this.#options = options;
  }

  async *speak({ text, format, signal }: SpeechRequest): AsyncIterable<SpeechPart> {
    const { kit, store, firstSoundMs } = this.#options;
    signal.throwIfAborted();
    if (format !== 'mulaw-8000') throw new TandemError('no-common-codec', 'The simulated voice speaks G.711 only');
    await (firstSoundMs > 0 ? kit.clock.sleep(firstSoundMs, signal) : Promise.resolve());
    signal.throwIfAborted();
    const made = store.of(text);
    if (made.spoken.sound.length === 0) return;
    this.#learn(text, made);
    yield { sound: made.spoken.sound, words: [...made.spoken.words] };
  }

  warm(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #learn(text: string, { spoken, hashes }: Made): void {
    if (this.#known.has(text)) return;
    this.#known.add(text);
    for (const { fromMs, toMs } of spoken.words) {
      const id = this.#words++;
      for (let frame = Math.ceil(fromMs / 20); frame < Math.floor(toMs / 20); frame++) this.#options.index.set(hashes[frame], id);
    }
  }
}

function timed(text: string): WordTime[] {
  const words: WordTime[] = [];
  let at = 0;
  for (const word of text.split(/\s+/)) {
    if (!/[\p{L}\p{N}]/u.test(word)) continue;
    const toMs = at + word.length * MS_PER_CHARACTER;
    words.push({ text: word, fromMs: at, toMs });
    at = toMs;
  }
  return words;
}
