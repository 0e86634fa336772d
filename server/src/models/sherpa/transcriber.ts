/**
 * sherpa-onnx on this machine: one recogniser in a thread of its own for all calls, a stream for each. Sound that the thread
 * has not taken waits in the stream's own queue, bounded, so that a machine that is too slow loses old sound, not memory.
 */
import { Worker } from 'node:worker_threads';
import { type Frame, rateOf } from '#audio/frame.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { SoundOutlet } from '../sound-outlet.ts';
import type { Transcriber, TranscriberOptions, TranscriptionStream } from '../transcriber.ts';
import { type HeardWord, transcriptOf } from '../vendor-words.ts';
import type { SherpaAnswer, SherpaRequest, SherpaWorkerData } from './worker.ts';

const LOAD_DEADLINE_MS = 60_000;
const CHUNK_MS = 100;
/** Chunks of one stream that the thread may have before it must answer: 1 s of sound. */
const MOST_UNTAKEN = 10;
/** The thread has stopped, or the machine is hopelessly slow. */
const STUCK_MS = 10_000;
/** The model gives the start of each token only. */
const LONGEST_TOKEN_MS = 240;

export interface SherpaOptions extends SherpaWorkerData {
  /** What the model is called in reports. */
  model: string;
  /** Calls that it hears at once; further ones are refused. */
  mostStreams: number;
}

/** Resolves when the model is loaded. Rejects with a permanent VendorError when it, or the package, cannot be. */
export async function startSherpa(kit: Kit, options: SherpaOptions): Promise<SherpaTranscriber> {
  const { runtime, files, threads } = options;
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    name: 'sherpa',
    workerData: { runtime, files, threads } satisfies SherpaWorkerData,
  });
  const loaded = Promise.withResolvers<void>();
  const refuse = (why: string) => loaded.reject(new VendorError('sherpa', 'permanent', why));
  worker.once('message', (answer: SherpaAnswer) => (answer.type === 'unusable' ? refuse(answer.error) : loaded.resolve()));
  worker.once('error', (error) => refuse(error instanceof Error ? error.message : String(error)));
  worker.once('exit', () => refuse('the thread of the model has ended'));
  const deadline = kit.clock.after(LOAD_DEADLINE_MS, () => refuse(`the model was not loaded within ${LOAD_DEADLINE_MS} ms`));
  try {
    await loaded.promise;
  } catch (error) {
    await worker.terminate();
    throw error;
  } finally {
    deadline.cancel();
  }
  worker.unref();
  return new SherpaTranscriber(kit, worker, options);
}

export class SherpaTranscriber implements Transcriber {
  readonly name = 'sherpa';
  readonly closedGrammar = false;
  readonly model: string;
  readonly #kit: Kit;
  readonly #worker: Worker;
  readonly #mostStreams: number;
  readonly #streams = new Map<number, SherpaStream>();
  #opened = 0;
  #gone: VendorError | undefined;

