/**
 * The frame: microseconds of CPU for 20 ms of one call, by stage, with 500 calls whose sessions take turns, so that caches are
 * as cold as in life. Every figure is relative to a fixed piece of work that is timed beside it, and stated in microseconds of
 * the reference machine; a figure of another machine is comparable as far as both are alike.
 *
 *   npm run bench -- frame [--calls 500] [--rounds 7] [--only line,recording,carrier,providers,whole] [--save frame]
 *
 * A round is one second of sound. The medians of all rounds are published beside those of the last publication. Sockets:
 * providers' are in (with their results, on loopback), those of telephony are not: `npm run bench -- udp` has them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CarrierStages } from './frame/carrier-stages.ts';
import { LineStages, lineStages } from './frame/line-stages.ts';
import { calibrationSink, Meter, speed } from './frame/meter.ts';
import { ProviderStages } from './frame/provider-stages.ts';
import { RecordingStage } from './frame/recording-stage.ts';
import { WholePath } from './frame/whole-path.ts';
import { type Figure, median, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '7' },
    only: { type: 'string', default: 'line,recording,carrier,providers,whole' },
    save: { type: 'string', default: 'frame' },
  },
});
const calls = Number(values.calls);
const rounds = Number(values.rounds);
const only = values.only.split(',');
const TICKS = 50;
/** Until compilers and caches have settled: 4 s of sound. */
const WARM_TICKS = 200;

const samples: Record<string, number[]> = {};
const speeds: number[] = [];

/** `us` of CPU by call-frame, taken while the machine was as fast as it was before and after. */
function note(stage: string, us: number, before: number): number {
  const after = speed();
  speeds.push(after);
  (samples[stage] ??= []).push(us * Math.sqrt(before * after));
  return after;
}

async function inRounds(work: (before: number) => Promise<number>): Promise<void> {
  let before = speed();
  for (let round = 0; round < rounds; round++) before = await work(before);
}

async function runStages(stages: { tick(meter: Meter): Promise<void> }): Promise<void> {
  const warm = new Meter();
  for (let i = 0; i < WARM_TICKS; i++) await stages.tick(warm);
  await inRounds(async (before) => {
    const meter = new Meter();
    for (let i = 0; i < TICKS; i++) await stages.tick(meter);
    let after = before;
    for (const [stage, us] of meter.spent) after = note(stage, us / TICKS / calls, before);
    return after;
  });
}

const parts: Record<string, () => Promise<void>> = {
  line: async () => {
    const stages = await LineStages.open(calls);
    await runStages(stages);
    if (!stages.heard) throw new Error('packets did not get through: what was measured is no call');
    const sums = samples.receive.map((_, round) => lineStages.reduce((sum, stage) => sum + samples[stage][round], 0));
    samples['media-path'] = sums;
  },
  recording: async () => {
    const stage = await RecordingStage.open(calls);
    await stage.run(WARM_TICKS);
    await inRounds(async (before) => note('recording', (await stage.run(2 * TICKS)) / (2 * TICKS) / calls, before));
    await stage.close();
  },
  carrier: async () => {
    const stages = new CarrierStages(calls);
    await runStages(stages);
    await stages.close();
  },
  providers: async () => {
    const stages = await ProviderStages.open(calls);
    try {
      await stages.hear(WARM_TICKS);
      await inRounds(async (before) => note('transcriber', (await stages.hear(4 * TICKS)) / (4 * TICKS) / calls, before));
      stages.hangUp();
      await stages.speak();
      await stages.think();
      await inRounds(async (before) => note('synthesizer', await stages.speak(), before));
      await inRounds(async (before) => note('language-model', await stages.think(), before));
      const { told } = stages;
      if (told.finals === 0 || told.parts === 0 || told.failures > 0) throw new Error(`the providers failed: ${JSON.stringify(told)}`);
    } finally {
      await stages.close();
    }
  },
  whole: async () => {
    const path = await WholePath.open(calls);
    await path.run(2 * WARM_TICKS);
    if (!path.heard) throw new Error('packets did not get through: what was measured is no call');
    await inRounds(async (before) => note('whole-path', (await path.run(4 * TICKS)) / (4 * TICKS) / calls, before));
    await path.close();
  },
};

for (const name of only) {
  console.log(`${name} …`);
  await parts[name]();
}

interface Published {
  figures: Figure[];
}
const file = fileURLToPath(new URL(`./results/${values.save}.json`, import.meta.url));
const last = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Published).figures : [];
const figures = Object.entries(samples).map(([stage, us]): Figure => {
  const goal = { 'media-path': 6, 'whole-path': 12 }[stage];
  return { name: `${stage.replaceAll('-', '_')}_us`, value: median(us), unit: 'us', n: us.length, ...(goal ? { goal } : {}) };
});
publish(
  values.save,
  {
    calls,
    rounds,
    unit: 'microseconds of CPU for 20 ms of one call, on the reference machine',
    speed: `${median(speeds).toFixed(2)} of the reference machine while it was measured`,
    synthesizer: 'for 20 ms of its speech',
    language_model: 'for a call with one answer of 25 words in ten seconds',
    whole_path: 'everything but sockets: calls, recordings, journal, scripted models',
  },
  figures,
  samples,
);
console.log('\n  before');
for (const { name, value } of figures) {
  const before = last.find((figure) => figure.name === name)?.value;
  if (before !== undefined) {
    console.log(
      `  ${name.padEnd(20)} ${before.toFixed(2).padStart(8)} -> ${value.toFixed(2).padStart(8)} us  ${((100 * (value - before)) / before).toFixed(0)} %`,
    );
  }
}
process.exitCode = calibrationSink() === 0.5 ? 1 : 0;
