/**
 * A Frame is 20 ms of mono sound. Two formats exist inside Tandem: µ-law at 8 kHz, kept as it is from the phone line
 * to the providers that take it, and linear PCM at 16 kHz for wideband legs (G.722, browsers).
 */

export const FRAME_MS = 20;

export type SoundFormat = 'mulaw-8000' | 'linear-16000';

/** Samples: µ-law bytes (`Uint8Array`) for `mulaw-8000`, 16-bit linear (`Int16Array`) for `linear-16000`. */
export type Sound = Uint8Array | Int16Array;

export const rateOf = (format: SoundFormat): 8000 | 16000 => (format === 'mulaw-8000' ? 8000 : 16000);
export const samplesPerFrame = (format: SoundFormat): number => rateOf(format) / 50;
export const msOf = (sound: Sound, format: SoundFormat): number => (sound.length * 1000) / rateOf(format);

/** µ-law silence (positive zero, G.711 §3). */
export const MULAW_SILENCE = 0xff;

/** A new frame's worth of silence. */
export function silence(format: SoundFormat, samples = samplesPerFrame(format)): Sound {
  return format === 'mulaw-8000' ? new Uint8Array(samples).fill(MULAW_SILENCE) : new Int16Array(samples);
}

/**
 * `sound` is valid while the frame is being pushed, and not longer: the next call's may take its place. Who keeps it copies it.
 */
export interface Frame {
  /** Milliseconds since the leg was answered; advances by exactly 20. */
  at: number;
  format: SoundFormat;
  sound: Sound;
  /** True when the sound was made up: loss concealment, or silence because nothing arrived. */
  concealed: boolean;
  /** When its sound arrived on the wire, milliseconds of the process's clock; NaN or absent where nobody can tell. */
  arrivedAt?: number;
}
