/** The report for the person at the terminal: what failed, what was found instead, and what was said around it. */
import { endingWords } from '../expectations/ending-words.ts';
import { percentile } from '../expectations/manners.ts';
import { answeredAt, clockOf } from '../expectations/transcript.ts';
import type { Check, CheckedCall, SpokenLine } from '../outcome.ts';
import { callName } from './call-name.ts';
import { checkedAt } from './check-place.ts';
import { passHatOfAll, type PassRate, passRates } from './pass-rates.ts';

/** Lines shown around the place of a failure. */
const AROUND = 2;
const MOST_LINES = 12;

/** One line as soon as a call is over: `✓ opening hours  6 checks  24 s of talk`. */
export function callLine(call: CheckedCall): string {
  const failures = call.checks.filter(({ passed }) => !passed).length;
  const skipped = call.checks.filter((check) => check.skipped !== undefined).length;
  const parts = [
    call.fault === undefined
      ? failures === 0
        ? plural(call.checks.length, 'check')
        : `${failures} of ${plural(call.checks.length, 'check')} failed`
      : 'broke off',
    ...(skipped === 0 ? [] : [`${skipped} skipped`]),
    ...(call.level === 'text' ? [] : [`${seconds(call.durationMs)} of talk`]),
  ];
  return `${call.passed ? '✓' : '✗'} ${callName(call)}  (${parts.join(', ')})`;
}

/** Everything about the failures and the sums, as lines. */
export function summary(calls: readonly CheckedCall[], tookMs: number): string[] {
  const failed = calls.filter((call) => !call.passed);
  const repeated = passRates(calls).filter(({ runs }) => runs > 1);
  return [
    ...failed.flatMap(failureLines),
    ...(repeated.length === 0 ? [] : rateLines(repeated)),
    ...waitLines(calls),
    `${calls.length - failed.length} passed, ${failed.length} failed: ${plural(calls.length, 'call')}${talkOf(calls)} in ${seconds(tookMs)}`,
  ];
}

function failureLines(call: CheckedCall): string[] {
  const ended = call.events.findLast((event) => event.type === 'call-ended');
  const place = call.file === undefined ? '' : `  ${call.file}`;
  const lines = ['', `✗ ${callName(call)}${place}  (seed ${call.seed})`];
  if (call.fault !== undefined) lines.push(`    the simulation broke off: ${call.fault}`);
  const shown = new Set<SpokenLine>();
  for (const check of call.checks.filter(({ passed }) => !passed)) {
    lines.push(`    expected: ${check.title}`, `    found:    ${check.found ?? 'not so'}`);
    for (const line of near(call, check)) shown.add(line);
  }
  const around = shown.size === 0 ? call.lines.slice(-MOST_LINES) : call.lines.filter((line) => shown.has(line)).slice(0, MOST_LINES);
  lines.push(...around.map((line) => `      ${clockOf(line.fromMs).padStart(7)}  ${line.who.padEnd(9)}  ${line.text}${marksOf(line)}`));
  if (ended) lines.push(`      ${clockOf(ended.at - answeredAt(call)).padStart(7)}  ${endingWords(ended)}`);
  return [...lines, ''];
}

const marksOf = ({ kind, interrupted }: SpokenLine): string => {
  const marks = [...(kind === undefined ? [] : [kind]), ...(interrupted ? ['cut there'] : [])];
  return marks.length === 0 ? '' : `  [${marks.join(', ')}]`;
};

/** The lines around the place that a failure is about; the last of the call where there is none. */
function near(call: CheckedCall, check: Check): SpokenLine[] {
  const at = checkedAt(call, check);
  if (at === undefined) return call.lines.slice(-2 * AROUND);
  const index = call.lines.findIndex(({ toMs }) => toMs >= at);
  const centre = index < 0 ? call.lines.length - 1 : index;
  return call.lines.slice(Math.max(0, centre - AROUND), centre + AROUND + 1);
}

function rateLines(rates: readonly PassRate[]): string[] {
  const runs = Math.min(...rates.map((rate) => rate.runs));
  const ks = [...new Set([1, 2, 3, 5, 10, runs].filter((k) => k <= runs))].sort((a, b) => a - b);
  const width = Math.max(...rates.map(({ scenario }) => scenario.length), 'all scenarios (mean)'.length);
  const row = (name: string, values: readonly number[], passed: string) =>
    `  ${name.padEnd(width)}  ${passed.padStart(9)}  ${ks.map((k) => `${(100 * values[k - 1]).toFixed(1)} %`.padStart(8)).join('  ')}`;
  return [
    `  ${'chance that k runs all pass'.padEnd(width)}  ${'passed'.padStart(9)}  ${ks.map((k) => `pass^${k}`.padStart(8)).join('  ')}`,
    ...rates.map(({ scenario, passHat, passed, runs: n }) => row(scenario, passHat, `${passed} of ${n}`)),
    ...(rates.length > 1 ? [row('all scenarios (mean)', passHatOfAll(rates), '')] : []),
    '',
  ];
}

function waitLines(calls: readonly CheckedCall[]): string[] {
  const waits = calls.filter(({ level }) => level !== 'text').flatMap(({ measures }) => measures.voiceToVoiceMs);
  if (waits.length === 0) return [];
  const at = (share: number) => `${Math.round(percentile(waits, share) ?? 0)} ms`;
  return [
    `from the caller's last word to the first sound of the answer: median ${at(0.5)}, 95 % within ${at(0.95)}, longest ${at(1)} (${plural(waits.length, 'answer')})`,
  ];
}

function talkOf(calls: readonly CheckedCall[]): string {
  const talkMs = sum(calls, (call) => (call.level === 'text' ? 0 : call.durationMs));
  return talkMs === 0 ? '' : `, ${seconds(talkMs)} of talk`;
}

const sum = <Item>(items: readonly Item[], of: (item: Item) => number): number => items.reduce((total, item) => total + of(item), 0);
const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** `4.2 s`, `3 min 20 s`. */
function seconds(ms: number): string {
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const whole = Math.round(ms / 1_000);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
