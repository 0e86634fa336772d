import { expect, test } from 'vitest';
import { LinearConverter, SoundConverter } from './convert.ts';
import { levelOf, linearLevel } from './level.ts';
import { sineTone } from './tones.ts';

test('a voice at 22050 becomes µ-law at 8000, exactly as long, tail included', () => {
  const converter = new SoundConverter(22050, 'mulaw-8000');
  const voice = sineTone(600, 1000, 22050, -15);
  let samples = 0;
  for (let i = 0; i < voice.length; i += 500) {
    const part = converter.convert(voice.subarray(i, i + 500));
    expect(part).toBeInstanceOf(Uint8Array);
    if (i > 2000) expect(levelOf(part)).toBeCloseTo(-15, -0.5);
    samples += part.length;
  }
  expect(samples).toBe(8000);
  const rest = converter.flush();
  expect(levelOf(rest)).toBeGreaterThan(-30);
  expect(rest.length).toBeLessThan(30);
});

test('wideband stays linear', () => {
  const sound = new SoundConverter(24000, 'linear-16000').convert(sineTone(600, 500, 24000, -15));
  expect(sound).toBeInstanceOf(Int16Array);
  expect(sound.length).toBe(8000);
  expect(levelOf(sound.subarray(1000))).toBeCloseTo(-15, 1);
});

test('a leg’s µ-law becomes linear at 16000', () => {
  const bytes = new SoundConverter(8000, 'mulaw-8000').convert(sineTone(600, 200, 8000, -15));
  const converter = new LinearConverter('mulaw-8000', 16000);
  const out = new Int16Array(3200);
  let written = 0;
  for (let i = 0; i < bytes.length; i += 160) {
    const frame = bytes.subarray(i, i + 160);
    expect(converter.outputLength(frame)).toBe(320);
    written += converter.convert(frame, out, written);
  }
  expect(written).toBe(3200);
  expect(linearLevel(out.subarray(400))).toBeCloseTo(-15, 0);
});
