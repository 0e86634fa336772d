/** Levels in dBFS: 0 dBFS is the power of a full-scale square wave, so a full-scale sine reads -3.01. */
import type { Sound } from './frame.ts';
import { ALAW_TO_LINEAR, MULAW_SQUARE } from './g711.ts';

/** What silence reads: below the quietest step of any format here, and finite so that it can be averaged. */
export const SILENCE_DBFS = -100;

const FULL_SCALE_POWER = 32768 ** 2;

/** dBFS of a mean square of 16-bit samples. */
export function dbfsOfPower(meanSquare: number): number {
  return meanSquare <= 0 ? SILENCE_DBFS : Math.max(SILENCE_DBFS, 10 * Math.log10(meanSquare / FULL_SCALE_POWER));
}

/** Mean square of linear samples `[from, to)`; 0 when empty. */
export function linearPower(samples: Int16Array, from = 0, to = samples.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += samples[i] * samples[i];
  return to > from ? sum / (to - from) : 0;
}

/**
 * Mean square of µ-law bytes `[from, to)`, in 16-bit units, without decoding. Sums of whole numbers are exact in any order:
 * four at a time, so that no addition waits for the one before.
 */
export function mulawPower(bytes: Uint8Array, from = 0, to = bytes.length): number {
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let i = from;
  for (; i + 3 < to; i += 4) {
    first += MULAW_SQUARE[bytes[i]];
    second += MULAW_SQUARE[bytes[i + 1]];
    third += MULAW_SQUARE[bytes[i + 2]];
    fourth += MULAW_SQUARE[bytes[i + 3]];
  }
  for (; i < to; i++) first += MULAW_SQUARE[bytes[i]];
  return to > from ? (first + second + third + fourth) / (to - from) : 0;
}

export function linearLevel(samples: Int16Array): number {
  return dbfsOfPower(linearPower(samples));
}

export function mulawLevel(bytes: Uint8Array): number {
  return dbfsOfPower(mulawPower(bytes));
}

export function alawLevel(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += ALAW_TO_LINEAR[bytes[i]] ** 2;
  return dbfsOfPower(bytes.length > 0 ? sum / bytes.length : 0);
}

/** Mean square that reads `dbfs`: to compare with instead of taking a logarithm of every frame. */
export function powerOfDbfs(dbfs: number): number {
  return FULL_SCALE_POWER * 10 ** (dbfs / 10);
}

/** Mean square of a sound in either format: bytes are µ-law, 16-bit samples linear. */
export function powerOf(sound: Sound): number {
  return sound instanceof Uint8Array ? mulawPower(sound) : linearPower(sound);
}

/** Level of a sound in either format: bytes are µ-law, 16-bit samples linear. */
export function levelOf(sound: Sound): number {
  return sound instanceof Uint8Array ? mulawLevel(sound) : linearLevel(sound);
}

/** Amplitude factor of a gain in decibels. */
export function gainOf(decibels: number): number {
  return 10 ** (decibels / 20);
}
