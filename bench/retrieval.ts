/**
 * Retrieval: our vector index beside a real ChromaDB server and pgvector (in PGlite), each through the same seam with the
 * same passages and queries, in processes of their own, one at a time.
 *
 *   npm run bench -- retrieval [--sizes 10000,100000] [--dimensions 384,1536] [--systems tandem,chroma,pgvector]
 *     [--queries 500] [--seed 1] [--merge] [--full]
 *
 * `--merge` keeps the runs of the result file that are not run now, so that parts can be run apart. Without `--full`
 * some runs that take very long are left out; the result names them. Chroma's server is installed from the npm registry
 * into a temporary folder (version 1.0.2, the newest whose build runs on glibc 2.36) unless CHROMA_BINDINGS names one.
 *
 * Chroma on one tenant is asked in two ways: a collection per tenant (scenario `tenant`, through our room), and one
 * collection with a where-filter that keeps 1 % (scenario `filtered`).
 */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type Figure, percentile, publish } from './results.ts';
import type { Scenario } from './retrieval/data.ts';
import type { Plan, Run } from './retrieval/measure.ts';
import type { SystemName } from './retrieval/systems.ts';

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '10000,100000' },
    dimensions: { type: 'string', default: '384,1536' },
    systems: { type: 'string', default: 'tandem,chroma,pgvector' },
    queries: { type: 'string', default: '500' },
    seed: { type: 'string', default: '1' },
    merge: { type: 'boolean', default: false },
    full: { type: 'boolean', default: false },
  },
});
const seed = Number(values.seed);
const systems = values.systems.split(',') as SystemName[];
const CHROMA = 'chromadb-js-bindings-linux-x64-gnu@1.0.2';
const MEASURE = fileURLToPath(new URL('./retrieval/measure.ts', import.meta.url));
const SAMPLES = fileURLToPath(new URL('./results/retrieval.samples.json.gz', import.meta.url));

/** What is left out of a run because it takes so long, and queries that are fewer: `--full` runs all. */
function scopeOf(system: SystemName, size: number, dimensions: number): { scenarios: Scenario[]; queries: number } {
  const all: Scenario[] = ['tenant', 'whole', 'filtered'];
  const queries = Number(values.queries);
  if (values.full || system === 'tandem' || size * dimensions < 30_000_000) return { scenarios: all, queries };
  const huge = size * dimensions > 100_000_000;
  if (system === 'chroma') return { scenarios: huge ? ['whole', 'filtered'] : all, queries: Math.min(queries, 200) };
  return { scenarios: huge ? [] : ['whole', 'filtered'], queries: Math.min(queries, 100) };
}

function installChroma(folder: string): string {
  const given = process.env.CHROMA_BINDINGS;
  if (given !== undefined) return given;
  console.log(`installing ${CHROMA} into ${folder}`);
  execFileSync('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', folder, CHROMA], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return join(folder, 'node_modules', 'chromadb-js-bindings-linux-x64-gnu');
}

async function inProcess(plan: Plan): Promise<string> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--max-old-space-size=6000', MEASURE, JSON.stringify(plan)],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (code !== 0) throw new Error(`${plan.system} with ${plan.size} x ${plan.dimensions} failed with code ${code}`);
  return out;
}

const keyOf = ({ system, size, dimensions }: Pick<Run, 'system' | 'size' | 'dimensions'>) => `${system}_${dimensions}_${size / 1_000}k`;

/** What was left out of each run, by its key: kept with the samples, so that a merge knows it of runs made before. */
type LeftOut = Record<string, string[]>;

function readSamples(): { runs: Run[]; leftOut: LeftOut } {
  if (!values.merge || !existsSync(SAMPLES)) return { runs: [], leftOut: {} };
  const { runs, leftOut = {} } = JSON.parse(gunzipSync(readFileSync(SAMPLES)).toString()) as { runs: Run[]; leftOut?: LeftOut };
  return { runs, leftOut };
}

