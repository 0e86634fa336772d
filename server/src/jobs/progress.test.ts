import { expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { Progress } from './progress.ts';

test('the first at once, then the latest a few times a second, one write at a time', async () => {
  const { clock } = testKit();
  const written: [number, number][] = [];
  const progress = new Progress<number>(clock, async (value) => {
    await clock.sleep(100);
    written.push([value, clock.now()]);
  });
  for (let n = 0; n < 100; n++) {
    progress.tell(n);
    await clock.advance(10);
  }
  await clock.advance(1_000);
  expect(written.length).toBeLessThanOrEqual(6);
  expect(written[0]).toEqual([0, 100]);
  expect(written.at(-1)?.[0]).toBe(99);
  expect(clock.pending).toBe(0);
});

test('settling drops what waits and lets the write under way end; a write that fails is forgotten', async () => {
  const { clock } = testKit();
  const written: string[] = [];
  const progress = new Progress<string>(clock, async (value) => {
    await clock.sleep(100);
    if (value === 'bad') throw new Error('away');
    written.push(value);
  });
  progress.tell('bad');
  await clock.advance(300);
  progress.tell('b');
  progress.tell('c');
  let settled = false;
  const settling = progress.settle().then(() => {
    settled = true;
  });
  await clock.advance(50);
  expect(settled).toBe(false);
  await clock.advance(100);
  await settling;
  await clock.advance(1_000);
  expect(written).toEqual(['b']);
  expect(clock.pending).toBe(0);
});
