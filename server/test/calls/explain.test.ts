/**
 * Whole calls with one fault injected at a time: the explanation names it, and finds nothing where nothing was wrong. What
 * was at fault is judged by the caller's ear, not by the events. `npm run bench -- explain` takes more of them.
 */
import { expect, test } from 'vitest';
import { callExplanation } from '@tandem/contract';
import { explainCall } from '#calls/explain/explain.ts';
import { faultKinds } from './explain-cells.ts';
import { runFault, type Verdict } from './explain-run.ts';

const verdicts: Verdict[] = [];

test.each(faultKinds)('$name', async (kind) => {
  for (const [index, size] of kind.sizes.entries()) {
    const moments = kind.line ? [[1]] : kind.fallback ? [[1], [3]] : [[1 + (index % 2), 3 + (index % 2)], [2 + (index % 3)]];
    for (const [round, at] of moments.entries()) {
      const { verdicts: its, events } = await runFault(kind, size, at, 10 * index + round + 1);
      verdicts.push(...its);
      expect(callExplanation.safeParse(explainCall(events)).error).toBeUndefined();
    }
  }
  const bad = verdicts.filter(({ kind: name, truth }) => name === kind.name && truth);
  expect(bad.length).toBeGreaterThanOrEqual(1);
  expect(bad.filter(({ right }) => right).length / bad.length).toBeGreaterThanOrEqual(0.75);
});

test('named right: 95 of 100 bad turns; found in good turns: nothing in 98 of 100', () => {
  const bad = verdicts.filter(({ truth }) => truth);
  const good = verdicts.filter(({ truth }) => !truth);
  expect(bad.length).toBeGreaterThanOrEqual(200);
  expect(new Set(bad.map(({ truth }) => truth?.code)).size).toBeGreaterThanOrEqual(12);
  expect(bad.filter(({ right }) => right).length / bad.length).toBeGreaterThanOrEqual(0.95);
  expect(good.filter(({ right }) => !right).length / good.length).toBeLessThanOrEqual(0.02);
});

test('the same events are explained the same way, also as far as they have come', async () => {
  const kind = faultKinds.find(({ code }) => code === 'tool-stalled');
  if (!kind) throw new Error('no such kind');
  const { events } = await runFault(kind, 2_400, [2], 7);
  const whole = explainCall(events);
  expect(explainCall(events)).toEqual(whole);
  for (let length = 0; length <= events.length; length += 5) {
    const so = explainCall(events.slice(0, length));
    for (const { causes } of so.findings) expect(causes.length).toBeGreaterThanOrEqual(1);
  }
  expect(whole.summary).toBe('1 slow answer in 4 turns. The cause was a tool.');
});
