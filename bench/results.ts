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
}

const FOLDER = fileURLToPath(new URL('./results/', import.meta.url));

export function percentile(samples: readonly number[], share: number): number {
  if (samples.length === 0) return Number.NaN;
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
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
  const rounded = figures.map((figure) => ({ ...figure, value: Math.round(figure.value * 1000) / 1000 }));
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
  for (const { name, value, unit, n, goal } of rounded) {
    console.log(
      `  ${name.padEnd(width)}  ${String(value).padStart(10)} ${unit.padEnd(6)} n=${n}${goal === undefined ? '' : `  goal ${goal}`}`,
    );
  }
  console.log(`  written to bench/results/${bench}.json`);
}
