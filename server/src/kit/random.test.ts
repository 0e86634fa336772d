import { expect, test } from 'vitest';
import { SystemRandom } from './random.ts';

test('bytes of any length, none given out twice', () => {
  const random = new SystemRandom();
  const seen = new Set<string>();
  for (let i = 0; i < 2_000; i++) seen.add(Buffer.from(random.bytes(14)).toString('hex'));
  expect(seen.size).toBe(2_000);
  expect([0, 1, 512, 513, 100_000].map((length) => random.bytes(length).length)).toEqual([0, 1, 512, 513, 100_000]);
  expect(new Set(random.bytes(4_096)).size).toBeGreaterThan(200);
});

test('numbers are spread over all of [0, 1)', () => {
  const random = new SystemRandom();
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i++) counts[random.below(10)]++;
  expect(Math.min(...counts)).toBeGreaterThan(800);
});
