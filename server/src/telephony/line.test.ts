import { expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { Line } from './line.ts';

test('nobody fills the journal with digits, or has more answered than anybody types', async () => {
  const { clock, log } = testKit();
  const line = new Line({ format: 'mulaw-8000', clock, log });
  let digits = '';
  let typed = 0;
  line.attach({
    frame: () => {},
    digit: (digit) => {
      digits += digit;
    },
    typed: () => void typed++,
    recognised: () => {},
    ended: () => {},
  });
  for (let i = 0; i < 30; i++) line.digit(String(i % 10));
  expect(digits).toBe('012345678901234567890123456789');
  for (let i = 0; i < 10_000; i++) {
    line.digit('5');
    line.typed('again');
    if (i % 100 === 99) await clock.advance(100); // 10 s in all
  }
  expect(digits.length).toBeLessThanOrEqual(40 + 10 * 20);
  expect(typed).toBeLessThanOrEqual(10 + 10);
});
