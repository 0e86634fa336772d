import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Breaker, Breakers } from './breaker.ts';

function breaker() {
  const clock = { at: 0, now: () => clock.at };
  return { clock, made: new Breaker(clock) };
}

const failTimes = (made: Breaker, times: number) => {
  for (let i = 0; i < times; i++) made.failed();
};

test('five failures within ten seconds open it, five within eleven do not', () => {
  const { clock, made } = breaker();
  failTimes(made, 4);
  clock.at = 10_001;
  made.failed();
  expect(made.state).toBe('closed');
  failTimes(made, 4);
  expect(made.state).toBe('open');
  expect(made.admit()).toBe(false);
});

test('a success in between starts the count again', () => {
  const { made } = breaker();
  failTimes(made, 4);
  made.succeeded();
  failTimes(made, 4);
  expect(made.state).toBe('closed');
});

test('after the back-off exactly one request probes; its success closes, its failure doubles the wait', () => {
  const { clock, made } = breaker();
  failTimes(made, 5);
  clock.at = 5_000;
  expect(made.state).toBe('half-open');
  expect([made.admit(), made.admit()]).toEqual([true, false]);
  made.failed();
  clock.at += 9_999;
  expect(made.state).toBe('open');
  clock.at += 1;
  expect(made.admit()).toBe(true);
  made.succeeded();
  expect([made.state, made.admit(), made.admit()]).toEqual(['closed', true, true]);
});

test('a probe that never reports back does not lock the door', () => {
  const { clock, made } = breaker();
  failTimes(made, 5);
  clock.at = 5_000;
  expect(made.admit()).toBe(true);
  made.dropped();
  expect(made.admit()).toBe(true);
  clock.at += 15_000;
  expect(made.admit()).toBe(true);
});

test('a lasting failure opens it at once for as long as it lasts', () => {
  const { clock, made } = breaker();
  made.failed(300_000);
  clock.at = 299_999;
  expect(made.state).toBe('open');
  // An answer to a question from before proves nothing.
  made.succeeded();
  expect(made.state).toBe('open');
  clock.at = 300_000;
  expect(made.state).toBe('half-open');
});

test('whatever happens, it can be asked again at the latest a minute and a probe later', () => {
  const step = fc.record({ do: fc.constantFrom('fail', 'succeed', 'admit', 'drop'), afterMs: fc.nat(20_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { clock, made } = breaker();
      for (const { do: what, afterMs } of steps) {
        clock.at += afterMs;
        if (what === 'fail') made.failed();
        if (what === 'succeed') made.succeeded();
        if (what === 'admit' && made.state === 'open') expect(made.admit()).toBe(false);
        if (what === 'drop') made.dropped();
      }
      clock.at += 75_000;
      expect(made.admit()).toBe(true);
    }),
  );
});

test('one name is one breaker', () => {
  const breakers = new Breakers({ now: () => 0 });
  failTimes(breakers.of('a'), 5);
  expect(breakers.of('a').ready).toBe(false);
  expect(breakers.of('b').ready).toBe(true);
  expect(breakers.states()).toEqual({ a: 'open', b: 'closed' });
});
