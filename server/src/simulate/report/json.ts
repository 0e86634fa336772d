/** The report for programs: every call with its checks, measures, lines and events, and how often scenarios passed. */
import type { CheckedCall } from '../outcome.ts';
import { passHatOfAll, passRates } from './pass-rates.ts';

/** Counted up when a field changes its meaning. */
const VERSION = 1;

export function jsonReport(calls: readonly CheckedCall[]): string {
  const rates = passRates(calls);
  const report = {
    report: 'tandem simulate',
    version: VERSION,
    passed: calls.every((call) => call.passed),
    counts: {
      calls: calls.length,
      passed: calls.filter((call) => call.passed).length,
      failed: calls.filter((call) => !call.passed).length,
    },
    passHat: passHatOfAll(rates),
    scenarios: rates,
    calls: calls.map(({ scenario, sound: _sound, ...call }) => ({
      scenario: scenario.name,
      tags: scenario.tags,
      ...call,
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}
