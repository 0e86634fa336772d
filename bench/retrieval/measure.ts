/** One run in a process of its own: `truth`, or one system with one amount of work. The plan comes as JSON, the result goes to standard output. */
import { readFileSync, writeFileSync } from 'node:fs';
import { filterOf, Passages, partitionOf, type Scenario, TENANTS, type Work } from './data.ts';
import { openSystem, type System, type SystemName } from './systems.ts';
import { findTruth, type Truth } from './truth.ts';

export interface Plan extends Work {
  system: SystemName | 'truth';
  scenarios: Scenario[];
  queries: number;
  truthFile: string;
  chromaBindings: string;
}

export interface Measured {
  scenario: Scenario;
  recall5: number;
  recall10: number;
  /** Per query, one after the other. */
  ms: number[];
  /** Queries per second: one after the other, and eight at once. */
  qps: number;
  qps8: number;
}

export interface Run {
  system: SystemName;
  size: number;
  dimensions: number;
  /** Until everything has been accepted, and until everything that goes on in the background is done. */
  builds: { layout: 'tenants' | 'one'; acceptedMs: number; builtMs: number; rssMb: number }[];
  updateMs: number;
  removeMs: number;
  measured: Measured[];
}

const LIMIT = 10;
const WARM_UP = 40;
const AT_ONCE = 8;
const BATCH = 1_000;
const CHANGED = 100;

const plan = JSON.parse(process.argv[2]) as Plan;
const passages = new Passages(plan);

if (plan.system === 'truth') writeFileSync(plan.truthFile, JSON.stringify(findTruth(plan, plan.queries)));
else console.log(JSON.stringify(await measureSystem(plan.system)));

async function measureSystem(name: SystemName): Promise<Run> {
  const system = await openSystem(name, plan);
  const truth = JSON.parse(readFileSync(plan.truthFile, 'utf8')) as Truth;
  const run: Run = { system: name, size: plan.size, dimensions: plan.dimensions, builds: [], updateMs: 0, removeMs: 0, measured: [] };
  if (plan.scenarios.includes('tenant')) {
    run.builds.push({ layout: 'tenants', ...(await build(system, 'tenant')) });
    run.measured.push(await measure(system, 'tenant', truth.ofGroup));
  }
  if (plan.scenarios.some((scenario) => scenario !== 'tenant')) {
    run.builds.push({ layout: 'one', ...(await build(system, 'whole')) });
    if (plan.scenarios.includes('whole')) run.measured.push(await measure(system, 'whole', truth.all));
    if (plan.scenarios.includes('filtered')) run.measured.push(await measure(system, 'filtered', truth.ofGroup));
  }
  Object.assign(run, await change(system, plan.scenarios.every((scenario) => scenario === 'tenant') ? 'tenant' : 'whole'));
  await system.close();
  return run;
}

async function build(system: System, scenario: Scenario): Promise<{ acceptedMs: number; builtMs: number; rssMb: number }> {
  const rssBefore = system.rssMb();
  let acceptedMs = 0;
  await system.filling?.();
  const groups = scenario === 'tenant' ? TENANTS : 1;
  for (let group = 0; group < groups; group++) {
    for (let from = group; from < plan.size; from += BATCH * groups) {
      const points = [];
      for (let i = from; i < Math.min(plan.size, from + BATCH * groups); i += groups) points.push(passages.point(i));
      // Making the vectors is the benchmark's own time.
      const began = performance.now();
      await system.index.upsert(partitionOf(scenario, plan, group), points);
      acceptedMs += performance.now() - began;
    }
  }
  const began = performance.now();
  await system.settled();
  return { acceptedMs, builtMs: acceptedMs + performance.now() - began, rssMb: system.rssMb() - rssBefore };
}

async function measure(system: System, scenario: Scenario, truth: number[][]): Promise<Measured> {
  const queries = passages.queries(plan.queries);
  const ask = ({ vector, group }: (typeof queries)[number]) =>
    system.index.nearest(partitionOf(scenario, plan, group), { vector, limit: LIMIT, filter: filterOf(scenario, group) });
  for (const query of queries.slice(0, WARM_UP)) await ask(query);
  await system.settled();
  const ms: number[] = [];
  let hits5 = 0;
  let hits10 = 0;
  const from = performance.now();
  for (const [number, query] of queries.entries()) {
    const began = performance.now();
    const found = await ask(query);
    ms.push(performance.now() - began);
    const ids = found.map(({ id }) => Number(id.slice(1)));
    hits5 += truth[number].slice(0, 5).filter((id) => ids.slice(0, 5).includes(id)).length;
    hits10 += truth[number].filter((id) => ids.includes(id)).length;
  }
  const qps = (queries.length / (performance.now() - from)) * 1_000;
  const together = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < queries.length) await ask(queries[next++]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const qps8 = (queries.length / (performance.now() - together)) * 1_000;
  return { scenario, recall5: hits5 / (queries.length * 5), recall10: hits10 / (queries.length * 10), ms, qps, qps8 };
}

/** A hundred passages of one partition changed and visible to a search, then removed. */
async function change(system: System, scenario: Scenario): Promise<{ updateMs: number; removeMs: number }> {
  const step = scenario === 'tenant' ? TENANTS : 1;
  const points = Array.from({ length: Math.min(CHANGED, plan.size / step) }, (_, i) => passages.point(i * step, 1));
  const partition = partitionOf(scenario, plan, 0);
  const began = performance.now();
  await system.index.upsert(partition, points);
  const [first] = await system.index.nearest(partition, { vector: points[0].vector, limit: 1 });
  const updateMs = performance.now() - began;
  if (first.id !== points[0].id) throw new Error('a change is not seen by the search after it');
  const removing = performance.now();
  await system.index.remove(
    partition,
    points.map(({ id }) => id),
  );
  return { updateMs, removeMs: performance.now() - removing };
}
