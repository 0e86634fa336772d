/**
 * Voices that are no recordings: a stock of speech-like sound, made once per process from a fixed seed, that words are cut
 * from. A word's sound only depends on what it is asked for, so that it is the same in every run.
 */
import type { WordTime } from '@tandem/contract';
import { FRAME_MS, MULAW_SILENCE } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { gainOf, linearLevel } from '#audio/level.ts';
import { SeededRandom } from '#kit/random.ts';
import type { SimulationRooms } from '../rooms.ts';

const RATE = 8_000;
const PER_MS = RATE / 1000;
/** So much is made; about two thirds of it is voice. */
const STOCK_MS = 24_000;
/** At the end of each word, so that words can be told apart. */
const GAP_MS = 20;
const RAMP = 5 * PER_MS;

/** Something said: µ-law at 8 kHz in whole frames, and when each word is in it. */
export interface SpokenSound {
  text: string;
  sound: Uint8Array;
  words: readonly WordTime[];
}

/** A speaker: the level of the voice in dBFS, and its pitch. */
export interface Speaker {
  levelDb: number;
  pitchHz: number;
}

export const CALLER: Speaker = { levelDb: -18, pitchHz: 190 };
export const ASSISTANT: Speaker = { levelDb: -20, pitchHz: 120 };

export class SoundBank {
  readonly #rooms: Pick<SimulationRooms, 'speechLike'>;
  readonly #stocks = new Map<Speaker, Int16Array>();

  constructor(rooms: Pick<SimulationRooms, 'speechLike'>) {
    this.#rooms = rooms;
  }

  /** `words` at their times, silence between them; `seed` says where in the stock it is cut from. */
  speak(speaker: Speaker, text: string, words: readonly WordTime[], seed: number): SpokenSound {
    const stock = this.#stockOf(speaker);
    const endMs = words.at(-1)?.toMs ?? 0;
    const samples = new Int16Array(Math.ceil(endMs / FRAME_MS) * FRAME_MS * PER_MS);
    let from = (seed >>> 0) % stock.length;
    for (const { fromMs, toMs } of words) {
      const [start, end] = [Math.round(fromMs * PER_MS), Math.round(Math.max(fromMs + GAP_MS, toMs - GAP_MS) * PER_MS)];
      for (let i = start; i < end && i < samples.length; i++) {
        const edge = Math.min(1, (i - start + 1) / RAMP, (end - i) / RAMP);
        samples[i] = Math.round(stock[from] * edge);
        from = (from + 1) % stock.length;
      }
    }
    const sound = new Uint8Array(samples.length).fill(MULAW_SILENCE);
    linearToMulaw(samples, sound);
    return { text, sound, words };
  }

  #stockOf(speaker: Speaker): Int16Array {
    let stock = this.#stocks.get(speaker);
    if (!stock) {
      const { samples, words } = this.#rooms.speechLike(new SeededRandom(7), STOCK_MS, RATE, speaker.levelDb, speaker.pitchHz);
      stock = joined(words.map(({ from, to }) => levelled(samples.subarray(from, to), speaker.levelDb)));
      this.#stocks.set(speaker, stock);
    }
    return stock;
  }
}

/** Every word as loud as the speaker is: which of them a detector hears is not to be chance. */
function levelled(samples: Int16Array, levelDb: number): Int16Array {
  const gain = gainOf(levelDb - linearLevel(samples));
  return samples.map((sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample * gain))));
}

function joined(parts: readonly Int16Array[]): Int16Array {
  const out = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** FNV-1a of a text's code units, or of bytes: 32 bits. */
export function fnv1a(of: string | Uint8Array): number {
  let hash = 0x811c9dc5;
  if (typeof of === 'string') for (let i = 0; i < of.length; i++) hash = Math.imul(hash ^ of.charCodeAt(i), 0x01000193);
  else for (let i = 0; i < of.length; i++) hash = Math.imul(hash ^ of[i], 0x01000193);
  return hash >>> 0;
}
