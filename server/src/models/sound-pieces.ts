/**
 * How much sound goes to a transcriber at once. Each message costs some 20 µs of CPU, whatever is in it; each frame that waits
 * for company delays what is heard in it. So pieces are small where an end of turn is decided, and larger elsewhere:
 *
 * ```
 *            voice ───────▶ first quiet frame ──▶ quiet to 100 ms ──▶ to 300 ms ──▶ until nobody hurries
 *  few       half chunks    at once               a chunk             20 ms         40 ms
 *  many      a chunk        at once               a chunk             a chunk       a chunk
 * ```
 *
 * Where many calls share the thread, their CPU is worth more than a few hundredths of a second: from 150 streams on every 50
 * more make the least piece a frame longer, until it is a chunk. The end of a voice is never kept waiting.
 */
import { FRAME_MS } from '#audio/frame.ts';

/** Nobody takes less quiet than this for the end of a turn: it waits for a chunk. */
const NO_END_MS = 100;
/** Up to here ends of turns are decided within a frame of each other, later within two. */
const CLOSE_MS = 300;
/** The least piece has a frame for every 50 streams above 100. */
const FEW_STREAMS = 100;
const STREAMS_BY_FRAME = 50;

/** The least that is sent at once in a hurry, frames: 1 up to 150 streams, 2 up to 200, 3 up to 250, at most a chunk. */
export function leastFrames(chunkFrames: number, streams: number): number {
  return Math.min(chunkFrames, Math.max(1, Math.ceil((streams - FEW_STREAMS) / STREAMS_BY_FRAME)));
}

/** Frames that are sent as soon as they are there, `quietMs` after a voice (0: in it), where `streams` share the thread. */
export function framesAtOnce(quietMs: number, chunkFrames: number, streams: number): number {
  if (quietMs === FRAME_MS) return 1;
  const least = leastFrames(chunkFrames, streams);
  // Nobody knows which frame of a voice is the last one, and the end is counted from its arrival.
  if (quietMs === 0) return Math.max(Math.ceil(chunkFrames / 2), least);
  if (quietMs <= NO_END_MS) return chunkFrames;
  return quietMs <= CLOSE_MS ? least : Math.min(chunkFrames, Math.max(2, least));
}
