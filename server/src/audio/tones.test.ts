import { expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { linearToMulaw, mulawToLinear } from './g711.ts';
import { linearLevel } from './level.ts';
import { ComfortNoise, DTMF_DIGITS, DtmfDetector, dtmfTone, sineTone } from './tones.ts';

function detect(sound: Int16Array): string {
  const detector = new DtmfDetector();
  let digits = '';
  for (let i = 0; i < sound.length; i += 160) digits += detector.push(sound.subarray(i, i + 160)) ?? '';
  return digits;
}

function join(...parts: Int16Array[]): Int16Array {
  return Int16Array.from(parts.flatMap((part) => [...part]));
}

const tone = (digit: string, ms: number, level?: number) => dtmfTone(digit, ms, 8000, level) as Int16Array;

test('levels are what they are said to be', () => {
  expect(linearLevel(sineTone(440, 1000, 8000, -20))).toBeCloseTo(-20, 1);
  const noise = new Int16Array(8000);
  new ComfortNoise(new SeededRandom(1), 8000, -50).next(noise);
  expect(linearLevel(noise)).toBeCloseTo(-50, 0);
});

test('every digit is heard exactly once per press, through µ-law, at usual and low levels', () => {
  for (const level of [-7, -13, -28]) {
    const sound = join(...Array.from(DTMF_DIGITS).flatMap((digit) => [tone(digit, 70, level), new Int16Array(480)]));
    const bytes = new Uint8Array(sound.length);
    linearToMulaw(sound, bytes);
    mulawToLinear(bytes, sound);
    expect(detect(sound)).toBe(DTMF_DIGITS);
  }
});

test('the same digit twice is two presses, one long press is one', () => {
  expect(detect(join(tone('5', 100), new Int16Array(800), tone('5', 100)))).toBe('55');
  expect(detect(tone('5', 3000))).toBe('5');
});

test('with noise 15 dB below', () => {
  const random = new SeededRandom(2);
  const noise = new Int16Array(16000);
  new ComfortNoise(random, 8000, -25).next(noise);
  const sound = join(tone('7', 200), new Int16Array(800), tone('#', 200), new Int16Array(800)).map((value, i) => value + noise[i]);
  expect(detect(sound)).toBe('7#');
});

test('single tones, noise, ringing tone and voice-like sound are no digits', () => {
  expect(detect(sineTone(697, 1000, 8000, -10))).toBe('');
  expect(detect(join(sineTone(440, 1000, 8000), new Int16Array(0)))).toBe('');
  const noise = new Int16Array(80000);
  new ComfortNoise(new SeededRandom(5), 8000, -15).next(noise);
  expect(detect(noise)).toBe('');
  const voice = new Int16Array(80000);
  for (let i = 0; i < voice.length; i++) {
    const pitch = 120 + 40 * Math.sin((2 * Math.PI * 0.7 * i) / 8000);
    for (let h = 1; h < 20; h++) voice[i] += (3000 / h) * Math.sin((2 * Math.PI * pitch * h * i) / 8000);
  }
  expect(detect(voice)).toBe('');
});

test('unknown digits have no tone', () => {
  expect(dtmfTone('x', 100, 8000)).toBeUndefined();
  expect(dtmfTone('12', 100, 8000)).toBeUndefined();
});
