/**
 * Sockets to providers, which run in a process of their own: sound to a transcriber and its results back, speech from a
 * synthesizer, words from a language model. On loopback the sender of a packet also pays for its way up the receiver's stack.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Frame } from '../../server/src/audio/frame.ts';
import { MULAW_SILENCE } from '../../server/src/audio/frame.ts';
import { systemKit } from '../../server/src/kit/kit.ts';
import { CartesiaSynthesizer } from '../../server/src/models/cartesia/synthesizer.ts';
import { DeepgramTranscriber } from '../../server/src/models/deepgram/transcriber.ts';
import { OpenAiLanguageModel } from '../../server/src/models/openai/language-model.ts';
import type { TranscriptionStream } from '../../server/src/models/transcriber.ts';
import { speech } from '../load/voice.ts';
import { cpuUs, settle } from './meter.ts';

const FRAME = 160;
const CYCLE_FRAMES = 190;
const TALK_FRAMES = 60;
/** One turn in ten seconds, of this length. */
const TURN_FRAMES = 500;
/** On a busy machine the providers' process is slow: that is not what is measured. */
const PATIENT = { connectMs: 60_000, firstMs: 60_000, betweenMs: 60_000 };
const SAYING = 'It is on the left side of the road, next to the old station and the market, and it opens at nine every morning in summer.';

export class ProviderStages {
  readonly #kit = systemKit('error');
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #transcriber: DeepgramTranscriber;
  readonly #model: OpenAiLanguageModel;
  readonly #voice: CartesiaSynthesizer;
  readonly #calls: number;
  #streams: TranscriptionStream[] = [];
  #at = 0;
  /** What came back, so that a stage that silently does nothing is noticed. */
  readonly told = { partials: 0, finals: 0, failures: 0, parts: 0 };

  private constructor(calls: number, child: ChildProcess, folder: string, urls: Record<string, string>, key: string) {
    this.#calls = calls;
    this.#child = child;
    this.#folder = folder;
    this.#transcriber = new DeepgramTranscriber(this.#kit, {
      apiKey: key,
      baseUrl: urls.deepgram,
      model: 'flux-general-en',
      endOfTurn: 0.7,
      eager: 0.4,
    });
    this.#model = new OpenAiLanguageModel(this.#kit, {
      apiKey: key,
      baseUrl: `${urls.openai}/v1`,
      model: 'gpt-4.1-mini',
      deadlines: PATIENT,
    });
    const voice = '6ccbfb76-1fc6-48f7-b71d-91ac6298247b';
    this.#voice = new CartesiaSynthesizer(this.#kit, {
      apiKey: key,
      baseUrl: urls.cartesia,
      model: 'sonic-3',
      voice,
      deadlines: { connectMs: 60_000, firstMs: 60_000, nextMs: 60_000 },
    });
  }

  static async open(calls: number): Promise<ProviderStages> {
    const folder = await mkdtemp(join(tmpdir(), 'tandem-frame-'));
    const plan = join(folder, 'providers.json');
    const scenario = { seed: 1, heard: [{ text: 'Where is the old red house?' }], answers: [{ say: SAYING }], msPerCharacter: 60 };
    await writeFile(plan, JSON.stringify({ log: '/dev/null', scenario }));
    const file = fileURLToPath(new URL('../turns/provider-process.ts', import.meta.url));
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, plan], { stdio: ['ignore', 'pipe', 'inherit'] });
    const line = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes('\n')) resolve(text);
      });
      child.once('exit', (code) => reject(new Error(`the providers ended with ${code}`)));
    });
    const { urls, key } = JSON.parse(line) as { urls: Record<string, string>; key: string };
    const stages = new ProviderStages(calls, child, folder, urls, key);
    await stages.#listen();
    return stages;
  }

  /** Sound of all calls to the transcriber at its own pace, results back; CPU of so many frames of each, microseconds. */
  async hear(ticks: number): Promise<number> {
    const voice = speech(TALK_FRAMES * 20, 120);
    const quiet = new Uint8Array(FRAME).fill(MULAW_SILENCE);
    const frame: Frame = { at: 0, format: 'mulaw-8000', sound: quiet, concealed: false };
    let spent = 0;
    const begun = performance.now();
    for (let tick = 0; tick < ticks; tick++) {
      const from = cpuUs();
      frame.at = this.#at;
      for (let i = 0; i < this.#streams.length; i++) {
        const phase = (this.#at / 20 + i * 61) % CYCLE_FRAMES;
        frame.sound = phase < TALK_FRAMES ? voice.subarray(phase * FRAME, (phase + 1) * FRAME) : quiet;
        this.#streams[i].push(frame);
      }
      this.#at += 20;
      await settle();
      spent += cpuUs() - from;
      const rest = begun + (tick + 1) * 20 - performance.now();
      const idle = cpuUs();
      if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
      spent += cpuUs() - idle;
    }
    return spent;
  }

  /** Nothing more is said: a transcriber that gets no sound gives up after a while. */
  hangUp(): void {
    for (const stream of this.#streams.splice(0)) stream.close();
  }

  /** Speech of one clause for each call; CPU by frame of sound, microseconds. */
  async speak(): Promise<number> {
    const signal = new AbortController().signal;
    const from = cpuUs();
    const samples = await Promise.all(
      Array.from({ length: this.#calls }, async () => {
        let count = 0;
        for await (const { sound } of this.#voice.speak({ text: SAYING, voice: '', language: 'en', format: 'mulaw-8000', signal })) {
          count += sound.length;
          this.told.parts++;
        }
        return count;
      }),
    );
    return (cpuUs() - from) / (samples.reduce((sum, count) => sum + count, 0) / FRAME);
  }

  /** One answer for each call; CPU by frame of a call that takes a turn in ten seconds, microseconds. */
  async think(): Promise<number> {
    const signal = new AbortController().signal;
    const from = cpuUs();
    await Promise.all(
      Array.from({ length: this.#calls }, async () => {
        const request = {
          system: 'Be brief.',
          instructions: 'Be brief.',
          messages: [{ role: 'user', text: 'Where is it?' }],
          passages: [],
          tools: [],
        };
        for await (const part of this.#model.generate({ ...request, maxTokens: 300, temperature: 0, signal } as never)) {
          if (part.type === 'text') this.told.parts++;
        }
      }),
    );
    return (cpuUs() - from) / this.#calls / TURN_FRAMES;
  }

  async close(): Promise<void> {
    this.hangUp();
    await Promise.all([this.#transcriber.close(), this.#voice.close()]);
    this.#model.close();
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await exited;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #listen(): Promise<void> {
    for (let i = 0; i < this.#calls; i++) {
      this.#streams.push(
        this.#transcriber.open({
          format: 'mulaw-8000',
          language: 'en',
          phrases: [],
          listener: {
            partial: () => this.told.partials++,
            final: () => this.told.finals++,
            failed: () => this.told.failures++,
          },
        }),
      );
      if (i % 25 === 24) await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}
