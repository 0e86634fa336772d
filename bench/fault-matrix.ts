/**
 * The fault matrix in figures: every stage, fault and moment as a whole call on the virtual clock, and what the caller
 * waits. `server/test/calls/fault-matrix.test.ts` holds each cell to its limits; this writes the times down.
 *
 * options: --seed N, --cell TEXT (only cells whose name holds it; nothing is written)
 */
import { parseArgs } from 'node:util';
import { faultCells, nameOf } from '../server/test/calls/fault-cells.ts';
import { type CellResult, runCell } from '../server/test/calls/fault-run.ts';
import { type Figure, percentile, publish } from './results.ts';

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, cell: { type: 'string' } } });
const seed = Number(values.seed);
const wanted = faultCells.filter((cell) => values.cell === undefined || nameOf(cell).includes(values.cell));

const longest = ({ silences }: CellResult, after?: 'speech') =>
  silences.filter((silence) => after === undefined || silence.after === after).reduce((most, { ms }) => Math.max(most, ms), 0);

const rows: Record<string, unknown>[] = [];
const results: CellResult[] = [];
for (const cell of wanted) {
  const result = await runCell(cell, seed);
  results.push(result);
  const { stage, fault, moment, who, outcome } = cell;
  const { firstSoundMs, turnMs, ending, wentOn } = result;
  rows.push({
    stage,
    fault,
    moment,
    who,
    outcome,
    first_sound_ms: firstSoundMs ?? null,
    longest_silence_ms: longest(result),
    longest_stop_ms: longest(result, 'speech'),
    turn_ms: Math.round(turnMs),
    ended: ending === undefined ? 'live' : `${ending.by}: ${ending.reason}`,
    went_on: wentOn,
  });
}

const header = ['first', 'silence', 'stop', 'ended'];
console.log(`${'cell'.padEnd(88)} ${header.map((name) => name.padStart(8)).join('')}`);
for (const [i, row] of rows.entries())
  console.log(
    `${nameOf(wanted[i]).padEnd(88)} ${[row.first_sound_ms ?? '-', row.longest_silence_ms, row.longest_stop_ms].map((value) => String(value).padStart(8)).join('')}  ${String(row.ended)}`,
  );

if (values.cell === undefined) {
  const committed = results.filter((result) => result.committed).flatMap(({ firstSoundMs }) => firstSoundMs ?? []);
  const silences = results.map((result) => longest(result));
  const stops = results.map((result) => longest(result, 'speech'));
  const n = results.length;
  const figures: Figure[] = [
    { name: 'cells', value: n, unit: '', n },
    { name: 'first_sound_p50_ms', value: percentile(committed, 0.5), unit: 'ms', n: committed.length },
    { name: 'first_sound_max_ms', value: Math.max(...committed), unit: 'ms', n: committed.length, goal: 1_500 },
    { name: 'speech_stopped_max_ms', value: Math.max(...stops), unit: 'ms', n, goal: 1_500 },
    { name: 'silence_max_ms', value: Math.max(...silences), unit: 'ms', n, goal: 4_000 },
    {
      name: 'calls_lost',
      value: results.filter(({ ending }) => ending?.reason !== 'hung-up' && ending?.reason !== 'model-failed').length,
      unit: '',
      n,
      goal: 0,
    },
    { name: 'calls_that_went_on', value: results.filter(({ wentOn }) => wentOn).length, unit: '', n },
  ];
  publish('fault-matrix', { clock: 'virtual', cells: rows }, figures, { cells: rows }, seed);
}
