/**
 * baresip 1.0 (libre) without a head: driven and watched through its ctrl_tcp module (netstrings of JSON), speaking a WAV
 * file and writing what it hears to another.
 *
 * Its ways: TLS listens on the SIP port + 1; `net_interface` wants an address; without a resampler module the WAV's rate must
 * be the codec's; aubridge is a player that goes nowhere; sndfile writes `dump-…-dec.wav` (heard) and `dump-…-enc.wav` (said).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeSipPort } from '../../tandem-server.ts';
import { poll } from './line.ts';
import { readSound, writeWav } from './speech.ts';

export type BaresipCodec = 'PCMU' | 'PCMA' | 'G722';

const MODULE_FOLDERS = [
  '/usr/lib/baresip/modules',
  '/usr/lib/x86_64-linux-gnu/baresip/modules',
  '/usr/lib/aarch64-linux-gnu/baresip/modules',
];

/** Printed ten times a second during a call. */
const STATUS_LINE = /\r?\[\d+:\d+:\d+\] audio=[^\r\n]*/g;

export interface BaresipOptions {
  user: string;
  codec?: BaresipCodec;
  /** What it says from the moment a call is up, at {@link rateOf} its codec. */
  says: Int16Array;
  tcp?: boolean;
  /** Answers calls by itself. */
  answers?: boolean;
  password?: string;
}

export interface BaresipEvent {
  class: string;
  type: string;
  param?: string;
  [more: string]: unknown;
}

/** Samples per second of a codec's sound. */
export const rateOf = (codec: BaresipCodec): 8000 | 16000 => (codec === 'G722' ? 16_000 : 8000);

export class Baresip {
  readonly port: number;
  readonly events: BaresipEvent[] = [];
  readonly #folder: string;
  readonly #child: ChildProcess;
  #control: Socket | undefined;
  #buffer = '';
  #token = 0;
  #printed = '';

