/**
 * One long-lived PocketSphinx: it loads its model and grammar once (about 60 ms), then decodes the sound files it is
 * told of, one after the other, and answers in its log. It ends with its input, so that it cannot outlive this process.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { VendorError } from '#kit/errors.ts';
import { type DecodedPath, PathReader } from './decoded-path.ts';

export interface DecoderFiles {
  program: string;
  /** Folder of the acoustic model. */
  model: string;
  dictionary: string;
  grammar: string;
  /** Folder of the sound files, `<id>.raw`: linear, 16 bit, 16 kHz. */
  sounds: string;
}

/**
 * `-ctl` must be opened by name, which Linux allows for a pipe but not for the socket that Node gives a child: hence
 * `cat`. When the program ends for whatever reason, the whole group does.
 */
const SCRIPT = 'cat | { "$@"; kill -s TERM 0; }';
const LOG_TAIL = 400; // characters of the log kept for the error message

export class Decoder {
  readonly #child: ChildProcessByStdio<Writable, null, Readable>;
  readonly #reader = new PathReader();
  readonly #waiting = new Map<string, { resolve: (path: DecodedPath) => void; reject: (error: VendorError) => void }>();
  #tail = '';
  #dead: VendorError | undefined;

  /** Starts loading at once. */
  constructor(files: DecoderFiles) {
    const options = [
      ['-hmm', files.model],
      ['-dict', files.dictionary],
      ['-jsgf', files.grammar],
      ['-cepdir', files.sounds],
      ['-ctl', '/dev/stdin'],
      ['-hyp', '/dev/null'],
      ['-adcin', 'yes'],
      ['-cepext', '.raw'],
      ['-cmn', 'current'], // over the whole utterance: no utterance depends on the one before
      ['-compallsen', 'yes'], // see verdict.ts
      ['-remove_silence', 'no'], // voice activity was ours; times of words stay true
      ['-beam', '1e-70'], // wider than usual: a small grammar can afford never to lose its path
      ['-pbeam', '1e-70'],
      ['-wbeam', '1e-50'],
      ['-backtrace', 'yes'], // words and scores into the log
    ];
    this.#child = spawn('/bin/sh', ['-c', SCRIPT, 'sh', files.program, ...options.flat()], {
      stdio: ['pipe', 'ignore', 'pipe'],
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' },
      detached: true, // a process group of its own, to be ended as one
    });
    this.#child.stderr.setEncoding('latin1').on('data', (text: string) => this.#log(text));
    this.#child.stdin.on('error', () => {}); // the exit says it
    this.#child.on('error', (error) => this.#end(new VendorError('pocketsphinx', 'retryable', 'cannot be started', { cause: error })));
    this.#child.on('close', (code, signal) =>
      this.#end(new VendorError('pocketsphinx', 'retryable', `ended with ${signal ?? code}: ${this.#tail.trim().slice(-LOG_TAIL)}`)),
    );
  }

  /** Process group; undefined when the program could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#dead === undefined;
  }

  /** Decodes `<sounds>/<id>.raw`. Throws `VendorError` retryable when the program dies or is closed meanwhile. */
  decode(id: string): Promise<DecodedPath> {
    if (this.#dead) return Promise.reject(this.#dead);
    const { promise, resolve, reject } = Promise.withResolvers<DecodedPath>();
    this.#waiting.set(id, { resolve, reject });
    this.#child.stdin.write(`${id}\n`);
    return promise;
  }

  /** Kills the program. What is waiting fails. Resolves when it is gone. */
  async close(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child;
    const gone = pid === undefined || exitCode !== null || signalCode !== null;
    const closed = gone ? undefined : new Promise<void>((resolve) => this.#child.once('close', () => resolve()));
    this.#end(new VendorError('pocketsphinx', 'retryable', 'was closed'));
    if (pid !== undefined && !gone) {
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // gone between the two lines
      }
    }
    await closed;
  }

  #log(text: string): void {
    this.#tail = (this.#tail + text).slice(-LOG_TAIL);
    for (const path of this.#reader.push(text)) {
      this.#waiting.get(path.id)?.resolve(path);
      this.#waiting.delete(path.id);
    }
  }

  #end(error: VendorError): void {
    this.#dead ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
