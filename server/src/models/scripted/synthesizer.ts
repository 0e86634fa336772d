/** A synthesizer whose speech is a watermark of declared length: 60 ms per character, so every word's time is known. */
import type { WordTime } from '@tandem/contract';
import { LRUCache } from 'lru-cache';
import { rateOf, type Sound } from '#audio/frame.ts';
import type { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { SpeechPart, SpeechRequest, Synthesizer } from '../synthesizer.ts';
import { watermark } from './watermark.ts';

export interface ScriptedSynthesizerOptions {
  msPerCharacter?: number;
  /** Before the first sound; between two parts. */
  firstMs?: number;
  eachMs?: number;
  /** Length of a part; Infinity for one part per request. */
  partMs?: number;
  /** A text that matches fails so, before its first sound. */
  fail?: { when: RegExp; error: VendorError };
}

const CACHED_SOUND_BYTES = 32 << 20;

export class ScriptedSynthesizer implements Synthesizer {
  readonly name = 'scripted';
  /** What was asked for, latest last (100 at most). */
  readonly spoken: string[] = [];
  #kit: Kit;
  #options: Required<Omit<ScriptedSynthesizerOptions, 'fail'>> & Pick<ScriptedSynthesizerOptions, 'fail'>;
  #turn = 0;
  #sounds = new LRUCache<string, Sound>({ maxSize: CACHED_SOUND_BYTES, sizeCalculation: (sound) => Math.max(1, sound.byteLength) });

  constructor(kit: Kit, options: ScriptedSynthesizerOptions = {}) {
    this.#kit = kit;
    this.#options = {
      msPerCharacter: options.msPerCharacter ?? 60,
      firstMs: options.firstMs ?? 0,
      eachMs: options.eachMs ?? 0,
      partMs: options.partMs ?? Infinity,
      fail: options.fail,
    };
  }

  /** The watermark's turn number of the requests to come (modulo 16). */
  markTurn(turn: number): void {
    this.#turn = turn & 15;
  }

  async *speak(request: SpeechRequest): AsyncIterable<SpeechPart> {
    const { text, format, signal } = request;
    const { msPerCharacter, firstMs, eachMs, partMs, fail } = this.#options;
    signal.throwIfAborted();
    this.spoken.push(text);
    if (this.spoken.length > 100) this.spoken.shift();
    // Even with nothing to wait for, an abort in the same instant wins.
    await (firstMs > 0 ? this.#kit.clock.sleep(firstMs, signal) : Promise.resolve());
    signal.throwIfAborted();
    if (fail?.when.test(text)) throw fail.error;
    const words = timedWords(text, msPerCharacter);
    const totalMs = words.at(-1)?.toMs ?? 0;
    if (totalMs === 0) return;
    const sound = this.#sound(totalMs, format);
    const perPart = partMs === Infinity ? sound.length : Math.round((partMs * rateOf(format)) / 1000);
    for (let from = 0; from < sound.length; from += perPart) {
      if (from > 0 && eachMs > 0) await this.#kit.clock.sleep(eachMs, signal);
      signal.throwIfAborted();
      yield from === 0 ? { sound: sound.subarray(0, perPart), words } : { sound: sound.subarray(from, from + perPart) };
    }
  }

  warm(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#sounds.clear();
    return Promise.resolve();
  }

  #sound(totalMs: number, format: SpeechRequest['format']): Sound {
    const key = `${this.#turn} ${totalMs} ${format}`;
    let sound = this.#sounds.get(key);
    if (!sound) {
      sound = watermark(this.#turn, totalMs, format);
      this.#sounds.set(key, sound);
    }
    return sound;
  }
}

function timedWords(text: string, msPerCharacter: number): WordTime[] {
  const words: WordTime[] = [];
  let at = 0;
  for (const word of text.split(/\s+/)) {
    if (!/[\p{L}\p{N}]/u.test(word)) continue;
    const toMs = at + word.length * msPerCharacter;
    words.push({ text: word, fromMs: at, toMs });
    at = toMs;
  }
  return words;
}
