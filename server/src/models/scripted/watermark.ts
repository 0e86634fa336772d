/**
 * Two tones per 100 ms that say which reply, and which chunk of it, is audible. Both lie in the telephone band and survive
 * G.711, so that a recorder knows what was heard, and whether stale sound leaked after a cut, without recognising speech.
 */
import { rateOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { LINEAR_TO_MULAW, MULAW_TO_LINEAR } from '#audio/g711.ts';

export const WATERMARK_MS = 100;
/** 16 turns at 500 Hz + 60 Hz each, 16 chunks at 1700 Hz + 90 Hz each: no harmonic of one falls on another's partner. */
const turnHz = (turn: number): number => 500 + 60 * (turn & 15);
const chunkHz = (chunk: number): number => 1700 + 90 * (chunk & 15);
const AMPLITUDE = 5_000; // of each tone: -19 dBFS together
const RAMP_MS = 4; // at both ends of a chunk: no click

/** `durationMs` of sound whose 100 ms chunks are numbered from `firstChunk` (modulo 16). */
export function watermark(turn: number, durationMs: number, format: SoundFormat, firstChunk = 0): Sound {
  const rate = rateOf(format);
  const total = Math.round((durationMs * rate) / 1000);
  const perChunk = (WATERMARK_MS * rate) / 1000;
  const ramp = (RAMP_MS * rate) / 1000;
  const out = format === 'mulaw-8000' ? new Uint8Array(total) : new Int16Array(total);
  for (let i = 0; i < total; i++) {
    const within = i % perChunk;
    const edge = Math.min(1, (within + 1) / ramp, (perChunk - within) / ramp);
    const t = (2 * Math.PI * within) / rate;
    const chunk = firstChunk + Math.floor(i / perChunk);
    const value = Math.round(edge * AMPLITUDE * (Math.sin(t * turnHz(turn)) + Math.sin(t * chunkHz(chunk))));
    out[i] = format === 'mulaw-8000' ? LINEAR_TO_MULAW[value & 0xffff] : value;
  }
  return out;
}

/** Power at one frequency (Goertzel), relative to the power of the whole. */
function share(sound: Sound, from: number, to: number, hz: number, rate: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let s1 = 0;
  let s2 = 0;
  let power = 1e-9;
  for (let i = from; i < to; i++) {
    const x = sound instanceof Int16Array ? sound[i] : MULAW_TO_LINEAR[sound[i]];
    const s0 = x + coefficient * s1 - s2;
    s2 = s1;
    s1 = s0;
    power += x * x;
  }
  return (2 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2)) / (power * (to - from));
}

const PRESENT = 0.15; // of the power; each of two equal tones has about half

/** What a stretch of sound (60…100 ms inside one chunk reads best) says; undefined when there is no watermark in it. */
export function readWatermark(sound: Sound, format: SoundFormat, from = 0, to = sound.length): { turn: number; chunk: number } | undefined {
  const rate = rateOf(format);
  const strongest = (hzOf: (index: number) => number) => {
    let best = 0;
    let index = -1;
    for (let i = 0; i < 16; i++) {
      const value = share(sound, from, to, hzOf(i), rate);
      if (value > best) [best, index] = [value, i];
    }
    return best > PRESENT ? index : -1;
  };
  const turn = strongest(turnHz);
  const chunk = turn < 0 ? -1 : strongest(chunkHz);
  return chunk < 0 ? undefined : { turn, chunk };
}
