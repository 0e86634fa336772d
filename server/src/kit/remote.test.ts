import { MessageChannel } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { VirtualClock } from './clock.ts';
import { TandemError, VendorError } from './errors.ts';
import { Remote } from './remote.ts';

type Office = { double: { input: number; output: number }; fail: { input: string; output: never }; hang: { input: null; output: never } };
type Desk = { name: { input: null; output: string } };

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

function pair() {
  const clock = new VirtualClock();
  const { port1, port2 } = new MessageChannel();
  const desk = new Remote<Office, Desk>(port1, clock, { name: () => 'desk' });
  const office = new Remote<Desk, Office>(port2, clock, {
    double: (value) => 2 * value,
    fail: (why) => {
      if (why === 'vendor') throw new VendorError('openai', 'rate-limited', 'slow down', { retryAfterMs: 700 });
      throw why === 'code' ? new TandemError('not-found', 'no such passage') : new Error(why);
    },
    hang: () => new Promise<never>(() => {}),
  });
  open.push(() => {
    desk.close();
    office.close();
    port1.close();
  });
  return { clock, desk, office };
}

test('both sides ask and answer', async () => {
  const { desk, office } = pair();
  expect(await Promise.all([1, 2, 3].map((value) => desk.ask('double', value)))).toEqual([2, 4, 6]);
  expect(await office.ask('name', null)).toBe('desk');
});

test('a failure keeps its code', async () => {
  const { desk } = pair();
  await expect(desk.ask('fail', 'code')).rejects.toMatchObject({ code: 'not-found', message: 'no such passage' });
  await expect(desk.ask('fail', 'oops')).rejects.toMatchObject({ code: 'internal-error', message: 'oops' });
  const failure = desk.ask('fail', 'vendor');
  await expect(failure).rejects.toBeInstanceOf(VendorError);
  await expect(failure).rejects.toMatchObject({
    vendor: 'openai',
    category: 'rate-limited',
    retryAfterMs: 700,
    message: 'openai: slow down',
  });
  await expect(desk.ask('toString' as 'fail', 'x')).rejects.toMatchObject({ code: 'bad-request' });
});

test('no answer in time, an abort and a stop each end the question', async () => {
  const { clock, desk } = pair();
  const late = desk.ask('hang', null, { deadlineMs: 100 });
  const abort = new AbortController();
  const dropped = desk.ask('hang', null, { signal: abort.signal });
  const left = desk.ask('hang', null);
  const reason = new Error('call ended');
  abort.abort(reason);
  await expect(dropped).rejects.toBe(reason);
  const outcomes = Promise.allSettled([late, left]);
  await clock.advance(100);
  desk.close();
  expect((await outcomes).map((one) => one.status === 'rejected' && (one.reason as TandemError).code)).toEqual([
    'unavailable',
    'unavailable',
  ]);
  expect(desk.open).toBe(0);
  await expect(desk.ask('double', 1)).rejects.toMatchObject({ code: 'unavailable' });
});
