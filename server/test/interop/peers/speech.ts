/** What the peers say: recorded human prompts, laid out in time, as linear sound or as files. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { linearToAlaw, linearToMulaw } from '#audio/g711.ts';
import { createResampler } from '#audio/resampler.ts';
import { decodeWav, encodeWav, parseWav } from '#audio/wav.ts';
import { PROMPTS } from './installed.ts';

/** The first channel of a WAV file. */
export async function readSound(path: string): Promise<{ samples: Int16Array; rate: number }> {
  const bytes = new Uint8Array(await readFile(path));
  const file = parseWav(bytes);
  if (!file) throw new Error(`${path} is no WAV file`);
  return { samples: decodeWav(bytes, file)[0], rate: file.rate };
}

/** A prompt by name, 8 kHz. */
export async function prompt(name: string): Promise<Int16Array> {
  return (await readSound(join(PROMPTS, `${name}.wav`))).samples;
}

export const pause = (ms: number, rate = 8000): Int16Array => new Int16Array(Math.round((ms * rate) / 1000));

/** One after the other. */
export function inTurn(...parts: Int16Array[]): Int16Array {
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function resample(sound: Int16Array, from: 8000 | 16000, to: 8000 | 16000): Int16Array {
  if (from === to) return sound;
  const out = new Int16Array(Math.ceil((sound.length * to) / from) + 64);
  return out.subarray(0, createResampler(from, to).process(sound, out));
}

export async function writeWav(path: string, samples: Int16Array, rate: number): Promise<string> {
  await writeFile(path, encodeWav([samples], rate));
  return path;
}

/** Bytes of the codec without a header, as sipp's rtp_stream reads them. */
export async function writeRaw(path: string, samples: Int16Array, law: 'PCMU' | 'PCMA'): Promise<string> {
  const bytes = new Uint8Array(samples.length);
  if (law === 'PCMU') linearToMulaw(samples, bytes);
  else linearToAlaw(samples, bytes);
  await writeFile(path, bytes);
  return path;
}
