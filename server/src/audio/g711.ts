/**
 * G.711 by table (ITU-T G.711): µ-law is the call centre's own format, A-law exists only on the wire. All block
 * functions write into arrays the caller owns; nothing here allocates after the module is loaded.
 */

/** µ-law silence. */
const MULAW_ZERO = 0xff;
/** A-law silence (the smallest positive step; A-law has no zero). */
export const ALAW_SILENCE = 0xd5;

function decodeMulaw(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
  return bits & 0x80 ? -magnitude : magnitude;
}

function encodeMulaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), 32635) + 0x84;
  const exponent = 24 - Math.clz32(magnitude); // 0x84.. -> 0, 0x7fff -> 7
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 0x0f)) & 0xff;
}

function decodeAlaw(code: number): number {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const mantissa = ((bits & 0x0f) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}

function encodeAlaw(sample: number): number {
  // One's complement below zero, as in the 13-bit decision values of G.711 table 1a/1b.
  const magnitude = sample < 0 ? ~sample : sample;
  const exponent = Math.max(0, 24 - Math.clz32(magnitude)); // segment 0 and 1 share one step size
  const mantissa = (magnitude >> (exponent === 0 ? 4 : exponent + 3)) & 0x0f;
  return ((sample < 0 ? 0 : 0x80) | (exponent << 4) | mantissa) ^ 0x55;
}

/** 16-bit linear value of each µ-law byte. */
export const MULAW_TO_LINEAR: Int16Array = Int16Array.from({ length: 256 }, (_, code) => decodeMulaw(code));
/** 16-bit linear value of each A-law byte. */
export const ALAW_TO_LINEAR: Int16Array = Int16Array.from({ length: 256 }, (_, code) => decodeAlaw(code));
/** µ-law byte of a linear sample, indexed by `sample & 0xffff`. */
export const LINEAR_TO_MULAW: Uint8Array = Uint8Array.from({ length: 65536 }, (_, bits) => encodeMulaw((bits << 16) >> 16));
/** A-law byte of a linear sample, indexed by `sample & 0xffff`. */
export const LINEAR_TO_ALAW: Uint8Array = Uint8Array.from({ length: 65536 }, (_, bits) => encodeAlaw((bits << 16) >> 16));
/** A-law byte nearest to each µ-law byte; silence maps to silence. */
export const MULAW_TO_ALAW: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => LINEAR_TO_ALAW[decodeMulaw(code) & 0xffff]);
/** µ-law byte nearest to each A-law byte; both A-law idle codes map to their own sign's smallest step. */
export const ALAW_TO_MULAW: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => LINEAR_TO_MULAW[decodeAlaw(code) & 0xffff]);
/** Square of the linear value of each µ-law byte, for levels without decoding. */
export const MULAW_SQUARE: Float64Array = Float64Array.from({ length: 256 }, (_, code) => decodeMulaw(code) ** 2);

/** Decodes `count` bytes from `offset` by one of the tables above. */
function decode(table: Int16Array, bytes: Uint8Array, out: Int16Array, offset: number, count: number): void {
  for (let i = 0; i < count; i++) out[i] = table[bytes[offset + i]];
}

function encode(table: Uint8Array, samples: Int16Array, out: Uint8Array, offset: number, count: number): void {
  for (let i = 0; i < count; i++) out[offset + i] = table[samples[i] & 0xffff];
}

function transcode(table: Uint8Array, bytes: Uint8Array, out: Uint8Array): void {
  for (let i = 0; i < bytes.length; i++) out[i] = table[bytes[i]];
}

/** µ-law bytes `[offset, offset + count)` to linear samples `out[0..count)`. */
export function mulawToLinear(bytes: Uint8Array, out: Int16Array, offset = 0, count = bytes.length - offset): void {
  decode(MULAW_TO_LINEAR, bytes, out, offset, count);
}

/** Linear samples `[0, count)` to µ-law bytes at `out[offset..]`. */
export function linearToMulaw(samples: Int16Array, out: Uint8Array, offset = 0, count = samples.length): void {
  encode(LINEAR_TO_MULAW, samples, out, offset, count);
}

/** A-law bytes `[offset, offset + count)` to linear samples `out[0..count)`. */
export function alawToLinear(bytes: Uint8Array, out: Int16Array, offset = 0, count = bytes.length - offset): void {
  decode(ALAW_TO_LINEAR, bytes, out, offset, count);
}

/** Linear samples `[0, count)` to A-law bytes at `out[offset..]`. */
export function linearToAlaw(samples: Int16Array, out: Uint8Array, offset = 0, count = samples.length): void {
  encode(LINEAR_TO_ALAW, samples, out, offset, count);
}

/** µ-law to A-law, byte by byte; `out` may be `bytes`. */
export function mulawToAlaw(bytes: Uint8Array, out: Uint8Array): void {
  transcode(MULAW_TO_ALAW, bytes, out);
}

/** A-law to µ-law, byte by byte; `out` may be `bytes`. */
export function alawToMulaw(bytes: Uint8Array, out: Uint8Array): void {
  transcode(ALAW_TO_MULAW, bytes, out);
}

/** True when every byte is one of the two µ-law zeros. */
export function isMulawSilence(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] | 0x80) !== MULAW_ZERO) return false;
  return true;
}
