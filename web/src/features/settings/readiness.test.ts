import { expect, test } from 'vitest';
import { readinessOf } from './readiness.ts';

test('reasons are told in words, unknown ones as they stand', () => {
  const { ready, reasons, degraded } = readinessOf(503, {
    ready: false,
    reasons: ['draining', 'moon-phase'],
    degraded: ['database-unavailable'],
  });
  expect(ready).toBe(false);
  expect(reasons).toEqual([expect.stringContaining('new ones are refused'), 'moon-phase']);
  expect(degraded).toEqual([expect.stringContaining('written later')]);
});

test('an answer without a verdict is a reason of its own', () => {
  expect(readinessOf(502, undefined)).toEqual({ ready: false, reasons: ['The server answered 502.'], degraded: [] });
  expect(readinessOf(200, 'ok').ready).toBe(false);
});
