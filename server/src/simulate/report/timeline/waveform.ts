/** A channel's loudness over time as one closed SVG path; silence costs nothing. */
import { MULAW_TO_LINEAR } from '#audio/g711.ts';

const RATE = 8_000;
/** Milliseconds per point of the outline. */
export const POINT_MS = 40;
const POINT_SAMPLES = (RATE * POINT_MS) / 1_000;
/** Peaks below it are the noise of a quiet line. */
const FLOOR = 300;
/** A line on which nothing is louder than this stays small. */
const LOUD = 4_000;

function peakOf(sound: Uint8Array, point: number): number {
  let peak = 0;
  const end = Math.min(sound.length, (point + 1) * POINT_SAMPLES);
  for (let i = point * POINT_SAMPLES; i < end; i++) peak = Math.max(peak, Math.abs(MULAW_TO_LINEAR[sound[i]]));
  return peak;
}

/** Half the height of a point, of a lane that is 100 high; 0 for silence. The loudest point reaches the edge. */
const heightOf = (peak: number, loudest: number): number => (peak < FLOOR ? 0 : Math.max(2, Math.round(48 * (peak / loudest) ** 0.9)));

/** Path data in a box of `points` by 100, its middle line at 50. Empty when nothing can be heard. */
export function waveform(sound: Uint8Array): { path: string; points: number } {
  const points = Math.ceil(sound.length / POINT_SAMPLES);
  const peaks = Array.from({ length: points }, (_, point) => peakOf(sound, point));
  const loudest = Math.max(LOUD, ...peaks);
  const heights = peaks.map((peak) => heightOf(peak, loudest));
  let path = '';
  for (let from = 0; from < points; ) {
    if (heights[from] === 0) {
      from++;
      continue;
    }
    let to = from;
    while (to < points && heights[to] > 0) to++;
    const run = heights.slice(from, to);
    const above = run.map((height, at) => `${from + at} ${50 - height}`);
    const below = run.map((height, at) => `${from + at + 1} ${50 + height}`).toReversed();
    path += `M${from} 50L${above.join(' ')} ${to} ${50 - run[run.length - 1]}L${below.join(' ')} ${from} ${50 + run[0]}Z`;
    from = to;
  }
  return { path, points };
}
