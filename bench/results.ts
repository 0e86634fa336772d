/** Result files: one JSON per benchmark in bench/results/, the raw samples compressed beside it, and a table on the console. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** Samples behind the figure. */
  n: number;
  goal?: number;
  /** Bootstrap interval of 95 %. */
  ci95?: [number, number];
}

const FOLDER = fileURLToPath(new URL('./results/', import.meta.url));

export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

/**
 * The interval in which 95 % of resamples have their percentile (bootstrap, 1,000 resamples, seeded). Samples of one call
 * are not independent, so that the true interval is somewhat wider.
 */
export function bootstrap95(samples: readonly number[], share: number, seed = 1): [number, number] {
  let state = seed >>> 0;
  const index = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * samples.length);
  };
  const resample = new Float64Array(samples.length);
  const found: number[] = [];
  for (let round = 0; round < 1_000 && samples.length > 0; round++) {
    for (let i = 0; i < resample.length; i++) resample[i] = samples[index()];
    resample.sort();
    found.push(resample[Math.min(resample.length - 1, Math.ceil(share * resample.length) - 1)]);
  }
  return [percentile(found, 0.025), percentile(found, 0.975)];
}

export const mean = (samples: readonly number[]): number => samples.reduce((sum, value) => sum + value, 0) / samples.length;
export const median = (samples: readonly number[]): number => percentile(samples, 0.5);

function commit(): string {
  try {
    const head = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
    const changed = execFileSync('git', ['status', '--porcelain', '--', 'server', 'contract', 'bench', ':!bench/results'], {
      encoding: 'utf8',
    }).trim();
    return changed ? `${head}+changes` : head;
  } catch {
    return 'unknown';
  }
}

/** Writes the files and prints the table. `samples` are raw values by figure or series. */
export function publish(
  bench: string,
  conditions: Record<string, unknown>,
  figures: Figure[],
  samples: Record<string, unknown>,
  seed = 1,
): void {
  const round = (value: number) => Math.round(value * 1000) / 1000;
  const rounded = figures.map((figure) => ({
    ...figure,
    value: round(figure.value),
    ...(figure.ci95 ? { ci95: [round(figure.ci95[0]), round(figure.ci95[1])] as const } : {}),
  }));
  mkdirSync(FOLDER, { recursive: true });
  const machine = `${cpus().length} x ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}-${process.arch}`;
  const result = {
    bench,
    commit: commit(),
    node: process.version,
    machine,
    seed,
    at: new Date().toISOString(),
    conditions,
    figures: rounded,
  };
  writeFileSync(`${FOLDER}${bench}.json`, `${JSON.stringify(result, null, 2)}\n`);
  writeFileSync(`${FOLDER}${bench}.samples.json.gz`, gzipSync(JSON.stringify(samples)));
  const width = Math.max(...rounded.map(({ name }) => name.length));
  console.log(`\n${bench}`);
  for (const { name, value, unit, n, goal, ci95 } of rounded) {
    const interval = ci95 ? `  [${ci95.join(', ')}]` : '';
    console.log(
      `  ${name.padEnd(width)}  ${String(value).padStart(10)} ${unit.padEnd(6)} n=${n}${goal === undefined ? '' : `  goal ${goal}`}${interval}`,
    );
  }
  console.log(`  written to bench/results/${bench}.json`);
}
