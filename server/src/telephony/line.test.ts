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

test('a leg keeps the time of the clock: frames that a stalled loop has left out are passed over', () => {
  const { clock, log } = testKit();
  const line = new Line({ format: 'mulaw-8000', clock, log });
  const at: number[] = [];
  const nothing = () => {};
  line.attach({ frame: (frame) => at.push(frame.at), digit: nothing, typed: nothing, recognised: nothing, ended: nothing });
  const heard = new Uint8Array(160);
  // Late is not left out: deadlines are absolute. Then 2 s are missing, and it goes on.
  for (const dueAt of [5_000, 5_020, 5_040, 7_060, 7_080]) line.deliver(heard, false, undefined, Number.NaN, dueAt);
  expect(at).toEqual([0, 20, 40, 2_060, 2_080]);
});
