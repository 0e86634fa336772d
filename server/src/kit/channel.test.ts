import { expect, test } from 'vitest';
import { Channel } from './channel.ts';

async function read<T>(channel: Channel<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of channel) values.push(value);
  return values;
}

test('what was pushed before and while it is read comes in order, then the end', async () => {
  const channel = new Channel<number>(8, 'refuse');
  channel.push(1);
  channel.push(2);
  const reading = read(channel);
  await Promise.resolve();
  setImmediate(() => {
    channel.push(3);
    channel.push(4);
    channel.close();
  });
  expect(await reading).toEqual([1, 2, 3, 4]);
  expect(channel.push(5)).toBe(false);
});

test('a full one refuses, or drops its oldest, and counts', async () => {
  const refusing = new Channel<number>(2, 'refuse');
  expect([1, 2, 3].map((value) => refusing.push(value))).toEqual([true, true, false]);
  expect(refusing.dropped).toBe(1);
  const dropping = new Channel<number>(2, 'drop-oldest');
  expect([1, 2, 3].map((value) => dropping.push(value))).toEqual([true, true, true]);
  dropping.close();
  expect(await read(dropping)).toEqual([2, 3]);
});

test('a failure comes behind what waits, once; also to a reader who waits already', async () => {
  const channel = new Channel<number>(8, 'refuse');
  channel.push(1);
  channel.fail(new Error('broken'));
  expect(await channel.next()).toEqual({ value: 1, done: false });
  await expect(channel.next()).rejects.toThrow('broken');
  expect(await channel.next()).toEqual({ value: undefined, done: true });
  const waited = new Channel<number>(8, 'refuse');
  const next = waited.next();
  waited.fail(new Error('late'));
  await expect(next).rejects.toThrow('late');
});

test('what waits can be taken without waiting', () => {
  const channel = new Channel<number>(8, 'refuse');
  channel.push(1);
  expect([channel.take(), channel.take(), channel.size]).toEqual([1, undefined, 0]);
});
