/** JUnit XML, as build servers read it: a suite per scenario, a case per expectation, times in seconds. */
import { clockOf } from '../expectations/transcript.ts';
import type { CheckedCall } from '../outcome.ts';
import { callName } from './call-name.ts';

export function junitReport(calls: readonly CheckedCall[]): string {
  const suites = calls.map(suiteOf);
  const sum = (name: 'tests' | 'failures' | 'errors' | 'skipped') => suites.reduce((total, suite) => total + suite[name], 0);
  const head = `<testsuites name="tandem simulate" tests="${sum('tests')}" failures="${sum('failures')}" errors="${sum('errors')}" skipped="${sum('skipped')}" time="${seconds(calls.reduce((total, { tookMs }) => total + tookMs, 0))}">`;
  return ['<?xml version="1.0" encoding="UTF-8"?>', head, ...suites.map(({ xml }) => xml), '</testsuites>', ''].join('\n');
}

function suiteOf(call: CheckedCall): { xml: string; tests: number; failures: number; errors: number; skipped: number } {
  const name = callName(call);
  const time = seconds(call.tookMs);
  const classname = call.file ?? 'tandem.simulate';
  const open = (title: string, took = '0.000') =>
    `    <testcase name="${attribute(title)}" classname="${attribute(classname)}" time="${took}"`;
  // The whole time is that of the first case, which says that the call went through: it sums up to the suite's.
  const ran =
    call.fault === undefined
      ? `${open('the call goes through', time)}/>`
      : `${open('the call goes through', time)}>\n      <error message="${attribute(call.fault)}"/>\n    </testcase>`;
  const cases = call.checks.map(({ title, passed, found, skipped }) => {
    if (!passed) return `${open(title)}>\n      <failure message="${attribute(found ?? 'not so')}"/>\n    </testcase>`;
    return skipped === undefined
      ? `${open(title)}/>`
      : `${open(title)}>\n      <skipped message="${attribute(skipped)}"/>\n    </testcase>`;
  });
  const counts = {
    tests: 1 + call.checks.length,
    failures: call.checks.filter(({ passed }) => !passed).length,
    errors: call.fault === undefined ? 0 : 1,
    skipped: call.checks.filter(({ passed, skipped }) => passed && skipped !== undefined).length,
  };
  const { tests, failures, errors, skipped } = counts;
  const xml = [
    `  <testsuite name="${attribute(name)}" tests="${tests}" failures="${failures}" errors="${errors}" skipped="${skipped}" time="${time}">`,
    '    <properties>',
    ...Object.entries({ level: call.level, seed: call.seed, run: call.run, hash: call.hash, callMs: Math.round(call.durationMs) }).map(
      ([property, value]) => `      <property name="${property}" value="${attribute(String(value))}"/>`,
    ),
    '    </properties>',
    ran,
    ...cases,
    ...(call.passed ? [] : [`    <system-out>${text(transcript(call))}</system-out>`]),
    '  </testsuite>',
  ].join('\n');
  return { xml, ...counts };
}

const transcript = ({ lines }: CheckedCall): string =>
  lines.map(({ who, text: said, fromMs, interrupted }) => `${clockOf(fromMs)} ${who}: ${said}${interrupted ? ' (cut)' : ''}`).join('\n');

const seconds = (ms: number): string => (ms / 1_000).toFixed(3);

/** XML 1.0 §2.2: other characters may not be in a document, not even escaped; halves of a pair count as such. */
const allowed = (value: string): string => value.replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '');

const text = (value: string): string => allowed(value).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const attribute = (value: string): string =>
  text(value).replaceAll('"', '&quot;').replaceAll('\t', '&#9;').replaceAll('\n', '&#10;').replaceAll('\r', '&#13;');
