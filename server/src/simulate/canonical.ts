/** One text for one value: what two runs of a simulation are compared by. */
import { createHash } from 'node:crypto';

/**
 * JSON with the keys of every object in the order of their code units and what is undefined left out; numbers as ECMAScript
 * writes them, which is the same on every machine.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`).join(',')}}`;
}

/** SHA-256 of the canonical JSON of each value on a line of its own, hexadecimal. */
export function hashOf(values: readonly unknown[]): string {
  const hash = createHash('sha256');
  for (const value of values) hash.update(canonicalJson(value)).update('\n');
  return hash.digest('hex');
}
