/**
 * Thread of the recogniser: sherpa-onnx computes on the thread that asks, and the thread of the calls must not wait for it.
 * The package is the user's to install; the little of its API that is used is described here.
 */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { mulawToLinear } from '#audio/g711.ts';
import { messageOf } from '#kit/errors.ts';
import type { ModelFiles } from './model-files.ts';

interface SherpaStream {
  acceptWaveform(sound: { samples: Float32Array; sampleRate: number }): void;
}

interface SherpaResult {
  text?: string;
  tokens?: string[];
  /** Seconds from the start of the segment; that start in seconds of the stream. */
  timestamps?: number[];
  start_time?: number;
}

interface SherpaRecognizer {
  createStream(): SherpaStream;
  isReady(stream: SherpaStream): boolean;
  decode(stream: SherpaStream): void;
  isEndpoint(stream: SherpaStream): boolean;
  reset(stream: SherpaStream): void;
  getResult(stream: SherpaStream): SherpaResult;
}

interface Sherpa {
  OnlineRecognizer: new (config: object) => SherpaRecognizer;
}

export interface SherpaWorkerData {
  /** The package sherpa-onnx-node, or the path of its folder. */
  runtime: string;
  files: ModelFiles;
  threads: number;
}

/** Streams by number. Each `sound` is answered by `took`. */
export type SherpaRequest =
  | { type: 'open'; id: number }
  | { type: 'sound'; id: number; rate: 8000 | 16000; bytes: Uint8Array }
  | { type: 'close'; id: number };

/** First `ready` or `unusable`. */
export type SherpaAnswer =
  | { type: 'ready' }
  | { type: 'unusable'; error: string }
  | { type: 'took'; id: number }
  | { type: 'heard'; id: number; final: boolean; text: string; tokens: string[]; startsMs: number[] }
  | { type: 'failed'; id: number; error: string };

/** Silence after speech that ends a segment. */
const TRAILING_SILENCE_S = 0.45;
/** Longer than a person speaks in one breath. */
const LONGEST_SEGMENT_S = 20;

async function loadRecognizer({ runtime, files, threads }: SherpaWorkerData): Promise<SherpaRecognizer> {
  let sherpa: Sherpa & { default?: Sherpa };
  try {
    const entry = createRequire(import.meta.url).resolve(runtime);
    sherpa = (await import(pathToFileURL(entry).href)) as Sherpa;
  } catch (error) {
    throw new Error(`${runtime} cannot be loaded; it is installed with: npm install --no-save sherpa-onnx-node`, { cause: error });
  }
  const { OnlineRecognizer } = sherpa.default ?? sherpa;
  return new OnlineRecognizer({
    featConfig: { sampleRate: 16_000, featureDim: 80 },
    modelConfig: { ...files, numThreads: threads, provider: 'cpu', debug: 0 },
    decodingMethod: 'greedy_search',
    enableEndpoint: true,
    rule1MinTrailingSilence: 2.4, // before any word
    rule2MinTrailingSilence: TRAILING_SILENCE_S,
    rule3MinUtteranceLength: LONGEST_SEGMENT_S,
  });
}

function samplesOf(bytes: Uint8Array, rate: 8000 | 16000): Float32Array {
  let linear: Int16Array;
  if (rate === 8000) mulawToLinear(bytes, (linear = new Int16Array(bytes.length)));
  else linear = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
  return Float32Array.from(linear, (sample) => sample / 32_768);
}

function serve(recognizer: SherpaRecognizer, answer: (message: SherpaAnswer) => void): (request: SherpaRequest) => void {
  const streams = new Map<number, { stream: SherpaStream; text: string }>();

  function hear(id: number, final: boolean): void {
    const open = streams.get(id);
    if (!open) return;
    const { text = '', tokens = [], timestamps = [], start_time: start = 0 } = recognizer.getResult(open.stream);
    const said = text.trim();
    if (said === '' || (!final && said === open.text)) return;
    open.text = final ? '' : said;
    answer({ type: 'heard', id, final, text: said, tokens, startsMs: timestamps.map((at) => (start + at) * 1000) });
  }

  function take(id: number, samples: Float32Array, sampleRate: number): void {
    const open = streams.get(id);
    if (!open) return;
    open.stream.acceptWaveform({ samples, sampleRate });
    while (recognizer.isReady(open.stream)) recognizer.decode(open.stream);
    const ended = recognizer.isEndpoint(open.stream);
    hear(id, ended);
    if (!ended) return;
    recognizer.reset(open.stream);
    open.text = '';
  }

  return (request) => {
    const { id } = request;
    try {
      if (request.type === 'open') streams.set(id, { stream: recognizer.createStream(), text: '' });
      else if (request.type === 'close') streams.delete(id);
      else {
        take(id, samplesOf(request.bytes, request.rate), request.rate);
        answer({ type: 'took', id });
      }
    } catch (error) {
      streams.delete(id);
      answer({ type: 'failed', id, error: messageOf(error) });
    }
  };
}

const port = parentPort;
if (port) {
  const answer = (message: SherpaAnswer) => port.postMessage(message);
  try {
    port.on('message', serve(await loadRecognizer(workerData as SherpaWorkerData), answer));
    answer({ type: 'ready' });
  } catch (error) {
    answer({ type: 'unusable', error: messageOf(error) });
    port.close();
  }
}
