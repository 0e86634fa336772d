/** A running digest of decisions: equal on every machine for equal decisions, however a store has ordered their keys. */
import { createHash } from 'node:crypto';

const HEX_DIGITS = 16;

/** SHA-256 over the digest before and the canonical JSON of what follows, cut to 64 bits: 16 hexadecimal digits. */
export function nextDigest(before: string, value: unknown): string {
  return createHash('sha256').update(before).update(canonicalJson(value)).digest('hex').slice(0, HEX_DIGITS);
}

/** JSON with the keys of every object in order and without what is undefined (RFC 8785 for plain values of ours). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const parts: string[] = [];
  for (const [key, item] of Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    if (item !== undefined) parts.push(`${JSON.stringify(key)}:${canonicalJson(item)}`);
  }
  return `{${parts.join(',')}}`;
}
