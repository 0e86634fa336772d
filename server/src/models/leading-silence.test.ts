import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { msOf, type Sound, type SoundFormat } from '#audio/frame.ts';
import { LeadingSilence } from './leading-silence.ts';
import { peakOf, soundOfText } from './voice-peer.testing.ts';

const formats: SoundFormat[] = ['mulaw-8000', 'linear-16000'];

function through(silence: LeadingSilence, sound: Sound, sizes: number[]): Sound[] {
  const out: Sound[] = [];
  for (let at = 0, i = 0; at < sound.length; i++) {
    const size = sizes[i % sizes.length];
    const passed = silence.push(sound.subarray(at, at + size));
    if (passed) out.push(passed);
    at += size;
  }
  const rest = silence.end();
  if (rest) out.push(rest);
  return out;
}

test.each(formats)('%s: cuts to 5-15 ms before the first sound, however the stream is cut; nothing behind it is lost', (format) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 400 }),
      fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 5 }),
      (leadMs, sizes) => {
        const whole = soundOfText('A short text.', format, leadMs);
        const silence = new LeadingSilence(format);
        const parts = through(silence, whole, sizes);
        const passedMs = parts.reduce((sum, part) => sum + msOf(part, format), 0);
        expect(passedMs + silence.trimmedMs).toBeCloseTo(msOf(whole, format), 6);
        expect(leadMs - silence.trimmedMs).toBeGreaterThanOrEqual(0);
        expect(leadMs - silence.trimmedMs).toBeLessThan(15);
        expect(parts.at(-1)?.at(-1)).toBe(whole.at(-1));
      },
    ),
    { numRuns: 60 },
  );
});

test('noise below -50 dBFS is silence, above it is sound; the cut begins softly', () => {
  const hiss = Int16Array.from({ length: 3_200 }, (_, i) => (i % 2 ? 60 : -60));
  const silence = new LeadingSilence('linear-16000');
  expect(silence.push(hiss)).toBeUndefined();
  expect(silence.open).toBe(false);
  const loud = Int16Array.from({ length: 320 }, (_, i) => (i % 2 ? 200 : -200));
  const passed = silence.push(loud) as Int16Array;
  expect(passed.length).toBe(320 + 80);
  expect(peakOf(passed.subarray(0, 4))).toBeLessThan(10);
  expect(silence.trimmedMs).toBe(195);
});

test('all silence yields nothing; a sound shorter than a window is kept', () => {
  const silent = new LeadingSilence('mulaw-8000');
  expect(through(silent, new Uint8Array(4_000).fill(0xff), [160])).toEqual([]);
  expect(silent.trimmedMs).toBe(500);
  const short = new LeadingSilence('mulaw-8000');
  expect(through(short, soundOfText('a', 'mulaw-8000').subarray(0, 60), [20])).toHaveLength(1);
});
