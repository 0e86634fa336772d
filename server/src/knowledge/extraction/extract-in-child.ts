/**
 * Extraction in a process of its own that can be killed at any moment: a document that eats time or memory, or that finds
 * a fault in a parser, costs its own job and nothing else. The child gets no environment, no right to write files, to
 * start processes or to load native code, and less of the processor than calls do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { type Extract, type Extracted, ExtractionError, type ExtractionLimits, type ExtractionRequest } from './extraction.ts';
import { extractionLimits, tooLarge } from './limits.ts';
import type { ReadingAnswer, ReadingOrder } from './reading-process.ts';
import { TurnQueue } from './turn-queue.ts';

const ENTRY = fileURLToPath(new URL('./reading-process.ts', import.meta.url));
const WATCH_MS = 50; // between two looks at the child's memory; pdf.js unpacks about 100 MB a second
const HEAP_SHARE = 0.75; // of the memory, for V8; the rest is the file, its unpacked parts and Node itself
const PAGE_BYTES = 4_096;
const STDERR_TAIL = 2_000; // characters

export interface ExtractionQueue {
  /** Children at once. */
  children?: number;
  /** Documents that may wait for one. */
  waiting?: number;
}

/** Folders that the child may read: its own code, and the libraries wherever they are installed above it. */
function readableFolders(): string[] {
  const folders = [dirname(ENTRY)];
  for (let folder = dirname(ENTRY); ; folder = dirname(folder)) {
    folders.push(join(folder, 'node_modules'), join(folder, 'package.json'));
    if (folder === dirname(folder)) return folders;
  }
}

/**
 * Make one for the whole process: what it bounds is its own children.
 * @param limits what differs from `extractionLimits`
 * The returned function throws `ExtractionError`, the signal's reason, or `TandemError` `unavailable` when too many wait.
 */
export function extractInChild(
  kit: Pick<Kit, 'clock' | 'log'>,
  limits: Partial<ExtractionLimits> = {},
  { children = 2, waiting = 200 }: ExtractionQueue = {},
): Extract {
  const whole: ExtractionLimits = { ...extractionLimits, ...limits };
  const turns = new TurnQueue(children, waiting);
  return async (request, { signal, progress }) => {
    signal.throwIfAborted();
    if (request.bytes.length > whole.bytes) throw tooLarge(whole);
    const done = await turns.enter(signal);
    try {
      return await readInChild(kit, request, whole, signal, progress ?? (() => {}));
    } finally {
      done();
    }
  };
}

/** Settles when the child is gone, whatever became of it. */
function readInChild(
  kit: Pick<Kit, 'clock' | 'log'>,
  request: ExtractionRequest,
  limits: ExtractionLimits,
  signal: AbortSignal,
  progress: (share: number) => void,
): Promise<Extracted> {
  const startedAt = kit.clock.now();
  const child = startChild(limits);
  const { promise, resolve, reject } = Promise.withResolvers<Extracted>();
  let outcome: { extracted: Extracted } | { error: unknown } | undefined;
  let stderr = '';
  /** The first reason counts; the child has nothing more to say. */
  const end = (first: NonNullable<typeof outcome>) => {
    if (outcome) return;
    outcome = first;
    child.kill('SIGKILL');
  };
  const onAbort = () => end({ error: signal.reason });
  const deadline = kit.clock.after(limits.timeMs, () => {
    end({ error: new ExtractionError('too-slow', `It could not be read within ${Math.ceil(limits.timeMs / 1_000)} seconds.`) });
  });
  const watch = () => {
    if (memoryMbOf(child) > limits.memoryMb) end({ error: tooMuchMemory(limits) });
    else watching = kit.clock.after(WATCH_MS, watch);
  };
  let watching = kit.clock.after(WATCH_MS, watch);

  child.on('message', (answer: ReadingAnswer) => {
    if (answer.type === 'progress') {
      if (!outcome) progress(Math.min(1, Math.max(0, answer.share)));
    } else if (answer.type === 'extracted') end({ extracted: answer.extracted });
    else {
      if (answer.detail) kit.log.debug({ fault: answer.fault, detail: answer.detail }, 'a document could not be read');
      end({ error: new ExtractionError(answer.fault, answer.message) });
    }
  });
  child.on('error', (error) => {
    end({ error: new ExtractionError('internal-error', 'The reader of documents cannot be started.', error) });
    if (child.pid === undefined) settle(null, null); // never started, so that it never ends
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL);
  });
  child.stdin?.on('error', () => {}); // it died before it had read all: its end says why
  child.once('close', (code, killedBy) => settle(code, killedBy));
  signal.addEventListener('abort', onAbort, { once: true });

  const settle = (code: number | null, killedBy: NodeJS.Signals | null) => {
    signal.removeEventListener('abort', onAbort);
    deadline.cancel();
    watching.cancel();
    const result = outcome ?? { error: deathOf(code, killedBy, stderr, limits) };
    kit.log.debug(
      { tookMs: Math.round(kit.clock.now() - startedAt), bytes: request.bytes.length, code, killedBy },
      'a reader of documents ended',
    );
    if ('extracted' in result) return resolve(result.extracted);
    const { error } = result;
    if (error instanceof ExtractionError && error.fault === 'internal-error')
      kit.log.error({ error, stderr }, 'the reader of documents failed');
    reject(error);
  };

  const order: ReadingOrder = { limits, fileName: request.fileName, mediaType: request.mediaType };
  child.send(order, (error) => {
    if (error) kit.log.debug({ problem: messageOf(error) }, 'a reader of documents ended before it began');
  });
  child.stdin?.end(request.bytes);
  return promise;
}

