/**
 * The queue before the rendering thread: one clause at a time, bounded, every job with a deadline. A thread that
 * crashes is started again and the job tried once more; a second crash of the same job is its caller's failure.
 */
import { Worker } from 'node:worker_threads';
import type { WordTime } from '@tandem/contract';
import type { Sound } from '#audio/frame.ts';
import type { Timer } from '#kit/clock.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { RenderAnswer, RenderRequest } from './worker.ts';

export interface Rendered {
  sound: Sound;
  words: WordTime[];
}

export interface RendererOptions {
  /** Clauses waiting at most; more are refused (retryable). */
  queueLimit: number;
  /** From asking to having the sound, waiting included. */
  deadlineMs: number;
  workerUrl?: URL;
}

interface Job {
  request: RenderRequest;
  attempts: number;
  deadline: Timer;
  resolve: (rendered: Rendered) => void;
  reject: (error: Error) => void;
}

export class Renderer {
  #kit: Kit;
  #options: RendererOptions;
  #worker: Worker | undefined;
  #waiting: Job[] = [];
  #active: Job | undefined;
  #nextId = 1;
  #closed = false;

  constructor(kit: Kit, options: RendererOptions) {
    this.#kit = kit;
    this.#options = options;
  }

  /** Clauses waiting or being rendered. */
  get size(): number {
    return this.#waiting.length + (this.#active ? 1 : 0);
  }

  /** The rendering thread, for diagnostics; undefined before the first clause and after a crash. */
  get thread(): Worker | undefined {
    return this.#worker;
  }

  /** Throws `VendorError` retryable when the queue is full, the deadline passed or the thread crashed twice. */
  render(request: Omit<RenderRequest, 'id'>): { done: Promise<Rendered>; forget: () => boolean } {
    if (this.#closed) throw new VendorError('flite', 'permanent', 'the synthesizer is closed');
    if (this.#waiting.length >= this.#options.queueLimit) throw new VendorError('flite', 'retryable', 'too many clauses are waiting');
    const { promise, resolve, reject } = Promise.withResolvers<Rendered>();
    const job: Job = {
      request: { ...request, id: this.#nextId++ },
      attempts: 0,
      deadline: this.#kit.clock.after(this.#options.deadlineMs, () => this.#expire(job)),
      resolve,
      reject,
    };
    this.#waiting.push(job);
    this.#pump();
    return { done: promise, forget: () => this.#forget(job) };
  }

  /** Ends the thread; what is waiting fails. */
  async close(): Promise<void> {
    this.#closed = true;
    const jobs = [...this.#waiting, ...(this.#active ? [this.#active] : [])];
    this.#waiting = [];
    this.#active = undefined;
    for (const job of jobs) this.#fail(job, new VendorError('flite', 'permanent', 'the synthesizer is closed'));
    await this.#stopThread();
  }

  /** A job nobody wants any more gives up its place (true); one that is being rendered goes on, for the cache. */
  #forget(job: Job): boolean {
    const index = this.#waiting.indexOf(job);
    if (index < 0) return false;
    this.#waiting.splice(index, 1);
    this.#fail(job, new VendorError('flite', 'retryable', 'no longer wanted'));
    return true;
  }

  #pump(): void {
    if (this.#active || this.#closed) return;
    const job = this.#waiting.shift();
    if (!job) return;
    this.#active = job;
    job.attempts++;
    this.#startedThread().postMessage(job.request);
  }

  #startedThread(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(this.#options.workerUrl ?? new URL('./worker.ts', import.meta.url), { name: 'flite', env: {}, execArgv: [] });
    worker.unref();
    worker.on('message', (answer: RenderAnswer) => this.#answered(worker, answer));
    worker.on('error', (error) => this.#crashed(worker, error));
    worker.on('exit', (code) => this.#crashed(worker, new Error(`thread ended with ${code}`)));
    this.#worker = worker;
    return worker;
  }

  #answered(worker: Worker, answer: RenderAnswer): void {
    const job = this.#active;
    if (worker !== this.#worker || !job || job.request.id !== answer.id) return;
    this.#active = undefined;
    if ('failure' in answer) this.#fail(job, new VendorError('flite', 'bad-input', answer.failure));
    else {
      job.deadline.cancel();
      job.resolve({ sound: answer.sound, words: answer.words });
    }
    this.#pump();
  }

  #crashed(worker: Worker, cause: unknown): void {
    if (worker !== this.#worker) return;
    this.#worker = undefined;
    const job = this.#active;
    this.#active = undefined;
    this.#kit.log.warn({ part: 'flite', reason: messageOf(cause) }, 'the rendering thread crashed');
    if (job && job.attempts < 2) this.#waiting.unshift(job);
    else if (job) this.#fail(job, new VendorError('flite', 'retryable', `the rendering thread crashed: ${messageOf(cause)}`, { cause }));
    this.#pump();
  }

  #expire(job: Job): void {
    const error = new VendorError('flite', 'retryable', `no speech within ${this.#options.deadlineMs} ms`);
    if (this.#active === job) {
      // A clause cannot be stopped half way: the thread goes with it.
      this.#active = undefined;
      void this.#stopThread();
    } else this.#waiting = this.#waiting.filter((waiting) => waiting !== job);
    this.#fail(job, error);
    this.#pump();
  }

  #fail(job: Job, error: Error): void {
    job.deadline.cancel();
    job.reject(error);
  }

  async #stopThread(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}
