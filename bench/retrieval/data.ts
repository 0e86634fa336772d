/** The passages of the benchmark: clustered unit vectors, each made from its number alone, so that nobody keeps them all. */
import { SeededRandom } from '../../server/src/kit/random.ts';
import type { Partition, VectorFilter, VectorPoint } from '../../server/src/vectors/vector-index.ts';

export const TENANTS = 100;
const POINTS_PER_CLUSTER = 50;
/** Length of the noise beside a center of length 1, and beside the passage that a query paraphrases. */
const NOISE = 0.7;
const QUERY_NOISE = 0.35;

/**
 * `tenant`: a hundred tenants of a hundredth each; one of them is asked. `whole`: one partition, no filter. `filtered`: one
 * partition, and a filter on a tag that one in a hundred has.
 */
export type Scenario = 'tenant' | 'whole' | 'filtered';

export interface Work {
  size: number;
  dimensions: number;
  seed: number;
}

export interface Query {
  vector: Float32Array;
  /** Of the tenant, or of the tag. */
  group: number;
}

function noisy(random: SeededRandom, center: Float32Array, noise: number): Float32Array {
  const { length } = center;
  // The sum of two uniform numbers has a variance of 1/6.
  const scale = noise / Math.sqrt(length / 6);
  const vector = new Float32Array(length);
  let squared = 0;
  for (let i = 0; i < length; i++) {
    vector[i] = center[i] + scale * (random.next() + random.next() - 1);
    squared += vector[i] ** 2;
  }
  const norm = Math.sqrt(squared);
  for (let i = 0; i < length; i++) vector[i] /= norm;
  return vector;
}

export class Passages {
  readonly #work: Work;
  readonly #centers: Float32Array[];

  constructor(work: Work) {
    this.#work = work;
    const random = new SeededRandom(work.seed);
    const origin = new Float32Array(work.dimensions);
    this.#centers = Array.from({ length: Math.ceil(work.size / POINTS_PER_CLUSTER) }, () => noisy(random, origin, 1));
  }

  /** Clusters and groups have nothing to do with each other: every tenant has passages everywhere. `version`: as changed later. */
  vector(i: number, version = 0): Float32Array {
    const random = new SeededRandom(this.#work.seed * 7_919 + i * 2 + 1 + version * 1_000_003);
    return noisy(random, this.#centers[random.below(this.#centers.length)], NOISE);
  }

  group(i: number): number {
    return i % TENANTS;
  }

  point(i: number, version = 0): VectorPoint {
    const vector = this.vector(i, version);
    return { id: `p${i}`, vector, documentId: `doc_${i >> 5}`, language: 'en', tags: [`t${this.group(i)}`], audience: 'everyone' };
  }

  queries(count: number): Query[] {
    const random = new SeededRandom(this.#work.seed + 99);
    return Array.from({ length: count }, () => {
      const i = random.below(this.#work.size);
      return { vector: noisy(random, this.vector(i), QUERY_NOISE), group: this.group(i) };
    });
  }
}

export function partitionOf(scenario: Scenario, { dimensions }: Work, group: number): Partition {
  return { businessId: scenario === 'tenant' ? `tenant_${group}` : 'everyone', base: 'main', embedder: 'bench', dimensions };
}

export const filterOf = (scenario: Scenario, group: number): VectorFilter | undefined =>
  scenario === 'filtered' ? { tags: [`t${group}`] } : undefined;
