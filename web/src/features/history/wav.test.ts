import { describe, expect, test } from 'vitest';
import { MULAW_TO_LINEAR } from './g711.ts';
import { BUCKET_MS, columnsOf, peaksOf } from './peaks.ts';
import { linearOf, readWav } from './wav.ts';

/** A RIFF file: `fmt ` of 18 bytes, an odd `LIST` chunk, then `data` claiming `claimed` bytes. */
function wavFile(format: number, channels: number, data: Uint8Array, claimed = data.length): Uint8Array {
  const bytes = new Uint8Array(12 + 26 + 12 + 8 + data.length);
  const view = new DataView(bytes.buffer);
  const tag = (at: number, name: string) => bytes.set(new TextEncoder().encode(name), at);
  const width = format === 7 ? 1 : 2;
  tag(0, 'RIFF');
  tag(8, 'WAVE');
  tag(12, 'fmt ');
  view.setUint32(16, 18, true);
  view.setUint16(20, format, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, 8000, true);
  view.setUint32(28, 8000 * channels * width, true);
  view.setUint16(32, channels * width, true);
  view.setUint16(34, width * 8, true);
  tag(38, 'LIST');
  view.setUint32(42, 3, true);
  tag(50, 'data');
  view.setUint32(54, claimed, true);
  bytes.set(data, 58);
  return bytes;
}

describe('µ-law', () => {
  test('known codes of G.711 table 2a', () => {
    expect([0xff, 0x7f, 0x80, 0x00, 0xf0, 0x8f].map((code) => MULAW_TO_LINEAR[code])).toEqual([0, 0, 32124, -32124, 120, 16764]);
  });
  test('every code but the two zeros has its own value, symmetric about zero', () => {
    expect(new Set(MULAW_TO_LINEAR).size).toBe(255);
    for (let code = 0; code < 128; code++) expect((MULAW_TO_LINEAR[code] ?? 1) + (MULAW_TO_LINEAR[code | 0x80] ?? 1)).toBe(0);
  });
});

describe('WAVE', () => {
  test('two µ-law channels are told apart', () => {
    const data = new Uint8Array(16_000).map((_, n) => (n % 2 === 0 ? 0x80 : 0xff));
    const wav = readWav(wavFile(7, 2, data));
    expect(wav).toMatchObject({ rate: 8000, channels: 2, encoding: 'mulaw', durationMs: 1000 });
    expect(new Set(linearOf(wav, 0))).toEqual(new Set([32124]));
    expect(new Set(linearOf(wav, 1))).toEqual(new Set([0]));
  });
  test('linear samples are little-endian', () => {
    const wav = readWav(wavFile(1, 1, Uint8Array.of(0x01, 0x00, 0xff, 0xff)));
    expect([...linearOf(wav, 0)]).toEqual([1, -1]);
  });
  test('a file cut off by a crash gives what is there', () => {
    const data = new Uint8Array(801).fill(0xff);
    expect(readWav(wavFile(7, 2, data, 0xffff_ffff)).durationMs).toBe(50);
    expect(readWav(wavFile(7, 2, data, 0)).durationMs).toBe(50);
  });
  test('anything else is refused in words', () => {
    expect(() => readWav(new Uint8Array(3))).toThrow('not a WAVE file');
    expect(() => readWav(wavFile(49, 1, new Uint8Array(8)))).toThrow('sound format 49');
    expect(() => readWav(wavFile(7, 2, new Uint8Array(0)).subarray(0, 40))).toThrow('no sound');
  });
});

describe('outline', () => {
  test('a bucket holds the loudest sample of its 10 ms', () => {
    const samples = new Int16Array(8000);
    samples[80 * 3 + 7] = -16_384;
    const peaks = peaksOf(samples, 8000);
    expect(peaks.length).toBe(1000 / BUCKET_MS);
    expect(peaks[3]).toBe(0.5);
    expect(peaks[2]).toBe(0);
  });
  test('columns keep the peak when squeezed and repeat when stretched', () => {
    const peaks = Float32Array.of(0, 0, 1, 0, 0, 0);
    expect([...columnsOf(peaks, 3)]).toEqual([0, 1, 0]);
    expect([...columnsOf(peaks, 12)].filter((height) => height === 1).length).toBe(2);
    expect([...columnsOf(new Float32Array(0), 2)]).toEqual([0, 0]);
  });
});