  private constructor(folder: string, port: number, child: ChildProcess) {
    this.#folder = folder;
    this.port = port;
    this.#child = child;
    const collect = (bytes: Buffer) => (this.#printed = (this.#printed + bytes.toString().replace(STATUS_LINE, '')).slice(-20_000));
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
  }

  static async start(options: BaresipOptions): Promise<Baresip> {
    const { user, codec = 'PCMU', tcp = false, answers = false, password } = options;
    const folder = await mkdtemp(join(tmpdir(), 'tandem-baresip-'));
    const port = await freeSipPortWithNeighbour();
    const controlPort = await freeSipPort();
    const wav = await writeWav(join(folder, 'says.wav'), options.says, rateOf(codec));
    await writeFile(join(folder, 'config'), configOf({ folder, port, controlPort, wav, rate: rateOf(codec) }));
    await writeFile(join(folder, 'contacts'), '');
    const account = [
      `<sip:${user}@127.0.0.1:${port}${tcp ? ';transport=tcp' : ''}>`,
      'regint=0',
      `audio_codecs=${codec}/${rateOf(codec)}/1`,
      `answermode=${answers ? 'auto' : 'manual'}`,
      ...(password === undefined ? [] : [`auth_user=${user}`, `auth_pass=${password}`]),
    ];
    await writeFile(join(folder, 'accounts'), `${account.join(';')}\n`);
    const child = spawn('baresip', ['-f', folder, '-s'], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: folder },
    });
    const phone = new Baresip(folder, port, child);
    try {
      await phone.#connect(controlPort);
      return phone;
    } catch (error) {
      await phone.stop();
      throw new Error(`baresip did not start:\n${phone.printed}`, { cause: error });
    }
  }

  /** What it printed lately, its SIP trace among it. */
  get printed(): string {
    return this.#printed;
  }

  command(command: string, params?: string): void {
    const text = JSON.stringify({ command, token: String(++this.#token), ...(params === undefined ? {} : { params }) });
    this.#control?.write(`${Buffer.byteLength(text)}:${text},`);
  }

  /** Resolves with the first event of this type, past or to come. */
  async event(type: string, withinMs = 15_000): Promise<BaresipEvent> {
    try {
      return await poll(() => this.events.find((event) => event.type === type), `baresip's ${type}`, withinMs);
    } catch (error) {
      throw new Error(
        `${(error as Error).message}; it has ${this.events.map((event) => event.type).join(' ')}\n${this.printed.slice(-4_000)}`,
        { cause: error },
      );
    }
  }

  /** Dials and waits for the answer. */
  async dial(uri: string): Promise<void> {
    this.command('dial', uri);
    await this.event('CALL_ESTABLISHED');
  }

  /** Presses keys as a person does; each one is let go. */
  async press(digits: string, gapMs = 250): Promise<void> {
    for (const digit of digits) {
      this.command('sndcode', digit);
      await new Promise((resolve) => setTimeout(resolve, gapMs));
    }
  }

  async hangUp(): Promise<void> {
    this.command('hangup');
    await this.event('CALL_CLOSED');
  }

  /** What it heard in its only call, complete once the call is closed. */
  async heard(): Promise<{ samples: Int16Array; rate: number }> {
    await this.event('CALL_CLOSED');
    const name = await poll(
      async () => (await readdir(this.#folder)).find((file) => /^dump-.*-dec\.wav$/.test(file)),
      'what baresip heard',
    );
    return readSound(join(this.#folder, name));
  }

  async stop(): Promise<void> {
    const gone = new Promise<void>((resolve) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) resolve();
      else this.#child.once('exit', () => resolve());
    });
    this.command('quit');
    const stubborn = setTimeout(() => this.#child.kill('SIGKILL'), 3_000);
    if (!this.#control) this.#child.kill('SIGKILL');
    await gone;
    clearTimeout(stubborn);
    this.#control?.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #connect(port: number): Promise<void> {
    this.#control = await poll(
      () =>
        new Promise<Socket | undefined>((resolve) => {
          const socket = connect(port, '127.0.0.1', () => resolve(socket));
          socket.once('error', () => resolve(undefined));
        }),
      'the control port of baresip',
      5_000,
    );
    this.#control.setEncoding('utf8');
    this.#control.on('data', (text) => this.#read(String(text)));
    this.#control.on('error', () => {});
  }

  /** Netstrings: length in bytes, colon, JSON, comma. baresip's are ASCII. */
  #read(text: string): void {
    this.#buffer += text;
    for (;;) {
      const colon = this.#buffer.indexOf(':');
      const length = Number(this.#buffer.slice(0, colon));
      if (colon < 0 || this.#buffer.length < colon + length + 2) return;
      const message = JSON.parse(this.#buffer.slice(colon + 1, colon + 1 + length)) as BaresipEvent & { event?: boolean };
      this.#buffer = this.#buffer.slice(colon + length + 2);
      if (message.event) this.events.push(message);
    }
  }
}

/** A free port for SIP, whose neighbour (TLS) is free, too. */
async function freeSipPortWithNeighbour(): Promise<number> {
  for (;;) {
    const port = await freeSipPort();
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer();
      probe.once('error', () => resolve(false));
      probe.listen(port + 1, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

function configOf({
  folder,
  port,
  controlPort,
  wav,
  rate,
}: {
  folder: string;
  port: number;
  controlPort: number;
  wav: string;
  rate: number;
}): string {
  const rtp = 30_000 + 2 * Math.floor(Math.random() * 15_000);
  return [
    'poll_method epoll',
    `sip_listen 127.0.0.1:${port}`,
    'call_local_timeout 120',
    'call_max_calls 4',
    `audio_source aufile,${wav}`,
    `audio_player aubridge,sink${port}`,
    `audio_alert aubridge,alert${port}`,
    `ausrc_srate ${rate}`,
    `auplay_srate ${rate}`,
    'ausrc_channels 1',
    'auplay_channels 1',
    'audio_level no',
    'audio_buffer 20-160',
    `rtp_ports ${rtp}-${rtp + 998}`,
    'rtp_stats yes',
    'rtp_timeout 60',
    'jitter_buffer_type fixed',
    'jitter_buffer_delay 1-5',
    'net_interface 127.0.0.1',
    `snd_path ${folder}`,
    `module_path ${MODULE_FOLDERS.find((path) => existsSync(path)) ?? MODULE_FOLDERS[0]}`,
    ...['g711', 'g722', 'aubridge', 'aufile', 'sndfile'].map((name) => `module ${name}.so`),
    'module_tmp uuid.so',
    'module_tmp account.so',
    'module_app menu.so',
    'module_app ctrl_tcp.so',
    `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
    '',
  ].join('\n');
}
