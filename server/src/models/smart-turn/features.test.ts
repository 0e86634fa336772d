import { expect, test } from 'vitest';
import { LINEAR_TO_MULAW } from '#audio/g711.ts';
import { Features } from './features.ts';
import { BANDS } from './log-mel.ts';

/** 8 s of a voice-like buzz of 120 Hz, on and off, sampled at `rate`. */
const buzz = (rate: number) =>
  Int16Array.from({ length: 8 * rate }, (_, i) => {
    const t = i / rate;
    const on = t > 5 && Math.floor(t * 4) % 2 === 0 ? 1 : 0;
    let sum = 0;
    for (let k = 1; k <= 20; k++) sum += Math.sin(2 * Math.PI * 120 * k * t) / k;
    return on * 6_000 * sum;
  });

test('the same sound in either format has nearly the same features below 3.4 kHz', () => {
  const features = new Features();
  const [wide, narrow] = [new Float32Array(features.size), new Float32Array(features.size)];
  features.write(buzz(16_000), wide, 0);
  features.write(
    Uint8Array.from(buzz(8_000), (sample) => LINEAR_TO_MULAW[sample & 0xffff]),
    narrow,
    0,
  );
  const frames = features.size / BANDS;
  let [compared, apart] = [0, 0];
  // Bands 0 to 40 lie below 2.4 kHz, where the buzz has its energy.
  for (let band = 2; band < 40; band++) {
    for (let frame = 510; frame < 515; frame++) {
      compared++;
      if (Math.abs(wide[band * frames + frame] - narrow[band * frames + frame]) > 0.1) apart++;
    }
  }
  expect(compared).toBe(190);
  expect(apart).toBeLessThan(compared * 0.05);
  expect(wide.every(Number.isFinite) && narrow.every(Number.isFinite)).toBe(true);
});
