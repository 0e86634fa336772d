/** A running digest of decisions: equal on every machine for equal decisions, however a store has ordered their keys. */
import { hash } from 'node:crypto';

const HEX_DIGITS = 16;

/** SHA-256 over the digest before and the canonical JSON of what follows, cut to 64 bits: 16 hexadecimal digits. */
export function nextDigest(before: string, value: unknown): string {
  return hash('sha256', before + canonicalJson(value), 'hex').slice(0, HEX_DIGITS);
}

/** JSON with the keys of every object in order and without what is undefined (RFC 8785 for plain values of ours). */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  let json = '';
  if (Array.isArray(value)) {
    for (const item of value) json += `${json === '' ? '' : ','}${canonicalJson(item)}`;
    return `[${json}]`;
  }
  const record = value as Record<string, unknown>;
  for (const key of Object.keys(record).sort()) {
    const item = record[key];
    if (item !== undefined) json += `${json === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(item)}`;
  }
  return `{${json}}`;
}
