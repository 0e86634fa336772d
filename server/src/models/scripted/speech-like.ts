/**
 * Sound that detectors take for speech, made from a seed: syllables of a gliding voice through three moving formants,
 * fricatives between them, pauses between words. For tests and for callers in load tests; no recording, no licence.
 */
import { rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import type { Random } from '#kit/random.ts';

/** Formants (Hz) of a few vowels: a e i o u ə. */
const VOWELS = [
  [730, 1090, 2440],
  [530, 1840, 2480],
  [300, 2200, 2950],
  [570, 900, 2410],
  [330, 900, 2240],
  [500, 1500, 2500],
] as const;

export interface SpeechLike {
  /** Linear samples at `rate`. */
  samples: Int16Array;
  /** Spans of samples that hold sound (a word each). */
  words: { from: number; to: number }[];
}

/** About `durationMs` of speech-like sound whose loudest word peaks at `levelDb` (dBFS, RMS). `pitchHz` of the voice. */
export function speechLike(
  random: Random,
  durationMs: number,
  rate: number,
  levelDb = -20,
  pitchHz = 120 + 90 * random.next(),
): SpeechLike {
  const total = Math.round((durationMs * rate) / 1000);
  const out = new Float64Array(total);
  const words: SpeechLike['words'] = [];
  const resonators = [new Resonator(), new Resonator(), new Resonator()];
  let at = 0;
  let phase = 0;
  while (at < total) {
    const from = at;
    const syllables = 1 + random.below(4);
    for (let syllable = 0; syllable < syllables && at < total; syllable++) {
      if (random.next() < 0.5) at = fricative(random, out, at, rate);
      const vowel = VOWELS[random.below(VOWELS.length)];
      resonators.forEach((resonator, index) => resonator.tune(vowel[index], 60 + 40 * index, rate));
      const length = Math.round((0.09 + 0.12 * random.next()) * rate);
      const from = pitchHz * (0.9 + 0.2 * random.next());
      const glide = 0.85 + 0.3 * random.next();
      for (let i = 0; i < length && at < total; i++, at++) {
        const progress = i / length;
        phase += (from * (1 + (glide - 1) * progress)) / rate;
        if (phase >= 1) phase -= 1;
        // A glottal pulse: a short raised bump each period, a little breath.
        const source = (phase < 0.3 ? Math.sin((Math.PI * phase) / 0.3) : 0) - 0.19 + 0.03 * (random.next() - 0.5);
        let voice = 0;
        for (let f = 0; f < 3; f++) voice += resonators[f].filter(source) / (1 + f);
        out[at] += voice * Math.sin(Math.PI * Math.min(1, Math.max(0.02, progress))) ** 0.5;
      }
    }
    words.push({ from, to: at });
    at += Math.round((random.next() < 0.2 ? 0.25 + 0.3 * random.next() : 0.02 + 0.1 * random.next()) * rate);
  }
  return { samples: scaled(out, levelDb, words), words };
}

/** The same in a leg's format. */
export function speechLikeSound(random: Random, durationMs: number, format: SoundFormat, levelDb = -20): Sound {
  const { samples } = speechLike(random, durationMs, rateOf(format), levelDb);
  if (format === 'linear-16000') return samples;
  const bytes = new Uint8Array(samples.length);
  linearToMulaw(samples, bytes);
  return bytes;
}

function fricative(random: Random, out: Float64Array, at: number, rate: number): number {
  const length = Math.round((0.04 + 0.06 * random.next()) * rate);
  let before = 0;
  for (let i = 0; i < length && at < out.length; i++, at++) {
    const noise = random.next() - 0.5;
    out[at] += 0.25 * (noise - before) * Math.sin((Math.PI * i) / length);
    before = noise;
  }
  return at;
}

function scaled(out: Float64Array, levelDb: number, words: SpeechLike['words']): Int16Array {
  let loudest = 1e-12;
  for (const { from, to } of words) {
    let power = 0;
    for (let i = from; i < to; i++) power += out[i] * out[i];
    loudest = Math.max(loudest, power / Math.max(1, to - from));
  }
  const gain = (32768 * 10 ** (levelDb / 20)) / Math.sqrt(loudest);
  return Int16Array.from(out, (value) => Math.max(-32768, Math.min(32767, Math.round(value * gain))));
}

/** Two-pole resonance. */
class Resonator {
  #a = 0;
  #b = 0;
  #gain = 1;
  #y1 = 0;
  #y2 = 0;

  tune(centreHz: number, bandwidthHz: number, rate: number): void {
    const radius = Math.exp((-Math.PI * bandwidthHz) / rate);
    this.#a = 2 * radius * Math.cos((2 * Math.PI * centreHz) / rate);
    this.#b = -radius * radius;
    this.#gain = 1 - radius;
  }

  filter(x: number): number {
    const y = this.#gain * x + this.#a * this.#y1 + this.#b * this.#y2;
    this.#y2 = this.#y1;
    this.#y1 = y;
    return y;
  }
}
