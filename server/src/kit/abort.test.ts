import { expect, test } from 'vitest';
import { Cancelled, scopeOf } from './abort.ts';

test('a scope ends with its parent, for its reason', () => {
  const parent = new AbortController();
  const scope = scopeOf(parent.signal);
  parent.abort(new Cancelled('call-ended'));
  expect(scope.signal.reason).toMatchObject({ why: 'call-ended' });
  scope.abort('late');
  expect(scope.signal.reason).toMatchObject({ why: 'call-ended' });
  expect(scopeOf(parent.signal).signal.reason).toBe(parent.signal.reason);
});

test('alone it ends without its parent; released it no longer follows', () => {
  const parent = new AbortController();
  const [ended, released] = [scopeOf(parent.signal), scopeOf(parent.signal)];
  ended.abort('superseded');
  expect([ended.signal.aborted, parent.signal.aborted]).toEqual([true, false]);
  released.release();
  parent.abort(new Cancelled('call-ended'));
  expect(released.signal.aborted).toBe(false);
  expect(ended.signal.reason).toMatchObject({ why: 'superseded' });
});

test('a cancellation leaves the stack traces of others alone', () => {
  const before = Error.stackTraceLimit;
  const cancelled = new Cancelled('barge-in');
  expect(cancelled).toMatchObject({ name: 'Cancelled', why: 'barge-in', message: 'cancelled: barge-in' });
  expect(Error.stackTraceLimit).toBe(before);
});
