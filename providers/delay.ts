/** How long each stage takes: drawn from the seed, so that the n-th draw of a provider's stage is the same in every run. */
import type { Delay, ProviderName, Scenario, Stage } from './scenario.ts';

/** Numbers 0 ≤ x < 1 from a seed (mulberry32). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same words give the same seed. */
export function seedOf(seed: number, words: string): number {
  let hash = (2166136261 ^ seed) >>> 0;
  for (const letter of words) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0;
  return hash;
}

/** The 95th percentile of the standard normal distribution. */
const Z95 = 1.6448536;

/** One draw in milliseconds, never negative. `nth` counts from 0 and walks along a trace. */
export function drawDelay(delay: Delay, random: () => number, nth: number): number {
  if (typeof delay === 'number') return Math.max(0, delay);
  if ('traceMs' in delay) return delay.traceMs.length === 0 ? 0 : Math.max(0, delay.traceMs[nth % delay.traceMs.length]);
  if (delay.p50Ms <= 0) return 0;
  const sigma = Math.max(0, Math.log(delay.p95Ms / delay.p50Ms)) / Z95;
  // Box and Muller; 1 - u keeps the logarithm finite.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return delay.p50Ms * Math.exp(sigma * normal);
}

/** The delays of one run, each provider's stage with a sequence of its own. */
export class Delays {
  #seed: number;
  readonly #sequences = new Map<string, { random: () => number; nth: number }>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Starts every sequence anew. */
  restart(seed: number): void {
    this.#seed = seed;
    this.#sequences.clear();
  }

  draw(scenario: Scenario, provider: ProviderName, stage: Stage, orMs: number): number {
    const key = `${provider}/${stage}`;
    let sequence = this.#sequences.get(key);
    if (!sequence) {
      sequence = { random: seededNumbers(seedOf(this.#seed, key)), nth: 0 };
      this.#sequences.set(key, sequence);
    }
    return drawDelay(scenario.delaysOf[provider]?.[stage] ?? scenario.delays[stage] ?? orMs, sequence.random, sequence.nth++);
  }
}

/**
 * Published figures, P50 and P95 in milliseconds, wide-band and from a data centre: final words after the end of speech from
 * pipecat-ai/stt-benchmark (2026-06); first answer token from aiewf-eval (2026-08); first speech from Coval (2026-05), whose
 * interquartile range r gives P95 = P50 + 1.22 r (a normal tail). `embedding` is an estimate.
 */
export const publishedDelays: Scenario['delaysOf'] = {
  deepgram: { transcript: { p50Ms: 247, p95Ms: 298 }, 'first-speech': { p50Ms: 313, p95Ms: 396 } },
  assemblyai: { transcript: { p50Ms: 256, p95Ms: 362 } },
  soniox: { transcript: { p50Ms: 249, p95Ms: 281 } },
  openai: {
    'first-token': { p50Ms: 536, p95Ms: 1771 },
    token: 12,
    'first-speech': { p50Ms: 600, p95Ms: 1200 },
    embedding: { p50Ms: 120, p95Ms: 300 },
  },
  anthropic: { 'first-token': { p50Ms: 637, p95Ms: 1615 }, token: 12 },
  gemini: { 'first-token': { p50Ms: 550, p95Ms: 850 }, token: 12 },
  cartesia: { 'first-speech': { p50Ms: 188, p95Ms: 310 } },
  elevenlabs: { 'first-speech': { p50Ms: 288, p95Ms: 322 } },
};
