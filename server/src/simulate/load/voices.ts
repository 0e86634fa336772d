/**
 * What the callers sound like: speech-like µ-law, 8 kHz. A voice is steady and ends at full level, so that every detector
 * agrees to 10 ms about where it ends; a word's natural decay would only measure their thresholds.
 */
import { LINEAR_TO_MULAW } from '#audio/g711.ts';
import type { Random } from '#kit/random.ts';

const RATE = 8_000;
const FORMANTS = [
  [600, 1],
  [1400, 0.5],
  [2500, 0.25],
] as const;
/** About -16 dBFS. */
const LOUDNESS = 5_000;
/** Loud and soft in turn, as syllables are; 6 dB apart. */
const SYLLABLES_PER_SECOND = 4;
/** Whole frames of 20 ms. */
const LONGEST_MS = 6_000;
const PITCHES_HZ = [95, 120, 150, 190, 230];
const FRAME_MS = 20;

function talk(durationMs: number, pitchHz: number): Uint8Array {
  const harmonics: [step: number, amplitude: number, phase: number][] = [];
  for (let n = 1; n * pitchHz < 3_400; n++) {
    const hz = n * pitchHz;
    const amplitude = FORMANTS.reduce((sum, [at, weight]) => sum + weight * Math.exp(-(((hz - at) / 350) ** 2)), 0.05);
    // Phases by Schroeder: the power is spread evenly over the period.
    harmonics.push([(2 * Math.PI * hz) / RATE, amplitude, (Math.PI * n * n) / 30]);
  }
  const power = Math.hypot(...harmonics.map(([, amplitude]) => amplitude)) / Math.SQRT2;
  const samples = (durationMs * RATE) / 1000;
  return Uint8Array.from({ length: samples }, (_, i) => {
    const syllable = 0.75 + 0.25 * Math.cos((2 * Math.PI * SYLLABLES_PER_SECOND * (samples - i)) / RATE);
    const value = harmonics.reduce((sum, [step, amplitude, phase]) => sum + amplitude * Math.sin(i * step + phase), 0);
    return LINEAR_TO_MULAW[Math.round((LOUDNESS * syllable * value) / power) & 0xffff];
  });
}

const made = new Map<number, Uint8Array>();

/** Whole frames of at least 20 ms. */
const wholeFrames = (ms: number): number => Math.max(1, Math.round(ms / FRAME_MS)) * FRAME_MS;

/** `durationMs` (to whole 20 ms, at most 6 s) of the voice of caller `line`; a view of sound that is made once. */
export function voice(line: number, durationMs: number): Uint8Array {
  const pitch = PITCHES_HZ[line % PITCHES_HZ.length];
  let whole = made.get(pitch);
  if (!whole) made.set(pitch, (whole = talk(LONGEST_MS, pitch)));
  const bytes = (Math.min(LONGEST_MS, wholeFrames(durationMs)) * RATE) / 1000;
  return whole.subarray(whole.length - bytes);
}

/** A burst of noise that dies away: sound that is no voice. */
export function cough(durationMs: number, random: Random): Uint8Array {
  const bytes = (wholeFrames(durationMs) * RATE) / 1000;
  return Uint8Array.from({ length: bytes }, (_, i) => {
    // The 7 bits of a µ-law magnitude, which are logarithmic; the sign is the eighth.
    const magnitude = Math.floor(96 * Math.exp(-i / bytes) * random.next());
    return (random.next() < 0.5 ? 0x7f : 0xff) - magnitude;
  });
}
