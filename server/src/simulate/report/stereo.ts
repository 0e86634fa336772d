/** The sound of a simulated call as a WAVE file: caller left, assistant right, as recordings of real calls are. */
import { writeWavHeader } from '#audio/wav.ts';
import type { CallSound } from '../outcome.ts';

const RATE = 8_000;
const SILENCE = 0xff;

/** 8 kHz µ-law in two channels; the shorter party is silent to the end. */
export function stereoWav({ caller, assistant }: CallSound): Uint8Array {
  const frames = Math.max(caller.length, assistant.length);
  const header = writeWavHeader({ encoding: 'mulaw', rate: RATE, channels: 2 }, 2 * frames);
  const file = new Uint8Array(header.length + 2 * frames).fill(SILENCE);
  file.set(header);
  for (let i = 0; i < caller.length; i++) file[header.length + 2 * i] = caller[i];
  for (let i = 0; i < assistant.length; i++) file[header.length + 2 * i + 1] = assistant[i];
  return file;
}
