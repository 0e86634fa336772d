/** CMU Flite in WebAssembly: the voice that comes with the install. English; whole sentences, rendered far faster than real time. */
import { LRUCache } from 'lru-cache';
import { msOf } from '#audio/frame.ts';
import { untilAborted } from '#kit/abort.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '../synthesizer.ts';
import { Renderer, type Rendered, type RendererOptions } from './renderer.ts';
import { sentencesOf } from './speech.ts';

/** Voices of the package: slt, awb, rms and kal16 render at 16 kHz, kal at 8 kHz. */
export const fliteVoices = ['slt', 'awb', 'rms', 'kal', 'kal16'] as const;
const DEFAULT_VOICE = 'slt';
const LONGEST_TEXT = 4_000;
const WORD_BYTES = 64; // what one timed word costs on the heap, roughly

export interface FliteOptions extends RendererOptions {
  /** Rendered clauses kept, in bytes of sound and word times. */
  cacheBytes: number;
}

export class FliteSynthesizer implements Synthesizer {
  readonly name = 'flite';
  readonly renderer: Renderer;
  #cache: LRUCache<string, Rendered>;
  #pending = new Map<string, { done: Promise<Rendered>; forget: () => boolean; wanted: number }>();

  constructor(kit: Kit, options: FliteOptions) {
    this.renderer = new Renderer(kit, options);
    this.#cache = new LRUCache({
      maxSize: options.cacheBytes,
      sizeCalculation: ({ sound, words }, key) => sound.byteLength + WORD_BYTES * words.length + 2 * key.length + 1,
    });
  }

  /** Bytes of rendered speech held. */
  get cachedBytes(): number {
    return this.#cache.calculatedSize;
  }

  /** One part per sentence. A voice flite does not have is spoken by `slt`: a call is never silent for a name. */
  async *speak(request: SpeechRequest): AsyncIterable<SpeechPart> {
    const { signal, format } = request;
    signal.throwIfAborted();
    if (request.text.length > LONGEST_TEXT) throw new VendorError('flite', 'bad-input', `text is longer than ${LONGEST_TEXT} characters`);
    const voice = (fliteVoices as readonly string[]).includes(request.voice) ? request.voice : DEFAULT_VOICE;
    let offsetMs = 0;
    for (const text of sentencesOf(request.text)) {
      const rendered = await this.#rendered({ text, voice, language: request.language, format }, signal);
      if (rendered.sound.length === 0) continue;
      const from = offsetMs;
      offsetMs += msOf(rendered.sound, format);
      yield {
        sound: rendered.sound,
        words: rendered.words.map((word) => ({ text: word.text, fromMs: from + word.fromMs, toMs: from + word.toMs })),
      };
    }
  }

  /** Starts the thread, compiles flite and renders a word, so that the first call does not wait for it. */
  async warm(): Promise<void> {
    await this.#rendered({ text: 'Hello.', voice: DEFAULT_VOICE, language: 'en', format: 'mulaw-8000' }, new AbortController().signal);
  }

  async close(): Promise<void> {
    this.#cache.clear();
    await this.renderer.close();
  }

  /** From the cache, from a rendering that is under way for another call, or from the thread. */
  async #rendered(clause: { text: string; voice: string; language: string; format: SpeechRequest['format'] }, signal: AbortSignal) {
    const key = `${clause.voice} ${clause.format} ${clause.language} ${clause.text}`;
    const cached = this.#cache.get(key);
    if (cached) return cached;
    let pending = this.#pending.get(key);
    if (!pending) {
      const job = this.renderer.render(clause);
      pending = { ...job, wanted: 0 };
      this.#pending.set(key, pending);
      const own = pending;
      const settled = () => {
        if (this.#pending.get(key) === own) this.#pending.delete(key);
      };
      job.done.then((rendered) => {
        settled();
        this.#cache.set(key, rendered);
      }, settled);
    }
    pending.wanted++;
    try {
      return await untilAborted(pending.done, signal);
    } finally {
      pending.wanted--;
      if (pending.wanted === 0 && pending.forget()) this.#pending.delete(key);
    }
  }
}
