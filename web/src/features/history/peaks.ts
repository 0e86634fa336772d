/** The outline of a sound, for drawing. */

/** A bucket of the outline, in milliseconds of sound. */
export const BUCKET_MS = 10;

/** The loudest sample of every `BUCKET_MS`, from 0 to 1. */
export function peaksOf(samples: Int16Array, rate: number): Float32Array<ArrayBuffer> {
  const size = Math.max(1, Math.round((rate * BUCKET_MS) / 1000));
  const peaks = new Float32Array(Math.ceil(samples.length / size));
  for (let bucket = 0, at = 0; bucket < peaks.length; bucket++) {
    let top = 0;
    for (const end = Math.min(at + size, samples.length); at < end; at++) {
      const level = Math.abs(samples[at] ?? 0);
      if (level > top) top = level;
    }
    peaks[bucket] = top / 32_768;
  }
  return peaks;
}

/** `peaks` in exactly `columns` columns, the loudest of what falls together; heights are eased so that quiet speech is seen. */
export function columnsOf(peaks: Float32Array, columns: number): Float32Array {
  const heights = new Float32Array(columns);
  for (let column = 0; column < columns; column++) {
    const from = Math.floor((column * peaks.length) / columns);
    const to = Math.max(from + 1, Math.floor(((column + 1) * peaks.length) / columns));
    let top = 0;
    for (let at = from; at < to && at < peaks.length; at++) top = Math.max(top, peaks[at] ?? 0);
    heights[column] = top < 0.004 ? 0 : Math.min(1, top ** 0.6);
  }
  return heights;
}
