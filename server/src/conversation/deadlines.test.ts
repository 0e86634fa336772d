import { describe, expect, test } from 'vitest';
import { VendorError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import { inTime, withDeadlines } from './deadlines.ts';

function setUp() {
  const kit = testKit();
  const stop = new AbortController();
  return { kit, stop, deadlines: { clock: kit.clock, vendor: 'slow', firstMs: 100, nextMs: 50, signal: stop.signal } };
}

/** Collects what a stream gives, and how it ends. */
function collect<T>(stream: AsyncIterable<T>) {
  const got = { values: [] as T[], ended: false, error: undefined as unknown };
  void (async () => {
    try {
      for await (const value of stream) got.values.push(value);
    } catch (error) {
      got.error = error;
    }
    got.ended = true;
  })();
  return got;
}

test('values in time pass, and no timer is left', async () => {
  const { kit, deadlines } = setUp();
  async function* stream() {
    await kit.clock.sleep(90);
    yield 1;
    await kit.clock.sleep(40);
    yield 2;
  }
  const got = collect(withDeadlines(stream(), deadlines));
  await kit.clock.advance(200);
  expect(got).toEqual({ values: [1, 2], ended: true, error: undefined });
  expect(kit.clock.pending).toBe(0);
});

test('a late value is a retryable failure, and the stream is told to stop', async () => {
  const { kit, deadlines } = setUp();
  let returned = 0;
  const stream: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: () => {
        returned++;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  const got = collect(withDeadlines(stream, deadlines));
  await kit.clock.advance(99);
  expect(got.ended).toBe(false);
  await kit.clock.advance(1);
  expect(got.error).toBeInstanceOf(VendorError);
  expect((got.error as VendorError).category).toBe('retryable');
  expect(returned).toBe(1);
});

test('an abort ends the wait with its reason', async () => {
  const { kit, stop, deadlines } = setUp();
  const got = collect(withDeadlines({ [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }, deadlines));
  await kit.clock.advance(10);
  const why = new Error('because');
  stop.abort(why);
  await kit.clock.settle();
  expect(got.error).toBe(why);
  expect(kit.clock.pending).toBe(0);
  await expect(inTime(Promise.resolve(1), 10, deadlines)).rejects.toBe(why);
});

test('a stream that throws where it should reject fails the wait, and leaves neither timer nor listener', async () => {
  const { kit, stop, deadlines } = setUp();
  const why = new TypeError('no such header');
  const stream = withDeadlines<number>(
    {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw why;
        },
      }),
    },
    deadlines,
  );
  const wait = stream.next();
  expect(kit.clock.pending).toBe(0);
  await expect(wait).rejects.toBe(why);
  stop.abort(new Error('too late to matter'));
  expect(await stream.next()).toEqual({ value: undefined, done: true });
});

describe('an abort between two waits', () => {
  async function* numbers() {
    yield 1;
    yield 2;
  }

  test('is no end: the next wait rejects with its reason, once', async () => {
    const { kit, stop, deadlines } = setUp();
    const stream = withDeadlines(numbers(), deadlines);
    expect(await stream.next()).toEqual({ value: 1, done: false });
    const why = new Error('because');
    stop.abort(why);
    expect(kit.clock.pending).toBe(0);
    await expect(stream.next()).rejects.toBe(why);
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });

  test('is nothing to whoever wants no more', async () => {
    const { stop, deadlines } = setUp();
    const stream = withDeadlines(numbers(), deadlines);
    await stream.next();
    stop.abort(new Error('because'));
    await stream.return?.();
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });

  test('changes nothing behind an end', async () => {
    const { stop, deadlines } = setUp();
    const stream = withDeadlines(numbers(), deadlines);
    for (let left = 3; left > 0; left--) await stream.next();
    stop.abort(new Error('because'));
    expect(await stream.next()).toEqual({ value: undefined, done: true });
  });
});
