import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { linearToMulaw, mulawToLinear } from './g711.ts';
import { sineTone } from './tones.ts';
import { decodeWav, encodeWav, parseWav, repairWavHeader, type WavEncoding, wavHeaderLength, writeWavHeader } from './wav.ts';

const ENCODINGS: WavEncoding[] = ['linear-16', 'alaw', 'mulaw'];

test('a header says what it was written for', () => {
  for (const encoding of ENCODINGS) {
    for (const channels of [1, 2, 6]) {
      const dataBytes = 2 * channels * 1000;
      const header = writeWavHeader({ encoding, rate: 8000, channels }, dataBytes);
      expect(header.length).toBe(wavHeaderLength(encoding));
      const file = parseWav(header, header.length + dataBytes);
      expect(file).toMatchObject({ encoding, rate: 8000, channels, dataOffset: header.length, dataBytes });
    }
  }
});

test('µ-law has a fact chunk with its sample frames', () => {
  const header = writeWavHeader({ encoding: 'mulaw', rate: 8000, channels: 2 }, 32000);
  const view = new DataView(header.buffer);
  expect(new TextDecoder().decode(header.subarray(38, 42))).toBe('fact');
  expect(view.getUint32(46, true)).toBe(16000);
  expect(view.getUint16(20, true)).toBe(7);
  expect(view.getUint32(4, true)).toBe(50 + 32000);
});

test('linear stereo comes back sample for sample', () => {
  const left = sineTone(440, 100, 16000);
  const right = sineTone(880, 100, 16000);
  const bytes = encodeWav([left, right], 16000);
  const file = parseWav(bytes);
  expect(file && decodeWav(bytes, file)).toEqual([left, right]);
});

test('a file cut off by a crash is repaired to what is there', () => {
  const format = { encoding: 'mulaw' as const, rate: 8000, channels: 2 };
  const open = writeWavHeader(format, 0);
  const sound = new Uint8Array(2 * 8000 + 1);
  linearToMulaw(sineTone(440, 2000, 8000), sound, 0, 16000);
  const file = new Uint8Array([...open, ...sound]);
  expect(parseWav(file)?.frames).toBe(0);
  const repaired = repairWavHeader(file.length, file.subarray(0, 58));
  expect(repaired?.length).toBe(58);
  file.set(repaired as Uint8Array);
  const found = parseWav(file);
  expect(found?.frames).toBe(8000);
  const expected = new Int16Array(1);
  mulawToLinear(sound.subarray(0, 1), expected);
  expect(found && decodeWav(file, found)[0][0]).toBe(expected[0]);
  expect(repairWavHeader(20, file.subarray(0, 20))).toBeUndefined();
});

test('unknown chunks before the sound are skipped, sizes beyond the file are cut', () => {
  const header = writeWavHeader({ encoding: 'linear-16', rate: 8000, channels: 1 }, 0xfffffff0);
  const list = Uint8Array.of(0x4c, 0x49, 0x53, 0x54, 3, 0, 0, 0, 1, 2, 3, 0);
  const bytes = new Uint8Array([...header.subarray(0, 36), ...list, ...header.subarray(36), 1, 0, 2, 0, 3]);
  const file = parseWav(bytes);
  expect(file?.frames).toBe(2);
  expect(file && [...decodeWav(bytes, file)[0]]).toEqual([1, 2]);
});

test('any bytes are parsed or refused, never thrown at', () => {
  const valid = encodeWav([sineTone(440, 10, 8000)], 8000);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), fc.nat(60), (noise, at) => {
      const bytes = valid.slice();
      bytes.set(noise.subarray(0, Math.min(noise.length, bytes.length - at)), at);
      for (const candidate of [noise, bytes]) {
        const file = parseWav(candidate);
        if (file) expect(decodeWav(candidate, file)[0].length).toBe(file.frames);
        repairWavHeader(candidate.length, candidate);
      }
    }),
  );
});
