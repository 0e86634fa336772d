/** Sounds of a caller that are no words: made from noise and a low hum, the same for the same dice. */
import { MULAW_SILENCE, samplesPerFrame } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import type { Random } from '#kit/random.ts';

export type SoundName = 'cough' | 'hum' | 'click' | 'door';

const PER_MS = 8;
const FRAME = samplesPerFrame('mulaw-8000');

interface Shape {
  /** Peak of the noise in it, of full scale 32,768. */
  noise: number;
  /** Peak of the tone in it, and the samples of one period of it. */
  tone: number;
  period: number;
  /** Milliseconds in which it dies away; it is even when infinite. */
  decayMs: number;
  /** Samples that the noise is averaged over: more is duller. */
  dull: number;
}

const SHAPES: Record<SoundName, Shape> = {
  cough: { noise: 16_000, tone: 0, period: 1, decayMs: 90, dull: 2 },
  hum: { noise: 300, tone: 3_500, period: 57, decayMs: Number.POSITIVE_INFINITY, dull: 1 },
  click: { noise: 20_000, tone: 0, period: 1, decayMs: 4, dull: 1 },
  door: { noise: 9_000, tone: 5_000, period: 110, decayMs: 60, dull: 6 },
};

/** `ms` of that sound in whole frames, µ-law at 8 kHz. */
export function callerSound(name: SoundName, ms: number, random: Random): Uint8Array {
  const { noise, tone, period, decayMs, dull } = SHAPES[name];
  const samples = new Int16Array(Math.max(1, Math.ceil((ms * PER_MS) / FRAME)) * FRAME);
  let level = 1;
  const fall = decayMs === Number.POSITIVE_INFINITY ? 1 : 1 - 1 / (decayMs * PER_MS);
  let dulled = 0;
  for (let i = 0; i < ms * PER_MS; i++) {
    dulled += (2 * random.next() - 1 - dulled) / dull;
    // A triangle: a tone with few harmonics, of additions only.
    const phase = (i % period) / period;
    const wave = 4 * Math.abs(phase - 0.5) - 1;
    samples[i] = Math.round((noise * dulled + tone * wave) * level);
    level *= fall;
  }
  const out = new Uint8Array(samples.length).fill(MULAW_SILENCE);
  linearToMulaw(samples, out);
  return out;
}