  constructor(kit: Kit, worker: Worker, { model, mostStreams }: Pick<SherpaOptions, 'model' | 'mostStreams'>) {
    this.#kit = kit;
    this.#worker = worker;
    this.model = model;
    this.#mostStreams = mostStreams;
    worker.on('message', (answer: SherpaAnswer) => {
      if ('id' in answer) this.#streams.get(answer.id)?.answered(answer);
    });
    worker.on('error', (error) => this.#end(error instanceof Error ? error.message : String(error)));
    worker.on('exit', () => this.#end('the thread of the model has ended'));
  }

  open(options: TranscriberOptions): TranscriptionStream {
    const id = this.#opened++;
    const refused =
      this.#gone ??
      (this.#streams.size >= this.#mostStreams
        ? new VendorError('sherpa', 'rate-limited', `hears ${this.#mostStreams} calls already`)
        : undefined);
    const stream = new SherpaStream(this.#kit, options, id, (request) => this.#ask(request));
    if (refused) queueMicrotask(() => stream.fail(refused));
    else {
      this.#streams.set(id, stream);
      stream.begin();
    }
    return stream;
  }

  warm(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    for (const stream of this.#streams.values()) stream.close();
    await this.#worker.terminate();
  }

  #ask(request: SherpaRequest): void {
    if (request.type === 'close') this.#streams.delete(request.id);
    if (!this.#gone) this.#worker.postMessage(request);
  }

  #end(why: string): void {
    this.#gone ??= new VendorError('sherpa', 'permanent', why);
    for (const stream of this.#streams.values()) stream.fail(this.#gone);
  }
}

class SherpaStream implements TranscriptionStream {
  readonly #kit: Kit;
  readonly #options: TranscriberOptions;
  readonly #id: number;
  readonly #ask: (request: SherpaRequest) => void;
  readonly #outlet: SoundOutlet;
  /** Chunks that the thread has not answered, and when it last did. */
  #untaken = { chunks: 0, sinceMs: 0 };
  #open = true;

  constructor(kit: Kit, options: TranscriberOptions, id: number, ask: (request: SherpaRequest) => void) {
    this.#kit = kit;
    this.#options = options;
    this.#id = id;
    this.#ask = ask;
    const rate = rateOf(options.format);
    this.#outlet = new SoundOutlet({
      clock: kit.clock,
      format: options.format,
      chunkMs: CHUNK_MS,
      send: (bytes) => {
        const untaken = this.#untaken;
        if (untaken.chunks >= MOST_UNTAKEN) {
          if (kit.clock.now() - untaken.sinceMs > STUCK_MS) this.fail(new VendorError('sherpa', 'retryable', 'has stopped listening'));
          return false;
        }
        if (untaken.chunks++ === 0) untaken.sinceMs = kit.clock.now();
        ask({ type: 'sound', id, rate, bytes });
        return true;
      },
    });
  }

  begin(): void {
    this.#ask({ type: 'open', id: this.#id });
    this.#outlet.open();
  }

  push(frame: Frame): void {
    if (this.#open) this.#outlet.push(frame);
  }

  /** It finds the end of speech itself. */
  speechStarted(): void {}
  speechEnded(): void {}

  answered(answer: Exclude<SherpaAnswer, { type: 'ready' | 'unusable' }>): void {
    if (!this.#open) return;
    if (answer.type === 'took') {
      this.#untaken.chunks--;
      this.#untaken.sinceMs = this.#kit.clock.now();
      return this.#outlet.resume();
    }
    if (answer.type === 'failed') return this.fail(new VendorError('sherpa', 'retryable', answer.error));
    // Many models know capitals only.
    const quiet = answer.text === answer.text.toUpperCase() ? answer.text.toLowerCase() : answer.text;
    const transcript = transcriptOf(quiet, wordsFrom(answer.tokens, answer.startsMs), (ms) => this.#outlet.legAt(ms));
    if (answer.final) this.#options.listener.final(transcript);
    else this.#options.listener.partial(transcript);
  }

  fail(error: VendorError): void {
    if (!this.#open) return;
    this.close();
    this.#options.listener.failed(error);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#outlet.close();
    this.#ask({ type: 'close', id: this.#id });
  }
}

/** Tokens are pieces of words; one that begins with a space (or `▁`, as its vocabulary has it) begins a word. */
export function wordsFrom(tokens: readonly string[], startsMs: readonly number[]): HeardWord[] {
  const words: HeardWord[] = [];
  tokens.forEach((token, index) => {
    const piece = token.replaceAll('▁', ' ');
    const text = piece.trim().toLowerCase();
    const fromMs = startsMs[index];
    if (text === '' || fromMs === undefined) return;
    const toMs = Math.min(fromMs + LONGEST_TOKEN_MS, startsMs[index + 1] ?? Number.POSITIVE_INFINITY);
    const last = words.at(-1);
    if (!last || piece.startsWith(' ')) words.push({ text, fromMs, toMs, confidence: undefined });
    else {
      last.text += text;
      last.toMs = toMs;
    }
  });
  return words;
}
