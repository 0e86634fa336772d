import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MULAW_SILENCE } from '#audio/frame.ts';
import { MediaQueue } from './media-queue.ts';

const frame = (value: number, frames = 1) => new Uint8Array(160 * frames).fill(value);

test('waits for 40 ms, then gives back what came, re-cut to 20 ms', () => {
  const queue = new MediaQueue('mulaw-8000');
  const out = new Uint8Array(160);
  queue.push(frame(1), 160, 0);
  expect(queue.pull(out)).toBe(false);
  expect(out[0]).toBe(MULAW_SILENCE);
  const rest = Uint8Array.from({ length: 480 }, (_, i) => (i < 160 ? 2 : i < 320 ? 3 : 4));
  queue.push(rest, 400, 20);
  for (const value of [1, 2, 3]) {
    expect(queue.pull(out)).toBe(true);
    expect(out.every((sample) => sample === value)).toBe(true);
  }
  expect(queue.pull(out)).toBe(false); // 10 ms are no frame
});

test('a burst after a stall is bounded to 200 ms, and given up again in silence', () => {
  const queue = new MediaQueue('mulaw-8000');
  const out = new Uint8Array(160);
  for (let i = 0; i < 50; i++) queue.push(frame(i % 3 === 0 ? MULAW_SILENCE : 0x10), 160, i * 20);
  expect(queue.waitingMs).toBe(200);
  let pulled = 0;
  while (queue.pull(out)) pulled++;
  expect(pulled).toBeLessThan(10);
  expect(queue.skipped).toBe(50 - pulled);
});

test('what repeats the past is dropped; what is missing is counted', () => {
  const queue = new MediaQueue('linear-16000');
  const sound = new Int16Array(320).fill(5_000);
  for (const timestamp of [0, 20, 0, 20, 100, 120]) queue.push(sound, 320, timestamp);
  expect(queue.packets).toBe(4);
  expect(queue.lost).toBe(3);
  expect(queue.waitingMs).toBe(80);
});

test('whatever comes, it never holds more than 200 ms and every pull fills a frame', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant('pull' as const), fc.record({ length: fc.integer({ min: 0, max: 4_000 }), timestamp: fc.double() }))),
      (steps) => {
        const queue = new MediaQueue('mulaw-8000');
        const sound = new Uint8Array(4_000).fill(0x20);
        const out = new Uint8Array(160);
        for (const step of steps) {
          if (step === 'pull') {
            out.fill(0x99);
            queue.pull(out);
            expect(out.includes(0x99)).toBe(false);
          } else queue.push(sound, step.length, step.timestamp);
          expect(queue.waitingMs).toBeGreaterThanOrEqual(0);
          expect(queue.waitingMs).toBeLessThanOrEqual(200);
        }
      },
    ),
  );
});