/**
 * `ulimit -t` is the kernel's own deadline, for the case that this process is not there any more to keep it; `-c 0`, since
 * a heap that is full ends with an abort, which must not leave a core file.
 */
const SHELL = 'ulimit -c 0; ulimit -t "$1"; shift; exec "$@"';

function startChild(limits: ExtractionLimits): ChildProcess {
  const seconds = Math.ceil(limits.timeMs / 1_000) + 5;
  const node = [
    process.execPath,
    '--permission',
    ...readableFolders().map((folder) => `--allow-fs-read=${folder}`),
    `--max-old-space-size=${Math.max(16, Math.floor(limits.memoryMb * HEAP_SHARE))}`,
    '--disable-warning=ExperimentalWarning',
    ENTRY,
  ];
  const command = process.platform === 'win32' ? node : ['/bin/sh', '-c', SHELL, 'sh', String(seconds), ...node];
  const child = spawn(command[0], command.slice(1), {
    cwd: dirname(ENTRY),
    env: {},
    stdio: ['pipe', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    windowsHide: true,
  });
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // it is gone already, and will say so
  }
  return child;
}

const tooMuchMemory = (limits: ExtractionLimits) =>
  new ExtractionError('too-much-memory', `It could not be read within ${limits.memoryMb} MB of memory.`);

/** Resident memory; 0 where the system does not tell (then the heap's own limit is the only one). */
function memoryMbOf(child: ChildProcess): number {
  try {
    const resident = readFileSync(`/proc/${child.pid}/statm`, 'latin1').split(' ')[1];
    return (Number(resident) * PAGE_BYTES) / 1024 / 1024 || 0;
  } catch {
    return 0;
  }
}

/** Why a child is gone that was not told to go. */
function deathOf(code: number | null, killedBy: NodeJS.Signals | null, stderr: string, limits: ExtractionLimits): ExtractionError {
  if (killedBy === 'SIGXCPU')
    return new ExtractionError('too-slow', `It could not be read within ${Math.ceil(limits.timeMs / 1_000)} seconds.`);
  // V8 aborts on a full heap; the kernel kills when the machine is full.
  if (
    killedBy === 'SIGABRT' ||
    killedBy === 'SIGKILL' ||
    killedBy === 'SIGTRAP' ||
    code === 134 ||
    /heap|out of memory|Allocation failed/i.test(stderr)
  ) {
    return tooMuchMemory(limits);
  }
  return new ExtractionError('internal-error', `The reader of documents ended unexpectedly (${killedBy ?? code}).`);
}
