/**
 * What the callers of this bench sound like. The voice is steady, so that every detector agrees to the 10 ms when it ends:
 * a word's natural decay would only measure their thresholds.
 */
import { encode } from '../load/voice.ts';

const FORMANTS = [
  [600, 1],
  [1400, 0.5],
  [2500, 0.25],
] as const;
const LOUDNESS = 5_000;
/** Loud and soft in turn, as syllables are; 6 dB apart. */
const SYLLABLES_PER_SECOND = 4;

/** `durationMs` of voice that begins and ends at full level, about -16 dBFS. */
export function talk(durationMs: number, pitchHz: number): Uint8Array {
  const harmonics: [step: number, amplitude: number, phase: number][] = [];
  for (let n = 1; n * pitchHz < 3_400; n++) {
    const hz = n * pitchHz;
    const amplitude = FORMANTS.reduce((sum, [at, weight]) => sum + weight * Math.exp(-(((hz - at) / 350) ** 2)), 0.05);
    // Phases by Schroeder: the power is spread evenly over the period.
    harmonics.push([(2 * Math.PI * hz) / 8_000, amplitude, (Math.PI * n * n) / 30]);
  }
  const power = Math.hypot(...harmonics.map(([, amplitude]) => amplitude)) / Math.SQRT2;
  const samples = durationMs * 8;
  return Uint8Array.from({ length: samples }, (_, i) => {
    const syllable = 0.75 + 0.25 * Math.cos((2 * Math.PI * SYLLABLES_PER_SECOND * (samples - i)) / 8_000);
    const value = harmonics.reduce((sum, [step, amplitude, phase]) => sum + amplitude * Math.sin(i * step + phase), 0);
    return encode(Math.round((LOUDNESS * syllable * value) / power));
  });
}

/** A burst of noise that dies away. */
export function cough(durationMs: number, random: () => number): Uint8Array {
  return Uint8Array.from({ length: durationMs * 8 }, (_, i) => {
    // The 7 bits of a µ-law magnitude, which are logarithmic; the sign is the eighth.
    const magnitude = Math.floor(96 * Math.exp(-i / (durationMs * 8)) * random());
    return (random() < 0.5 ? 0x7f : 0xff) - magnitude;
  });
}
