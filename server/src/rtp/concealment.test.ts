import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { CodedConcealment, Concealment } from './concealment.ts';

function voice(rate: number, pitchHz: number, from: number, count: number): Int16Array {
  return Int16Array.from({ length: count }, (_, i) => {
    let value = 0;
    for (let h = 1; h < 12; h++) value += (4000 / h) * Math.sin((2 * Math.PI * pitchHz * h * (from + i)) / rate + h);
    return Math.round(value);
  });
}

const power = (sound: Int16Array) => sound.reduce((sum, value) => sum + value * value, 0) / sound.length;

test.each([
  [8000, 100],
  [8000, 160],
  [16000, 125],
])('at %i a voice of %i Hz goes on through a lost frame', (rate, pitch) => {
  const size = rate / 50;
  const concealment = new Concealment(rate);
  for (let i = 0; i < 5; i++) concealment.keep(voice(rate, pitch, i * size, size));
  const made = new Int16Array(size);
  concealment.conceal(made);
  expect(concealment.concealing).toBe(true);
  const real = voice(rate, pitch, 5 * size, size);
  let error = 0;
  for (let i = 0; i < size / 2; i++) error += (made[i] - real[i]) ** 2;
  // The first 10 ms, at full level, are close to what was lost; the second ones are fading.
  expect(10 * Math.log10(power(real) / (error / (size / 2)))).toBeGreaterThan(10);
  const last = voice(rate, pitch, 5 * size - 1, 1)[0];
  const largestStep = Math.max(...real.map((value, i) => (i > 0 ? Math.abs(value - real[i - 1]) : 0)));
  expect(Math.abs(made[0] - last)).toBeLessThanOrEqual(1.5 * largestStep);
  const next = voice(rate, pitch, 6 * size, size);
  concealment.keep(next);
  expect(concealment.concealing).toBe(false);
  expect(Math.abs(next[0] - made[size - 1])).toBeLessThanOrEqual(1.5 * largestStep);
});

test('a long gap fades to nothing within 60 ms and the sound fades in again', () => {
  const concealment = new Concealment(8000);
  for (let i = 0; i < 5; i++) concealment.keep(voice(8000, 120, i * 160, 160));
  const levels: number[] = [];
  for (let i = 0; i < 5; i++) {
    const made = new Int16Array(160);
    concealment.conceal(made);
    levels.push(power(made));
  }
  expect(levels[1]).toBeLessThan(levels[0]);
  expect(levels[2]).toBeLessThan(levels[1]);
  expect(levels.slice(3)).toEqual([0, 0]);
  const sound = new Int16Array(160).fill(10_000);
  concealment.keep(sound);
  expect(sound[0]).toBeLessThan(1000);
  expect(sound[159]).toBe(10_000);
});

test('loss at the very beginning is silence, and nothing exceeds 16 bits', () => {
  const concealment = new Concealment(8000);
  const made = new Int16Array(160).fill(5);
  concealment.conceal(made);
  expect(power(made)).toBe(0);
  for (let i = 0; i < 10; i++) concealment.keep(Int16Array.from({ length: 160 }, (_, n) => (n % 2 ? 32767 : -32768)));
  concealment.conceal(made);
  expect(Math.max(...made)).toBeLessThanOrEqual(32767);
});

test('coded sound is changed only in and after a gap', () => {
  const decode = Int16Array.from({ length: 256 }, (_, code) => (code - 128) * 256);
  const encode = Uint8Array.from({ length: 65536 }, (_, bits) => (((bits << 16) >> 16) >> 8) + 128);
  const concealment = new CodedConcealment(decode, encode);
  const frame = (from: number) => Uint8Array.from(voice(8000, 125, from, 160), (value) => encode[value & 0xffff]);
  for (let i = 0; i < 5; i++) {
    const kept = frame(160 * i);
    concealment.keep(kept);
    expect(kept).toEqual(frame(160 * i));
  }
  const made = new Uint8Array(160);
  concealment.conceal(made);
  const error = made.subarray(0, 80).reduce((sum, code, i) => sum + Math.abs(code - frame(800)[i]), 0) / 80;
  expect(error).toBeLessThan(4);
  concealment.reset();
  const fresh = frame(960);
  concealment.keep(fresh);
  expect(fresh).toEqual(frame(960));
});

test('coded sound is concealed as if every good frame had been decoded when it came', () => {
  const decode = Int16Array.from({ length: 256 }, (_, code) => (code - 128) * 256);
  const encode = Uint8Array.from({ length: 65536 }, (_, bits) => (((bits << 16) >> 16) >> 8) + 128);
  fc.assert(
    fc.property(fc.array(fc.constantFrom('good', 'good', 'good', 'lost', 'silence'), { maxLength: 40 }), (frames) => {
      const coded = new CodedConcealment(decode, encode);
      const plain = new Concealment(8000);
      frames.forEach((what, n) => {
        const linear = Int16Array.from(voice(8000, 125, 160 * n, 160), (value) => decode[encode[value & 0xffff]]);
        const bytes = Uint8Array.from(linear, (value) => encode[value & 0xffff]);
        if (what === 'silence') {
          coded.reset();
          plain.reset();
          return;
        }
        if (what === 'good') {
          coded.keep(bytes);
          plain.keep(linear);
        } else {
          coded.conceal(bytes);
          plain.conceal(linear);
        }
        expect(bytes).toEqual(Uint8Array.from(linear, (value) => encode[value & 0xffff]));
      });
    }),
  );
});
