/**
 * Simulate: how fast whole calls are played on the virtual clock, caller's phone, network, SIP, RTP, jitter buffer, voice
 * activity, conversation, retrieval, journal and recording included.
 *
 *   npm run bench -- simulate [--minutes 1000] [--jobs 2] [--text 200] [--seed 1]
 *
 * Three calls take turns: a clean line; one that loses packets and shakes; one with noise, echo, a barge-in and a
 * backchannel. Each has a seed of its own. `again_equal`: of the first calls, played once more at the end, how many had the same hash.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { systemKit } from '../server/src/kit/kit.ts';
import { scenario, type ScenarioBuilder } from '../server/src/simulate/builder.ts';
import type { SimulatedCall } from '../server/src/simulate/outcome.ts';
import { type Order, runAll } from '../server/src/simulate/run-all.ts';
import { simulationRooms } from '../server/src/simulation.ts';
import { type Figure, percentile, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1000' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    text: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
  },
});
const minutes = Number(values.minutes);
const jobs = Number(values.jobs);
const seed = Number(values.seed);
const kit = systemKit('warn');
const rooms = simulationRooms();
const AGAIN = 6;
/** The goal: 1,000 call-minutes in under 60 s. */
const GOAL_SECONDS = 60;

const questions = [
  'when do you close on friday',
  'how much is a crown',
  'where can I park',
  'do you treat children',
  'how can I pay',
  'do you repair bicycles',
  'what does a root canal treatment cost',
  'how do I cancel an appointment',
];

/** About two minutes: eight questions, with the time a person takes to think of the next. */
function visit(name: string): ScenarioBuilder {
  let call = scenario(name).hears('greeting');
  for (const question of questions) call = call.says(question, { after: 1_500 }).hears('answer');
  return call;
}

const calls = [
  visit('clean').says('thank you goodbye').build(),
  visit('lossy').over({ lossPct: 2, burstPackets: 2, jitterMs: 30 }).says('thank you goodbye').build(),
  visit('loud')
    .over({ noiseDb: -55, echoDb: -30 })
    .says('which insurance do you accept')
    .backchannels('uh-huh', { atWord: 4 })
    .bargesIn('wait stop', { atWord: 9 })
    .hears('answer')
    .hangsUp()
    .build(),
];

const orders = (count: number): Order[] => Array.from({ length: count }, (_, run) => ({ scenario: calls[run % calls.length], seed, run }));

interface Played {
  calls: SimulatedCall[];
  seconds: number;
  cpuSeconds: number;
}

async function play(count: number, level: 'text' | 'virtual', workers: number): Promise<Played> {
  const [began, cpu] = [kit.clock.now(), process.cpuUsage()];
  const played = await runAll(orders(count), { kit, rooms, level, jobs: workers, sound: false });
  const used = process.cpuUsage(cpu);
  return { calls: played, seconds: (kit.clock.now() - began) / 1000, cpuSeconds: (used.user + used.system) / 1e6 };
}

const minutesOf = (played: readonly SimulatedCall[]): number => played.reduce((sum, { durationMs }) => sum + durationMs, 0) / 60_000;

// What a call of the set is long, and code that is warm.
const first = await play(AGAIN, 'virtual', 1);
const perCall = minutesOf(first.calls) / AGAIN;
console.log(`${AGAIN} calls of ${perCall.toFixed(2)} minutes`);

const many = await play(Math.ceil(minutes / perCall), 'virtual', jobs);
const total = minutesOf(many.calls);
console.log(`${many.calls.length} calls, ${total.toFixed(0)} minutes in ${many.seconds.toFixed(1)} s on ${jobs} threads`);
const again = await play(AGAIN, 'virtual', 1);
const text = await play(Number(values.text), 'text', 1);

const faults = many.calls.flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
if (faults.length > 0) console.error(`${faults.length} calls had a fault: ${faults[0]}`);
const equal = again.calls.filter(({ hash }, index) => hash === first.calls[index].hash && hash === many.calls[index].hash).length;
const took = many.calls.map(({ tookMs, durationMs }) => tookMs / (durationMs / 60_000));
const figures: Figure[] = [
  { name: 'minutes_per_minute', value: (total / many.seconds) * 60, unit: 'min', n: many.calls.length, goal: (1_000 / GOAL_SECONDS) * 60 },
  { name: 'seconds_per_1000_minutes', value: (many.seconds / total) * 1_000, unit: 's', n: many.calls.length, goal: GOAL_SECONDS },
  { name: 'cpu_seconds_per_1000_minutes', value: (many.cpuSeconds / total) * 1_000, unit: 's', n: many.calls.length },
  { name: 'took_p50_ms_per_minute', value: percentile(took, 0.5), unit: 'ms', n: took.length },
  { name: 'took_p95_ms_per_minute', value: percentile(took, 0.95), unit: 'ms', n: took.length },
  {
    name: 'text_p50_ms_per_call',
    value: percentile(
      text.calls.map(({ tookMs }) => tookMs),
      0.5,
    ),
    unit: 'ms',
    n: text.calls.length,
  },
  { name: 'again_equal', value: equal, unit: 'calls', n: AGAIN, goal: AGAIN },
  { name: 'faults', value: faults.length, unit: 'calls', n: many.calls.length, goal: 0 },
];
publish('simulate', { minutes, jobs, callMinutes: perCall, text: text.calls.length }, figures, { took }, seed);
