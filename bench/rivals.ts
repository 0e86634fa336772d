/**
 * What somebody would run instead, beside Tandem, in one run: a pipeline written by hand (one process; a process per call), the
 * usual bridge to the Realtime API, and LiveKit's session where its packages are there. The same callers on Twilio's wire, the
 * same local providers with the same constant delays, the same talk. What is compared and what is not: docs/rivals.md.
 *
 *   npm run bench -- rivals [--levels 10,25,50,100,200] [--seconds 30] [--only tandem,pipeline] [--seed 1] [--save rivals]
 *
 * RIVALS_LIVEKIT=FOLDER: where `npm install --ignore-scripts @livekit/agents …` was run (docs/rivals.md).
 *
 * - cpu_us_per_call_frame: of all processes of a system, what it takes without calls taken away; the cores with everything are
 *   beside it. pss_per_call_mb: memory with pages that processes share counted once, against the same system without calls.
 * - late_pct: messages that came more than 5 ms after what was before them had been played.
 * - calls_held: the last level without a lost call, with at most 1 % of turns missed, and with a P95 of voice to voice at most
 *   250 ms above its own with the fewest calls. A system that does not hold a level is not asked for more.
 */
import { parseArgs } from 'node:util';
import { publish, type Figure } from './results.ts';
import { breachOf, figuresOf, ratiosOf } from './rivals/figures.ts';
import { type Level, measureSystem } from './rivals/measure.ts';
import { systems } from './rivals/systems.ts';

const { values } = parseArgs({
  options: {
    levels: { type: 'string', default: '10,25,50,100,200' },
    seconds: { type: 'string', default: '30' },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: '1' },
    save: { type: 'string', default: 'rivals' },
  },
});
const seed = Number(values.seed);
const seconds = Number(values.seconds);
const callsOf = values.levels.split(',').map(Number);
const only = values.only === '' ? systems.map(({ name }) => name) : values.only.split(',');

const notRun: Record<string, string> = {};
const asked = systems.filter(({ name, missing }) => {
  const why = only.includes(name) ? missing?.() : 'not asked for';
  if (why !== undefined) notRun[name] = why;
  return why === undefined;
});
for (const [name, why] of Object.entries(notRun)) console.log(`${name} is left out: ${why}`);

/** A process per call takes memory per call: what would not fit is not begun. */
function lacksMemory(name: string, calls: number): string | undefined {
  const last = levels.findLast(({ system }) => system === name);
  if (!last) return undefined;
  const neededMb = Math.round((last.memory.busyPssMb * calls) / last.calls);
  const freeMb = Math.round(process.availableMemory() / 2 ** 20);
  return last.processes > last.calls && neededMb > 0.8 * freeMb
    ? `not tried: it would need about ${neededMb} MB, and ${freeMb} are free`
    : undefined;
}

const levels: Level[] = [];
const held: Record<string, number> = {};
const breaches: Record<string, string> = {};
for (const calls of callsOf) {
  for (const system of asked) {
    const { name } = system;
    if (name in breaches) continue;
    try {
      const lack = lacksMemory(name, calls);
      if (lack !== undefined) throw new Error(lack);
      const level = await measureSystem(system, { calls, seconds, seed });
      levels.push(level);
      for (const { name: figure, value, unit } of figuresOf(level))
        console.log(`  ${figure.padEnd(48)} ${value.toFixed(2).padStart(10)} ${unit}`);
      for (const [why, times] of Object.entries({ ...level.report.totals.failed, ...level.report.totals.refused }))
        console.log(`  ${times} x ${why}`);
      const breach = breachOf(level, levels.find(({ system: one }) => one === name) ?? level);
      if (breach === undefined) held[name] = calls;
      else breaches[name] = `${calls} calls: ${breach}`;
    } catch (error) {
      breaches[name] = `${calls} calls: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (name in breaches) console.log(`${name} is not asked for more: ${breaches[name]}`);
  }
}

const figures: Figure[] = [];
for (const level of levels) {
  figures.push(...figuresOf(level));
  const kind = systems.find(({ name }) => name === level.system)?.kind;
  const ours = kind === 'pipeline' ? 'tandem' : 'tandem_realtime';
  const tandem = levels.find(({ system, calls }) => system === ours && calls === level.calls);
  if (tandem && tandem !== level) figures.push(...ratiosOf(level, tandem));
}
for (const { name } of asked) figures.push({ name: `calls_held_${name}`, value: held[name] ?? 0, unit: 'calls', n: 1 });

const conditions = {
  levels: callsOf,
  seconds,
  wire: 'Twilio media streams on loopback',
  systems: Object.fromEntries(asked.map(({ name, is }) => [name, is])),
  not_run: notRun,
  breaches,
  talk: 'ordinary questions, long answers and interruptions; no pauses, no backchannels',
  delays_ms: 'constant: transcript 250, eager end of turn 150, first token 98, first speech 188',
  besides: 'Tandem also records, keeps a journal, a database and metrics, and decides on backchannels and echo; the others do none of it',
  machine_shared_with: 'the callers and the providers, whose CPU is in no figure of a system',
};
publish(
  values.save,
  conditions,
  figures,
  Object.fromEntries(levels.map((level) => [`${level.system}_${level.calls}`, samplesOf(level)])),
  seed,
);

function samplesOf({ report: { turns, bargeIns, perCall, ...told }, ...level }: Level) {
  return {
    ...level,
    ...told,
    calls_told: perCall.length,
    v2v_ms: turns.map(({ endAt, onsetAt }) => (onsetAt === undefined ? null : Math.round((onsetAt - endAt) * 10) / 10)),
    bst_ms: bargeIns.map(({ fromAt, stopAt }) => (stopAt === undefined ? null : Math.round(stopAt - fromAt))),
  };
}
