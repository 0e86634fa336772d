import { describe, expect, test } from 'vitest';
import * as g711 from './g711.ts';
import { mulawLevel } from './level.ts';

describe('µ-law', () => {
  test('every code survives decoding and encoding, except negative zero', () => {
    for (let code = 0; code < 256; code++) {
      const back = g711.LINEAR_TO_MULAW[g711.MULAW_TO_LINEAR[code] & 0xffff];
      expect(back).toBe(code === 0x7f ? 0xff : code);
    }
  });

  test('known values of G.711', () => {
    expect(g711.MULAW_TO_LINEAR[0xff]).toBe(0);
    expect(g711.MULAW_TO_LINEAR[0x80]).toBe(32124);
    expect(g711.MULAW_TO_LINEAR[0x00]).toBe(-32124);
    expect(g711.LINEAR_TO_MULAW[32767]).toBe(0x80);
    expect(g711.LINEAR_TO_MULAW[-32768 & 0xffff]).toBe(0x00);
  });

  test('quantization error stays within half a step', () => {
    for (let sample = -32124; sample <= 32124; sample += 7) {
      const error = Math.abs(g711.MULAW_TO_LINEAR[g711.LINEAR_TO_MULAW[sample & 0xffff]] - sample);
      expect(error).toBeLessThanOrEqual(Math.max(4, (Math.abs(sample) + 132) / 32));
    }
  });
});

describe('A-law', () => {
  test('every code survives decoding and encoding', () => {
    for (let code = 0; code < 256; code++) expect(g711.LINEAR_TO_ALAW[g711.ALAW_TO_LINEAR[code] & 0xffff]).toBe(code);
  });

  test('known values of G.711', () => {
    expect(g711.ALAW_TO_LINEAR[0xd5]).toBe(8);
    expect(g711.ALAW_TO_LINEAR[0xaa]).toBe(32256);
    expect(g711.LINEAR_TO_ALAW[0]).toBe(g711.ALAW_SILENCE);
  });

  test('transcoding keeps silence and stays within one step of each law', () => {
    expect(g711.MULAW_TO_ALAW[0xff]).toBe(0xd5);
    for (let code = 0; code < 256; code++) {
      const linear = g711.MULAW_TO_LINEAR[code];
      const error = Math.abs(g711.ALAW_TO_LINEAR[g711.MULAW_TO_ALAW[code]] - linear);
      expect(error).toBeLessThanOrEqual(Math.max(8, Math.abs(linear) / 32));
    }
  });
});

test('block functions work in place and at offsets', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const linear = new Int16Array(4);
  g711.mulawToLinear(bytes, linear, 100, 4);
  expect([...linear]).toEqual([100, 101, 102, 103].map((code) => g711.MULAW_TO_LINEAR[code]));
  const out = new Uint8Array(6);
  g711.linearToMulaw(linear, out, 1, 4);
  expect([...out]).toEqual([0, 100, 101, 102, 103, 0]);
  const alaw = bytes.slice();
  g711.mulawToAlaw(alaw, alaw);
  expect([...alaw]).toEqual([...g711.MULAW_TO_ALAW]);
  expect(g711.isMulawSilence(Uint8Array.of(0xff, 0x7f))).toBe(true);
  expect(g711.isMulawSilence(Uint8Array.of(0xff, 0x7e))).toBe(false);
});

test('level straight from µ-law bytes', () => {
  expect(mulawLevel(new Uint8Array(160).fill(0x80))).toBeCloseTo(20 * Math.log10(32124 / 32768), 6);
  expect(mulawLevel(new Uint8Array(160).fill(0xff))).toBe(-100);
});
