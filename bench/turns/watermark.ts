/**
 * Reads the two tones of the local provider's voice: the lower one names the generation (500 Hz + 60 Hz each), the higher
 * one the 100 ms of it (1700 Hz + 90 Hz each), 16 of both. Written apart from what makes them and from the server.
 */
const LINEAR = Float64Array.from({ length: 256 }, (_, code) => {
  const bits = ~code & 0xff;
  const magnitude = (((bits & 0x0f) << 3) + 0x84) << ((bits >> 4) & 7);
  return bits & 0x80 ? 0x84 - magnitude : magnitude - 0x84;
});
const tones = (from: number, step: number) =>
  Float64Array.from({ length: 16 }, (_, index) => 2 * Math.cos((2 * Math.PI * (from + step * index)) / 8000));
const MARKS = tones(500, 60);
const CHUNKS = tones(1700, 90);
/** Of the power of the whole; each of two equal tones has about half. */
const PRESENT = 0.15;
/** Mean square of a sample: -53 dBFS, as the onset of speech is heard. */
const AUDIBLE = 32_768 ** 2 * 10 ** -5.3;

export const isAudible = (bytes: Uint8Array, from: number, to: number): boolean => powerOf(bytes, from, to) > AUDIBLE * (to - from);

function powerOf(bytes: Uint8Array, from: number, to: number): number {
  let power = 0;
  for (let i = from; i < to; i++) power += LINEAR[bytes[i]] ** 2;
  return power;
}

/** The strongest of 16 tones (Goertzel), -1 when none is there. */
function strongest(bytes: Uint8Array, power: number, coefficients: Float64Array): number {
  let best = PRESENT;
  let index = -1;
  for (let tone = 0; tone < coefficients.length; tone++) {
    const coefficient = coefficients[tone];
    let s1 = 0;
    let s2 = 0;
    for (const byte of bytes) {
      const s0 = LINEAR[byte] + coefficient * s1 - s2;
      s2 = s1;
      s1 = s0;
    }
    const share = (2 * (s1 * s1 + s2 * s2 - coefficient * s1 * s2)) / (power * bytes.length);
    if (share > best) [best, index] = [share, tone];
  }
  return index;
}

/** Of 20 ms of µ-law; undefined when it holds no watermark. */
export function readMark(bytes: Uint8Array): { mark: number; chunk: number } | undefined {
  const power = powerOf(bytes, 0, bytes.length);
  const mark = strongest(bytes, power, MARKS);
  const chunk = mark < 0 ? -1 : strongest(bytes, power, CHUNKS);
  return chunk < 0 ? undefined : { mark, chunk };
}
