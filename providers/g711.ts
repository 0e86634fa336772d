/** G.711 (ITU-T 1988) as tables: μ-law and A-law to 16-bit linear and back. */

export const mulawToLinear = new Int16Array(256);
export const alawToLinear = new Int16Array(256);
for (let code = 0; code < 256; code++) {
  const mu = ~code & 0xff;
  const magnitude = ((((mu & 0x0f) << 3) + 0x84) << ((mu >> 4) & 7)) - 0x84;
  mulawToLinear[code] = mu & 0x80 ? -magnitude : magnitude;

  const a = code ^ 0x55;
  const exponent = (a >> 4) & 7;
  const base = ((a & 0x0f) << 4) + 8;
  const level = exponent === 0 ? base : (base + 0x100) << (exponent - 1);
  alawToLinear[code] = a & 0x80 ? level : -level;
}

/** The nearest μ-law code of a 16-bit sample. */
export function encodeMulaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const biased = Math.min(32_635, Math.abs(sample)) + 0x84;
  const exponent = 31 - Math.clz32(biased >> 7);
  return ~(sign | (exponent << 4) | ((biased >> (exponent + 3)) & 0x0f)) & 0xff;
}

/** The nearest A-law code of a 16-bit sample. */
export function encodeAlaw(sample: number): number {
  const sign = sample >= 0 ? 0x80 : 0;
  const magnitude = Math.min(32_767, sample >= 0 ? sample : -sample - 1);
  const exponent = magnitude < 256 ? 0 : 31 - Math.clz32(magnitude >> 7);
  const mantissa = exponent === 0 ? magnitude >> 4 : (magnitude >> (exponent + 3)) & 0x0f;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}
