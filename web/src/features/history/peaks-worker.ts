/** Decodes a recording off the main thread: bytes in, the outline of each channel out. */
import { peaksOf } from './peaks.ts';
import { linearOf, readWav } from './wav.ts';

export type Outline = { durationMs: number; lanes: Float32Array<ArrayBuffer>[] };
export type OutlineAnswer = { outline: Outline } | { fault: string };

addEventListener('message', ({ data: bytes }: MessageEvent<ArrayBuffer>) => {
  let answer: OutlineAnswer;
  try {
    const wav = readWav(new Uint8Array(bytes));
    const lanes = Array.from({ length: Math.min(2, wav.channels) }, (_, channel) => peaksOf(linearOf(wav, channel), wav.rate));
    answer = { outline: { durationMs: wav.durationMs, lanes } };
  } catch (error) {
    answer = { fault: error instanceof Error ? error.message : String(error) };
  }
  postMessage(answer);
});