const folder = mkdtempSync(join(tmpdir(), 'bench-retrieval-'));
const before = readSamples();
const runs = new Map(before.runs.map((run) => [keyOf(run), run]));
const { leftOut } = before;
try {
  const chromaBindings = systems.includes('chroma') ? installChroma(folder) : '';
  for (const dimensions of values.dimensions.split(',').map(Number)) {
    for (const size of values.sizes.split(',').map(Number)) {
      const work = { size, dimensions, seed, chromaBindings, truthFile: join(folder, `truth-${size}-${dimensions}.json`) };
      await inProcess({ ...work, system: 'truth', scenarios: [], queries: Number(values.queries) });
      for (const system of systems) {
        const { scenarios, queries } = scopeOf(system, size, dimensions);
        const missing = (['tenant', 'whole', 'filtered'] as const).filter((scenario) => !scenarios.includes(scenario));
        const name = `${system} ${dimensions} x ${size}`;
        const parts = missing.length > 0 ? [`${name}: ${missing.join(', ')}`] : [];
        if (scenarios.length > 0 && queries < Number(values.queries)) parts.push(`${name}: ${queries} queries`);
        const key = keyOf({ system, size, dimensions });
        leftOut[key] = parts;
        if (scenarios.length === 0) {
          runs.delete(key);
          continue;
        }
        const began = performance.now();
        const run = JSON.parse(await inProcess({ ...work, system, scenarios, queries })) as Run;
        runs.set(keyOf(run), run);
        console.log(`${name} (${((performance.now() - began) / 1_000).toFixed(0)} s)`);
        for (const { scenario, recall5, recall10, ms, qps, qps8 } of run.measured) {
          const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => percentile(ms, share).toFixed(3));
          console.log(
            `  ${scenario.padEnd(8)} recall@5 ${recall5.toFixed(4)} @10 ${recall10.toFixed(4)}  p50 ${p50} p95 ${p95} p99 ${p99} ms  ${qps.toFixed(0)}/s, 8 at once ${qps8.toFixed(0)}/s`,
          );
        }
        for (const { layout, acceptedMs, builtMs, rssMb } of run.builds) {
          console.log(`  ${layout}: accepted in ${acceptedMs.toFixed(0)} ms, built in ${builtMs.toFixed(0)} ms, ${rssMb.toFixed(0)} MB`);
        }
        console.log(`  100 changed in ${run.updateMs.toFixed(1)} ms, removed in ${run.removeMs.toFixed(1)} ms`);
      }
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function detailsOf(run: Run): Figure[] {
  const figures: Figure[] = [];
  const at = (name: string) => `${keyOf(run)}_${name}`;
  for (const { scenario, recall5, recall10, ms, qps, qps8 } of run.measured) {
    const n = ms.length;
    figures.push(
      { name: at(`${scenario}_recall5`), value: recall5, unit: '', n },
      { name: at(`${scenario}_recall10`), value: recall10, unit: '', n },
      ...[0.5, 0.95, 0.99].map((share) => ({ name: at(`${scenario}_p${share * 100}_ms`), value: percentile(ms, share), unit: 'ms', n })),
      { name: at(`${scenario}_qps`), value: qps, unit: '1/s', n },
      { name: at(`${scenario}_qps_8_at_once`), value: qps8, unit: '1/s', n },
    );
  }
  for (const { layout, acceptedMs, builtMs, rssMb } of run.builds) {
    figures.push(
      { name: at(`${layout}_accepted_ms`), value: acceptedMs, unit: 'ms', n: 1 },
      { name: at(`${layout}_built_ms`), value: builtMs, unit: 'ms', n: 1 },
      { name: at(`${layout}_rss_mb`), value: rssMb, unit: 'MB', n: 1 },
    );
  }
  figures.push({ name: at('update_100_ms'), value: run.updateMs, unit: 'ms', n: 1 });
  figures.push({ name: at('remove_100_ms'), value: run.removeMs, unit: 'ms', n: 1 });
  return figures;
}

/** The worst of ours over scenarios and dimensions; against Chroma the ratio of medians, at equal work and at 384 dimensions. */
function headlines(): Figure[] {
  const figures: Figure[] = [];
  for (const [size, goal] of [
    [10_000, 2],
    [100_000, 10],
  ]) {
    const ours = [...runs.values()].filter((run) => run.system === 'tandem' && run.size === size).flatMap(({ measured }) => measured);
    if (ours.length === 0) continue;
    const n = ours.reduce((sum, { ms }) => sum + ms.length, 0);
    const name = `${size / 1_000}k`;
    figures.push({ name: `p99_ms_${name}`, value: Math.max(...ours.map(({ ms }) => percentile(ms, 0.99))), unit: 'ms', n, goal });
    figures.push({ name: `recall10_${name}`, value: Math.min(...ours.map(({ recall10 }) => recall10)), unit: '', n, goal: 0.98 });
  }
  const medianOf = (system: SystemName, dimensions: number, scenario: Scenario) => {
    const found = runs.get(`${system}_${dimensions}_100k`)?.measured.find((each) => each.scenario === scenario);
    return found && { p50: percentile(found.ms, 0.5), n: found.ms.length };
  };
  const compare = (name: string, dimensions: number, theirs: Scenario, ours: Scenario, goal?: number) => {
    const [a, b] = [medianOf('chroma', dimensions, theirs), medianOf('tandem', dimensions, ours)];
    if (a && b) figures.push({ name, value: a.p50 / b.p50, unit: 'x', n: Math.min(a.n, b.n), ...(goal === undefined ? {} : { goal }) });
  };
  // One tenant of a hundred: Chroma's fastest way, a collection per tenant; and the usual one, a where-filter.
  compare('speedup_over_chroma_100k', 384, 'tenant', 'tenant', 10);
  for (const dimensions of [384, 1_536]) {
    compare(`speedup_over_chroma_where_${dimensions}_100k`, dimensions, 'filtered', 'tenant', 10);
    compare(`speedup_over_chroma_filtered_${dimensions}_100k`, dimensions, 'filtered', 'filtered');
    compare(`speedup_over_chroma_whole_${dimensions}_100k`, dimensions, 'whole', 'whole');
  }
  return figures;
}

const all = [...runs.values()];
publish(
  'retrieval',
  {
    passages: 'clustered unit vectors, 50 to a cluster; a query is a passage with noise; 100 tenants',
    scenarios:
      'tenant: a partition (Chroma: a collection) per tenant; whole: one of all, no filter; filtered: one of all, a tag that 1 % have',
    limit: 10,
    chroma: `${CHROMA}, HTTP on loopback, through our room`,
    pgvector: 'PGlite, in the same process, through our room; its HNSW index is built after the rows are in',
    leftOut: Object.values(leftOut).flat(),
  },
  [...headlines(), ...all.flatMap(detailsOf)],
  { runs: all, leftOut },
  seed,
);
