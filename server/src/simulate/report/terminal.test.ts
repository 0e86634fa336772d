import { expect, test } from 'vitest';
import { callLine, summary } from './terminal.ts';
import { checkedCall } from './testing.ts';

const talk = [
  { assistant: 'Hello.', turn: 0 },
  { caller: 'What does a crown cost?', turn: 1 },
  { assistant: 'A crown costs six hundred and forty pounds.', turn: 1 },
  { caller: 'uh-huh', kind: 'backchannel' },
] as const;

test('a failure is told with what was found and what was said around it', () => {
  const call = checkedCall({ name: 'price', expect: [{ says: 'five hundred pounds' }, { says: 'hello' }] }, talk, {
    file: 'scenarios/a.yaml',
  });
  expect(callLine(call)).toBe('✗ price  (1 of 2 checks failed, 6.4 s of talk)');
  const told = summary([call], 1_500).join('\n');
  expect(told).toContain('✗ price  scenarios/a.yaml  (seed 1)');
  expect(told).toContain(
    'expected: says "five hundred pounds"\n    found:    nearest, at 0:03.1: "A crown costs six hundred and forty pounds."',
  );
  expect(told).toContain('0:03.1  assistant  A crown costs six hundred and forty pounds.');
  expect(told).toContain('uh-huh  [backchannel]');
  expect(told).toContain('the caller hung up');
  expect(told).toContain('median 400 ms');
  expect(told.split('\n').at(-1)).toBe('0 passed, 1 failed: 1 call, 6.4 s of talk in 1.5 s');
});

test('what passed is one line, with what could not be checked', () => {
  expect(callLine(checkedCall({ name: 'x', expect: [{ says: 'hello' }, { judge: 'kind' }] }, talk))).toBe(
    '✓ x  (2 checks, 1 skipped, 6.4 s of talk)',
  );
  expect(callLine(checkedCall({ name: 'x' }, talk, { level: 'text' }))).toBe('✓ x  (0 checks)');
  expect(callLine(checkedCall({ name: 'x' }, talk, { fault: 'step 1' }))).toContain('broke off');
});

test('repeated scenarios have a table of pass^k', () => {
  const runs = [true, true, false, true].map((passed, run) => ({ ...checkedCall({ name: 'x' }, talk), passed, run }));
  const told = summary(runs, 10);
  expect(told.find((line) => line.includes('pass^1'))).toMatch(/pass\^1\s+pass\^2\s+pass\^3\s+pass\^4$/);
  expect(told.find((line) => line.includes('3 of 4'))).toMatch(/75\.0 %\s+50\.0 %\s+25\.0 %\s+0\.0 %$/);
});
