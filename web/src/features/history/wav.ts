/** Reads the recordings of calls: RIFF/WAVE, µ-law (format 7) or linear 16-bit (format 1), any number of channels. */
import { MULAW_TO_LINEAR } from './g711.ts';

export type Wav = {
  rate: number;
  channels: number;
  encoding: 'mulaw' | 'linear';
  /** Interleaved samples as they stand in the file. */
  data: Uint8Array;
  durationMs: number;
};

const FORMAT_LINEAR = 1;
const FORMAT_MULAW = 7;

/**
 * Throws `Error` when it is not a WAVE file of a known format. A `data` chunk whose length runs past the end (a recording
 * cut off by a crash) holds what is there.
 */
export function readWav(bytes: Uint8Array): Wav {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number) => (at + 4 <= bytes.length ? String.fromCharCode(...bytes.subarray(at, at + 4)) : '');
  if (tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw new Error('The recording is not a WAVE file.');
  let format: { code: number; channels: number; rate: number } | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    if (tag(at) === 'fmt ' && start + 16 <= bytes.length) {
      format = { code: view.getUint16(start, true), channels: view.getUint16(start + 2, true), rate: view.getUint32(start + 4, true) };
    } else if (tag(at) === 'data') {
      if (!format || format.channels < 1 || format.rate < 1) break;
      if (format.code !== FORMAT_LINEAR && format.code !== FORMAT_MULAW) throw new Error(`The recording has sound format ${format.code}.`);
      const blockAlign = format.channels * (format.code === FORMAT_MULAW ? 1 : 2);
      const there = Math.min(length === 0 ? bytes.length : length, bytes.length - start);
      const data = bytes.subarray(start, start + Math.floor(there / blockAlign) * blockAlign);
      const durationMs = (data.length / blockAlign / format.rate) * 1000;
      return {
        rate: format.rate,
        channels: format.channels,
        encoding: format.code === FORMAT_MULAW ? 'mulaw' : 'linear',
        data,
        durationMs,
      };
    }
    at = start + length + (length & 1);
  }
  throw new Error('The recording holds no sound.');
}

/** One channel as linear 16-bit samples. */
export function linearOf(wav: Wav, channel: number): Int16Array {
  const { data, channels, encoding } = wav;
  const mulaw = encoding === 'mulaw';
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const samples = new Int16Array(data.length / channels / (mulaw ? 1 : 2));
  for (let n = 0, at = channel; n < samples.length; n++, at += channels) {
    samples[n] = mulaw ? (MULAW_TO_LINEAR[data[at] ?? 0xff] ?? 0) : view.getInt16(at * 2, true);
  }
  return samples;
}
