/** The recording of a call as a tester looks at it: two channels of linear sound, their loudness, their likeness to a source. */
import { decodeWav, parseWav } from '#audio/wav.ts';
import { dbfsOfPower, linearPower } from '#audio/level.ts';
import { ADMIN_KEY } from '../tandem-server.ts';

const SAMPLES_PER_FRAME = 160;
const FRAME_MS = 20;

export interface RecordedCall {
  /** 8 kHz linear, as long as each other. */
  caller: Int16Array;
  assistant: Int16Array;
  durationMs: number;
}

/** Fetches the recording over the API. Rejects when it is no stereo WAVE file at 8 kHz with a true header. */
export async function fetchRecording(url: string, callId: string): Promise<RecordedCall> {
  const response = await fetch(`${url}/api/v1/calls/${callId}/recording`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
  if (!response.ok) throw new Error(`the recording of ${callId} answered ${response.status}`);
  return readRecording(new Uint8Array(await response.arrayBuffer()));
}

export function readRecording(bytes: Uint8Array): RecordedCall {
  const file = parseWav(bytes);
  if (file?.channels !== 2 || file.rate !== 8000) throw new Error('the recording is no stereo WAVE file at 8 kHz');
  const saidBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(file.dataOffset - 4, true);
  const there = bytes.length - file.dataOffset;
  // A crash may leave half a sample frame behind the sound.
  if (saidBytes > there || there - saidBytes > 1) throw new Error(`the header says ${saidBytes} bytes of sound, there are ${there}`);
  const [caller, assistant] = decodeWav(bytes, file);
  return { caller, assistant, durationMs: (file.frames * 1000) / file.rate };
}

/** dBFS of each 20 ms of 8 kHz sound. */
export function levels(samples: Int16Array): number[] {
  const frames = Math.floor(samples.length / SAMPLES_PER_FRAME);
  return Array.from({ length: frames }, (_, i) => dbfsOfPower(linearPower(samples, i * SAMPLES_PER_FRAME, (i + 1) * SAMPLES_PER_FRAME)));
}

/** Milliseconds of sound louder than `overDb` (dBFS) between two times. */
export function loudMs(samples: Int16Array, fromMs = 0, toMs = Number.POSITIVE_INFINITY, overDb = -45): number {
  const within = levels(samples).slice(
    Math.floor(fromMs / FRAME_MS),
    toMs === Number.POSITIVE_INFINITY ? undefined : Math.floor(toMs / FRAME_MS),
  );
  return within.filter((db) => db > overDb).length * FRAME_MS;
}

/**
 * Best correlation (-1 to 1) of the loudness over time of `source` with a stretch of `heard`, whatever the delay: sound
 * that passed a browser's gain control and noise suppression keeps its rhythm, not its samples.
 */
export function rhythmMatch(source: Int16Array, heard: Int16Array): number {
  const a = levels(source).map((db) => Math.max(-60, db));
  const b = levels(heard).map((db) => Math.max(-60, db));
  let best = -1;
  for (let lag = 0; lag + a.length <= b.length; lag++) best = Math.max(best, correlation(a, b, lag));
  return best;
}

function correlation(a: number[], b: number[], lag: number): number {
  const n = a.length;
  let [sumA, sumB, sumAA, sumBB, sumAB] = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    const [x, y] = [a[i], b[i + lag]];
    sumA += x;
    sumB += y;
    sumAA += x * x;
    sumBB += y * y;
    sumAB += x * y;
  }
  const spread = Math.sqrt((sumAA - (sumA * sumA) / n) * (sumBB - (sumB * sumB) / n));
  return spread > 0 ? (sumAB - (sumA * sumB) / n) / spread : 0;
}
