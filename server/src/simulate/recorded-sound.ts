/** WAV files of callers, played as they were recorded: any rate and encoding that `audio/wav.ts` reads becomes µ-law at 8 kHz. */
import { FRAME_MS, MULAW_SILENCE } from '#audio/frame.ts';
import { linearToMulaw } from '#audio/g711.ts';
import { createResampler, type SampleRate } from '#audio/resampler.ts';
import { decodeWav, parseWav } from '#audio/wav.ts';
import { TandemError } from '#kit/errors.ts';

const RATE = 8_000;
const FRAME = (RATE * FRAME_MS) / 1000;

/** The first channel in whole frames. Throws `invalid-input` naming `path`. */
export function wavSound(bytes: Uint8Array, path: string): Uint8Array {
  const file = parseWav(bytes);
  if (!file) throw new TandemError('invalid-input', `${path} is no WAVE file of 16-bit, A-law or µ-law sound`, { path });
  const [channel] = decodeWav(bytes, file);
  return mulawFrames(file.rate === RATE ? channel : resampled(channel, file.rate, path));
}

/** Linear samples at 8 kHz as µ-law in whole frames. */
export function mulawFrames(samples: Int16Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(samples.length / FRAME) * FRAME).fill(MULAW_SILENCE);
  linearToMulaw(samples, out);
  return out;
}

/** What the resampler converts from. */
const RATES: readonly number[] = [8_000, 11_025, 16_000, 22_050, 24_000, 48_000] satisfies SampleRate[];

/** Throws `invalid-input` for a rate that is not read. */
export function resampled(samples: Int16Array, rate: number, path: string): Int16Array {
  if (!RATES.includes(rate))
    throw new TandemError('invalid-input', `${path} has a rate of ${rate} Hz; ${RATES.join(', ')} are read`, { path, rate });
  const resampler = createResampler(rate as SampleRate, RATE);
  const out = new Int16Array(resampler.outputLength(samples.length));
  resampler.process(samples, out);
  return out;
}
