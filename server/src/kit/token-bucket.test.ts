import { expect, test } from 'vitest';
import { testKit } from './testing.ts';
import { TokenBucket } from './token-bucket.ts';

test('a bucket gives a burst, then its rate, and never more than a burst after a rest', async () => {
  const { clock } = testKit();
  const bucket = new TokenBucket(clock, { perSecond: 10, burst: 5 });
  const take = (tries: number) => Array.from({ length: tries }, () => bucket.take()).filter(Boolean).length;
  expect(take(20)).toBe(5);
  await clock.advance(1_000);
  expect(take(20)).toBe(5);
  await clock.advance(300);
  expect(take(20)).toBe(3);
  let taken = 0;
  for (let i = 0; i < 100; i++) {
    await clock.advance(10);
    taken += take(3);
  }
  expect([9, 10]).toContain(taken); // parts of a token are rounded
  await clock.advance(60_000);
  expect(take(20)).toBe(5);
});
