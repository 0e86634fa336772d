/** sipp 3.6 as a caller or a callee. All its calls share one RTP socket, whose packets it does not read. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeSipPort } from '../../tandem-server.ts';

export interface SippOptions {
  scenario: string;
  /** host:port that is called; none for a callee. */
  target?: string;
  /** Address it lives at. */
  address?: string;
  /** Port it lives at; a free one unless given. */
  port?: number;
  tcp?: boolean;
  calls?: number;
  perSecond?: number;
  /** Gives up after this long. */
  withinMs?: number;
  more?: string[];
}

export interface SippResult {
  /** 0: every call went as the scenario says. */
  exitCode: number | null;
  successful: number;
  failed: number;
  /** Every message it sent and received. */
  messages: string;
  errors: string;
}

/** sipp takes a few ports from this one on for sound and picture: below those that the system and our servers hand out. */
const MEDIA_PORTS = { from: 10_000, to: 19_900, each: 10 };
let mediaPort = MEDIA_PORTS.from + MEDIA_PORTS.each * Math.floor((Math.random() * (MEDIA_PORTS.to - MEDIA_PORTS.from)) / MEDIA_PORTS.each);

function nextMediaPort(): number {
  mediaPort += MEDIA_PORTS.each;
  if (mediaPort >= MEDIA_PORTS.to) mediaPort = MEDIA_PORTS.from;
  return mediaPort;
}

export class Sipp {
  readonly port: number;
  readonly result: Promise<SippResult>;
  readonly #child: ChildProcess;

  private constructor(port: number, child: ChildProcess, result: Promise<SippResult>) {
    this.port = port;
    this.#child = child;
    this.result = result;
  }

  static async start(options: SippOptions): Promise<Sipp> {
    const { address = '127.0.0.1', calls = 1, perSecond = 1, withinMs = 60_000 } = options;
    const folder = await mkdtemp(join(tmpdir(), 'tandem-sipp-'));
    await writeFile(join(folder, 'scenario.xml'), options.scenario);
    const port = options.port ?? (await freeSipPort());
    const mediaPort = nextMediaPort();
    const own = [
      `-sf scenario.xml -i ${address} -p ${port} -mi ${address} -mp ${mediaPort}`,
      `-m ${calls} -l ${calls} -r ${perSecond} -t ${options.tcp ? 't1' : 'u1'}`,
      `-nostdin -timeout ${Math.ceil(withinMs / 1000)} -timeout_error`,
      '-trace_msg -message_file messages -trace_err -error_file errors',
    ].flatMap((words) => words.split(' '));
    const args = [...(options.target === undefined ? [] : [options.target]), ...own, ...(options.more ?? [])];
    const child = spawn('sipp', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TERM: 'xterm' } });
    let printed = '';
    child.stdout?.on('data', (bytes: Buffer) => (printed += bytes.toString()));
    child.stderr?.on('data', (bytes: Buffer) => (printed += bytes.toString()));
    const watchdog = setTimeout(() => child.kill('SIGKILL'), withinMs + 5_000);
    const result = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve(code));
    }).then(async (exitCode) => {
      clearTimeout(watchdog);
      const text = (name: string) => readFile(join(folder, name), 'utf8').catch(() => '');
      const [messages, errors] = await Promise.all([text('messages'), text('errors')]);
      await rm(folder, { recursive: true, force: true });
      // Two columns, periodic and cumulative; the last screen printed is the final one.
      const count = (row: string) =>
        Number([...printed.matchAll(new RegExp(`${row}\\s*\\|\\s*\\d+\\s*\\|\\s*(\\d+)`, 'g'))].at(-1)?.[1] ?? 0);
      const result = { exitCode, successful: count('Successful call'), failed: count('Failed call'), messages, errors };
      return exitCode === 0 || errors !== '' ? result : { ...result, errors: printed.slice(-1500) };
    });
    // Whoever starts it and fails before asking must not take the test process with it.
    result.catch(() => {});
    return new Sipp(port, child, result);
  }

  /** Does `work` while it runs, then waits for its end. What fails, fails with sipp's own words, and leaves no sipp behind. */
  async during(work: () => Promise<void>): Promise<SippResult> {
    try {
      await work();
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${faultOf(await this.stop())}`, { cause: error });
    }
    const result = await this.result;
    if (result.exitCode !== 0) throw new Error(faultOf(result));
    return result;
  }

  stop(): Promise<SippResult> {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
    return this.result;
  }
}

/** Runs it to the end. */
export async function runSipp(options: SippOptions): Promise<SippResult> {
  return (await Sipp.start(options)).result;
}

/** What a test fails with when sipp does: its own words. */
export const faultOf = ({ exitCode, failed, errors, messages }: SippResult): string =>
  exitCode === 0 ? '' : `sipp exit ${exitCode}, ${failed} failed: ${errors}\n${messages.slice(-6_000)}`;
