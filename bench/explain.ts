/**
 * Is the cause named right? One fault at a time is injected into whole calls on the virtual clock, in every kind, size and
 * moment, and the explanation of each turn is compared with what was injected. `server/test/calls/explain.test.ts` takes
 * fewer of the same.
 *
 * options: --seed N, --kind TEXT (only kinds whose name holds it; nothing is written), --calls N (of each kind, size and moment)
 */
import { parseArgs } from 'node:util';
import { faultKinds } from '../server/test/calls/explain-cells.ts';
import { runFault, type Verdict } from '../server/test/calls/explain-run.ts';
import { publish } from './results.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, kind: { type: 'string' }, calls: { type: 'string', default: '1' } },
});
const seed = Number(values.seed);
const kinds = faultKinds.filter(({ name }) => values.kind === undefined || name.includes(values.kind));

const MOMENTS = [[1], [2], [3], [4], [1, 3], [2, 4]];

const verdicts: Verdict[] = [];
let calls = 0;
for (const kind of kinds) {
  for (const size of kind.sizes) {
    // A provider that has failed is put behind the other for a while: a second failure would not be met.
    const moments = kind.line ? [[1]] : MOMENTS.filter(({ length }) => length === 1 || !kind.fallback);
    for (const at of moments) {
      for (let n = 0; n < Number(values.calls); n++) verdicts.push(...(await runFault(kind, size, at, seed + calls++)).verdicts);
    }
  }
}

const bad = verdicts.filter(({ truth }) => truth);
const good = verdicts.filter(({ truth }) => !truth);
const right = bad.filter((verdict) => verdict.right);
const alarms = good.filter((verdict) => !verdict.right);
const named = ({ findings }: Verdict): string =>
  [...new Set(findings.map(({ causes }) => causes[0]?.code ?? 'unknown'))].join(' + ') || 'nothing';

/** What was injected, and how often which cause was named. */
const confusion: Record<string, Record<string, number>> = {};
for (const verdict of verdicts) {
  const row = (confusion[verdict.truth?.code ?? 'in order'] ??= {});
  row[named(verdict)] = (row[named(verdict)] ?? 0) + 1;
}

console.log(`${'injected'.padEnd(20)} named`);
for (const [code, row] of Object.entries(confusion))
  console.log(
    `${code.padEnd(20)} ${Object.entries(row)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
for (const { kind, size, turn, truth, findings } of [...bad, ...good].filter((verdict) => !verdict.right))
  console.log(
    `not right: ${kind}, ${size}, turn ${turn}, ${truth?.code ?? 'in order'}: ${findings.map(({ causes }) => causes[0]?.sentence).join(' / ') || 'nothing found'}`,
  );

if (values.kind === undefined) {
  const share = (some: readonly unknown[], all: readonly unknown[]) => (100 * some.length) / Math.max(1, all.length);
  const codes = new Set(bad.map(({ truth }) => truth?.code)).size;
  publish(
    'explain',
    { clock: 'virtual', kinds: faultKinds.length, codes, calls, judged: "by the caller's ear", confusion },
    [
      { name: 'named_right_pct', value: share(right, bad), unit: '%', n: bad.length, goal: 95 },
      { name: 'false_alarm_pct', value: share(alarms, good), unit: '%', n: good.length, goal: 2 },
    ],
    {
      verdicts: verdicts.map(({ kind, size, turn, truth, right: isRight, ...verdict }) => [
        kind,
        size,
        turn,
        truth?.code ?? null,
        named({ kind, size, turn, truth, right: isRight, ...verdict }),
        isRight,
      ]),
    },
    seed,
  );
}
