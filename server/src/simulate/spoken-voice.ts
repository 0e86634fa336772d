/** A caller with a real voice: words are made to speech once per process, and timed, before the call's clock moves on. */
import { MULAW_SILENCE } from '#audio/frame.ts';
import { VendorError } from '#kit/errors.ts';
import type { Synthesizer } from '#models/synthesizer.ts';
import type { WordTime } from '@tandem/contract';
import type { SpokenSound } from './virtual/sound-bank.ts';

const FRAME = 160;
const VOICE = 'slt';
const PER_MS = 8;
const MOST_TRIES = 4;

export class SpokenVoice {
  readonly #synthesizer: Synthesizer;

  constructor(synthesizer: Synthesizer) {
    this.#synthesizer = synthesizer;
  }

  /** Rejects with the vendor's error; one that may pass on a busy machine is tried again. */
  async speak(text: string): Promise<SpokenSound> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#make(text);
      } catch (error) {
        if (tries === MOST_TRIES || !(error instanceof VendorError) || error.category !== 'retryable') throw error;
      }
    }
  }

  async #make(text: string): Promise<SpokenSound> {
    const { signal } = new AbortController();
    const parts: Uint8Array[] = [];
    const words: WordTime[] = [];
    let bytes = 0;
    for await (const part of this.#synthesizer.speak({ text, voice: VOICE, language: 'en', format: 'mulaw-8000', signal })) {
      if (part.words) words.push(...part.words);
      if (!(part.sound instanceof Uint8Array)) continue;
      parts.push(part.sound);
      bytes += part.sound.length;
    }
    const sound = new Uint8Array(Math.ceil(bytes / FRAME) * FRAME).fill(MULAW_SILENCE);
    let at = 0;
    for (const part of parts) {
      sound.set(part, at);
      at += part.length;
    }
    return { text, sound, words: words.length > 0 ? words : spread(text, bytes / PER_MS) };
  }

  close(): Promise<void> {
    return this.#synthesizer.close();
  }
}

/** Evenly, where the voice does not say when its words are. */
function spread(text: string, totalMs: number): WordTime[] {
  const spoken = text.split(/\s+/).filter(Boolean);
  const each = totalMs / Math.max(1, spoken.length);
  return spoken.map((word, index) => ({ text: word, fromMs: index * each, toMs: (index + 1) * each }));
}
