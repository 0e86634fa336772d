import { expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { HostPace } from './host-pace.ts';

const never = new AbortController().signal;

test('two at once per host, a gap between beginnings, hosts apart', async () => {
  const { clock } = testKit();
  const pace = new HostPace(clock);
  const began: [string, number][] = [];
  let running = 0;
  let most = 0;
  const work = (host: string, name: string) =>
    pace.run(host, 100, never, async () => {
      began.push([name, clock.now()]);
      most = Math.max(most, ++running);
      await clock.sleep(500);
      running--;
    });
  const all = Promise.all([...['a', 'b', 'c', 'd'].map((name) => work('one', name)), work('two', 'x')]);
  await clock.advance(3_000);
  await all;
  expect(began).toEqual([
    ['a', 0],
    ['x', 0],
    ['b', 100],
    ['c', 500],
    ['d', 600],
  ]);
  expect(most).toBe(3);
  expect([pace.size, clock.pending]).toEqual([0, 0]);
});

test('one that is given up while it waits takes no place', async () => {
  const { clock } = testKit();
  const pace = new HostPace(clock);
  const done: string[] = [];
  const work = (name: string, signal = never) => pace.run('one', 0, signal, () => clock.sleep(500).then(() => void done.push(name)));
  const stop = new AbortController();
  const [a, b] = [work('a'), work('b')];
  const c = work('c', stop.signal);
  const d = work('d');
  await clock.advance(100);
  stop.abort(new Error('given up'));
  await expect(c).rejects.toThrow('given up');
  await clock.advance(2_000);
  await Promise.all([a, b, d]);
  expect(done).toEqual(['a', 'b', 'd']);
  expect([pace.size, clock.pending]).toEqual([0, 0]);
});

test('a host that asks to be left alone is', async () => {
  const { clock } = testKit();
  const pace = new HostPace(clock);
  pace.holdBack('one', 5_000);
  let at = -1;
  const work = pace.run('one', 0, never, async () => {
    at = clock.now();
  });
  await clock.advance(4_999);
  expect(at).toBe(-1);
  await clock.advance(1);
  await work;
  expect([at, pace.size]).toEqual([5_000, 0]);
});

test('a failure frees its place', async () => {
  const { clock } = testKit();
  const pace = new HostPace(clock);
  for (let n = 0; n < 5; n++) await expect(pace.run('one', 0, never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await pace.run('one', 0, never, async () => 'yes')).toBe('yes');
  expect(pace.size).toBe(0);
});
