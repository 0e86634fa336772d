/** How often scenarios pass when they are repeated: pass^k, the chance that k runs all pass. */
import type { CheckedCall } from '../outcome.ts';

export interface PassRate {
  scenario: string;
  file?: string;
  runs: number;
  passed: number;
  /** `passHat[k - 1]` is pass^k, for k = 1 to `runs`. */
  passHat: number[];
}

/**
 * The unbiased estimate of pass^k from `passed` of `runs` runs: of all ways to take k of them, the share where all k
 * passed, C(passed, k) / C(runs, k). Source: Yao et al., "tau-bench", 2024, section 4.
 */
export function passHat(runs: number, passed: number, k: number): number {
  if (k < 1 || k > runs) throw new RangeError(`pass^${k} cannot be told from ${runs} runs`);
  let share = 1;
  for (let i = 0; i < k; i++) share *= Math.max(0, passed - i) / (runs - i);
  return share;
}

/** One rate per scenario, in the order of the calls. */
export function passRates(calls: readonly CheckedCall[]): PassRate[] {
  const rates = new Map<string, PassRate>();
  for (const { scenario, file, passed } of calls) {
    const key = JSON.stringify([file, scenario.name]);
    const rate = rates.get(key) ?? { scenario: scenario.name, ...(file === undefined ? {} : { file }), runs: 0, passed: 0, passHat: [] };
    rate.runs++;
    if (passed) rate.passed++;
    rates.set(key, rate);
  }
  for (const rate of rates.values()) rate.passHat = Array.from({ length: rate.runs }, (_, i) => passHat(rate.runs, rate.passed, i + 1));
  return [...rates.values()];
}

/** pass^k of all: the mean over the scenarios, for every k that each of them was run often enough for. */
export function passHatOfAll(rates: readonly PassRate[]): number[] {
  if (rates.length === 0) return [];
  const runs = Math.min(...rates.map((rate) => rate.runs));
  return Array.from({ length: runs }, (_, i) => rates.reduce((sum, rate) => sum + rate.passHat[i], 0) / rates.length);
}
