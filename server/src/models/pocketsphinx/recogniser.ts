/**
 * The decoders: a few lanes, each a pair of long-lived programs (grammar and phone loop) that take one utterance at a
 * time. A lane is loaded while the caller still speaks, changes its grammar when another is wanted, and is ended when
 * it has been idle for a while. Utterances wait in a bounded queue, each with a deadline.
 */
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Timer } from '#kit/clock.ts';
import { messageOf, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { Decoder } from './decoder.ts';
import { type DecoderGrammar, type PhraseSet, type PhraseSets, writePrivate } from './phrase-sets.ts';
import { judge, type Verdict } from './verdict.ts';

export interface RecogniserOptions {
  program: string;
  model: string;
  /** Utterances decoded side by side; each takes two programs of about 40 MB. */
  lanes: number;
  /** Utterances waiting at most; more are answered at once as not understood. */
  queueLimit: number;
  /** A pair of programs without work is ended after this. */
  idleMs: number;
}

/** Undefined: not decided in time, or too many are waiting. */
export type Answer = Verdict | undefined;

interface Job {
  id: string;
  set: PhraseSet;
  samples: Int16Array;
  attempts: number;
  settled: boolean;
  deadline: Timer | undefined;
  resolve: (answer: Answer) => void;
  reject: (error: VendorError) => void;
}

interface Lane {
  key: string;
  grammar: Decoder;
  loop: Decoder;
  job: Job | undefined;
  idle: Timer | undefined;
}

/** A program that dies under an utterance is started again once. */
const ATTEMPTS = 2;

export class Recogniser {
  readonly #kit: Kit;
  readonly #options: RecogniserOptions;
  readonly #sets: PhraseSets;
  #place: { folder: string; loop: DecoderGrammar } | undefined;
  readonly #lanes = new Set<Lane>();
  readonly #ending = new Set<Promise<void>>();
  #waiting: Job[] = [];
  #closed = false;

  constructor(kit: Kit, sets: PhraseSets, options: RecogniserOptions) {
    this.#kit = kit;
    this.#sets = sets;
    this.#options = options;
  }

  /** Process groups of the programs that run. */
  get pids(): number[] {
    return [...this.#lanes].flatMap(({ grammar, loop }) => [grammar.pid, loop.pid]).filter((pid) => pid !== undefined);
  }

  /** Utterances waiting or being decoded. */
  get size(): number {
    return this.#waiting.length + [...this.#lanes].filter(({ job }) => job).length;
  }

  /** Somebody began to speak: has a lane load these phrases now, if one is free. Never throws. */
  async prepare(set: PhraseSet): Promise<void> {
    try {
      await this.#ready();
      if (!this.#closed) this.#laneFor(set);
    } catch (error) {
      this.#kit.log.warn({ error }, 'pocketsphinx cannot prepare');
    }
  }

  /**
   * Decodes linear samples of 16 kHz. Answers undefined after `deadlineMs`.
   * Throws `VendorError` retryable when the programs died twice under this utterance.
   */
  async recognise(set: PhraseSet, samples: Int16Array, deadlineMs: number): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const job: Job = {
      id: this.#kit.ids.make('utterance'),
      set,
      samples,
      attempts: 0,
      settled: false,
      deadline: undefined,
      resolve,
      reject,
    };
    if (this.#closed || this.#waiting.length >= this.#options.queueLimit) return undefined;
    job.deadline = this.#kit.clock.after(deadlineMs, () => this.#expire(job));
    this.#waiting.push(job);
    try {
      await this.#ready();
      this.#pump();
    } catch (error) {
      this.#fail(job, new VendorError('pocketsphinx', 'retryable', `no folder for its files: ${messageOf(error)}`, { cause: error }));
    }
    return promise;
  }

  /** Kills every program; what waits is answered with undefined. Resolves when they are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#waiting.splice(0)) this.#settle(job, undefined);
    for (const lane of this.#lanes) {
      if (lane.job) this.#settle(lane.job, undefined);
      this.#endLane(lane);
    }
    await Promise.allSettled(this.#ending);
  }

  async #ready(): Promise<void> {
    if (this.#place) return;
    const [folder, loop] = await Promise.all([this.#sets.folder(), this.#sets.loop()]);
    this.#place ??= { folder, loop };
  }

  #pump(): void {
    while (!this.#closed && this.#waiting.length > 0) {
      const lane = this.#laneFor(this.#waiting[0].set);
      if (!lane) return;
      const job = this.#waiting.shift() as Job;
      lane.job = job;
      lane.idle?.cancel();
      void this.#decode(lane, job);
    }
  }

  /** A free lane with these phrases: one that has them, a new one, or one that gives its own up. */
  #laneFor(set: PhraseSet): Lane | undefined {
    for (const lane of this.#lanes) if (!lane.job && !(lane.grammar.alive && lane.loop.alive)) this.#endLane(lane);
    const free = [...this.#lanes].filter(({ job }) => !job);
    const loaded = free.find(({ key }) => key === set.key);
    if (loaded) return loaded;
    if (this.#lanes.size >= this.#options.lanes) {
      if (free.length === 0) return undefined;
      // Sets keep the order of insertion, and a lane that worked is inserted anew: the first is the longest idle.
      this.#endLane(free[0]);
    }
    return this.#startLane(set);
  }

  #startLane(set: PhraseSet): Lane {
    const { folder, loop } = this.#place as { folder: string; loop: DecoderGrammar };
    const decoder = ({ grammarFile, dictionaryFile }: DecoderGrammar) =>
      new Decoder({
        program: this.#options.program,
        model: this.#options.model,
        grammar: grammarFile,
        dictionary: dictionaryFile,
        sounds: folder,
      });
    const lane: Lane = { key: set.key, grammar: decoder(set), loop: decoder(loop), job: undefined, idle: undefined };
    this.#lanes.add(lane);
    this.#rest(lane);
    return lane;
  }

  #rest(lane: Lane): void {
    lane.idle?.cancel();
    lane.idle = this.#kit.clock.after(this.#options.idleMs, () => this.#endLane(lane));
  }

  #endLane(lane: Lane): void {
    lane.idle?.cancel();
    this.#lanes.delete(lane);
    const gone: Promise<void> = Promise.all([lane.grammar.close(), lane.loop.close()]).then(() => {
      this.#ending.delete(gone);
    });
    this.#ending.add(gone);
  }

  async #decode(lane: Lane, job: Job): Promise<void> {
    const file = join((this.#place as { folder: string }).folder, `${job.id}.raw`);
    job.attempts++;
    try {
      await writePrivate(file, new Uint8Array(job.samples.buffer, job.samples.byteOffset, job.samples.byteLength));
      const [grammar, loop] = await Promise.all([lane.grammar.decode(job.id), lane.loop.decode(job.id)]);
      this.#settle(job, judge(grammar, loop));
    } catch (error) {
      if (!job.settled) this.#tryAgain(job, error);
    } finally {
      unlink(file).catch(() => {}); // it was never written
    }
    if (!this.#lanes.delete(lane)) return this.#pump();
    lane.job = undefined;
    this.#lanes.add(lane);
    this.#rest(lane);
    this.#pump();
  }

  #tryAgain(job: Job, error: unknown): void {
    const failure = error instanceof VendorError ? error : new VendorError('pocketsphinx', 'retryable', messageOf(error), { cause: error });
    this.#kit.log.warn({ error: failure, attempts: job.attempts }, 'pocketsphinx lost an utterance');
    if (job.attempts >= ATTEMPTS) this.#fail(job, failure);
    else this.#waiting.unshift(job);
  }

  #expire(job: Job): void {
    this.#settle(job, undefined);
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
    // A program that is too slow or hangs must not hold its lane.
    for (const lane of this.#lanes) if (lane.job === job) this.#endLane(lane);
    this.#pump();
  }

  #settle(job: Job, answer: Answer): void {
    job.settled = true;
    job.deadline?.cancel();
    job.resolve(answer);
  }

  #fail(job: Job, error: VendorError): void {
    job.settled = true;
    job.deadline?.cancel();
    const index = this.#waiting.indexOf(job);
    if (index >= 0) this.#waiting.splice(index, 1);
    job.reject(error);
  }
}
