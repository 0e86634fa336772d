/**
 * The session of @livekit/agents with its own plug-ins for Deepgram Flux, OpenAI and Cartesia and its bundled Silero, tied to
 * the carrier's stream here: no room, no LiveKit server, no SIP bridge, whose cost would come on top. Sound is 8 kHz throughout
 * and goes to the carrier as it comes. Turns end when Flux says so; answers are begun at its eager end of turn.
 *
 * argument: `once` for a process that serves one call. The packages are looked for in the folder that RIVALS_LIVEKIT names.
 */
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { ReadableStream, type ReadableStreamDefaultController } from 'node:stream/web';
import { WebSocket } from 'ws';
import { linearToMulaw, mulawToLinear } from '../../server/src/audio/g711.ts';
import { type CarrierMessage, openFront, setting, socketUrlOf } from './front.ts';

/** As much of the packages as is used: they are no dependency of this repository. */
interface AudioFrame {
  data: Int16Array;
  samplesPerChannel: number;
  sampleRate: number;
}
interface Session {
  input: { audio: unknown };
  output: { audio: unknown };
  start(options: object): Promise<void>;
  say(text: string): unknown;
  close(): Promise<void>;
  on(event: string, take: (told: { error?: unknown }) => void): void;
}
interface AudioInputBase {
  multiStream: { addInputStream(stream: ReadableStream<AudioFrame>): unknown };
}
interface AudioOutputBase {
  captureFrame(frame: AudioFrame): Promise<void>;
  flush(): void;
  onPlaybackStarted(at: number): void;
  onPlaybackFinished(told: { playbackPosition: number; interrupted: boolean }): void;
}
interface Agents {
  llm: { tool(options: object): object };
  initializeLogger(options: { pretty: boolean; level: string }): void;
  voice: {
    Agent: new (options: object) => object;
    AgentSession: new (options: object) => Session;
    AudioInput: new () => AudioInputBase;
    AudioOutput: new (rate: number, next: undefined, capabilities: { pause: boolean }) => AudioOutputBase;
  };
}
type Model = new (options: object) => object;

const RATE = 8_000;
const require = createRequire(join(setting('RIVALS_LIVEKIT'), 'package.json'));
const agents = require('@livekit/agents') as Agents;
const { voice, llm } = agents;
const rtc = require('@livekit/rtc-node') as {
  AudioFrame: new (data: Int16Array, rate: number, channels: number, samples: number) => AudioFrame;
};
const deepgram = require('@livekit/agents-plugin-deepgram') as { STTv2: Model };
const openai = require('@livekit/agents-plugin-openai') as { LLM: Model };
const cartesia = require('@livekit/agents-plugin-cartesia') as { TTS: Model };
agents.initializeLogger({ pretty: false, level: 'error' });

class CarrierInput extends voice.AudioInput {
  #controller: ReadableStreamDefaultController<AudioFrame> | undefined;

  constructor() {
    super();
    this.multiStream.addInputStream(new ReadableStream<AudioFrame>({ start: (controller) => void (this.#controller = controller) }));
  }

  push(payload: string): void {
    const bytes = Buffer.from(payload, 'base64');
    const samples = new Int16Array(bytes.length);
    mulawToLinear(bytes, samples);
    this.#controller?.enqueue(new rtc.AudioFrame(samples, RATE, 1, samples.length));
  }
}

class CarrierOutput extends voice.AudioOutput {
  readonly #tell: (message: object) => void;
  #pushedMs = 0;
  #startedAt = 0;
  #segment = 0;
  /** A whole segment is with the carrier, which has not played it to its end. */
  #playing: PromiseWithResolvers<void> | undefined;

  constructor(tell: (message: object) => void) {
    super(RATE, undefined, { pause: false });
    this.#tell = tell;
  }

  override async captureFrame(frame: AudioFrame): Promise<void> {
    await this.#playing?.promise;
    await super.captureFrame(frame);
    if (this.#pushedMs === 0) {
      this.#startedAt = Date.now();
      this.onPlaybackStarted(this.#startedAt);
    }
    this.#pushedMs += (frame.samplesPerChannel * 1_000) / frame.sampleRate;
    const bytes = Buffer.alloc(frame.data.length);
    linearToMulaw(frame.data, bytes);
    this.#tell({ event: 'media', media: { payload: bytes.toString('base64') } });
  }

  override flush(): void {
    super.flush();
    if (this.#pushedMs === 0) return;
    this.#playing ??= Promise.withResolvers();
    this.#tell({ event: 'mark', mark: { name: String(++this.#segment) } });
  }

  /** The carrier has played everything before the mark; those of what was thrown away come back, too. */
  played(mark: string | undefined): void {
    if (mark === String(this.#segment)) this.#finish(false);
  }

  clearBuffer(): void {
    this.#tell({ event: 'clear' });
    this.#segment++;
    this.#finish(true);
  }

  #finish(interrupted: boolean): void {
    if (this.#pushedMs === 0) return;
    const playedMs = interrupted ? Math.min(Date.now() - this.#startedAt, this.#pushedMs) : this.#pushedMs;
    this.#pushedMs = 0;
    this.#playing?.resolve();
    this.#playing = undefined;
    this.onPlaybackFinished({ playbackPosition: playedMs / 1_000, interrupted });
  }
}

/** Without any tool its plug-in asks with an empty list, which the local provider refuses. */
const look = llm.tool({
  description: 'Looks for a place by its name.',
  parameters: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'], additionalProperties: false },
  execute: () => Promise.resolve('It is on the left side of the road.'),
});

const makeSession = (): Session =>
  new voice.AgentSession({
    stt: new deepgram.STTv2({
      apiKey: setting('DEEPGRAM_API_KEY'),
      endpointUrl: `${socketUrlOf(setting('DEEPGRAM_BASE_URL'))}/v2/listen`,
      sampleRate: RATE,
      eagerEotThreshold: 0.5,
    }),
    llm: new openai.LLM({ model: 'gpt-4.1-mini', apiKey: setting('OPENAI_API_KEY'), baseURL: setting('OPENAI_BASE_URL') }),
    tts: new cartesia.TTS({
      apiKey: setting('CARTESIA_API_KEY'),
      baseUrl: setting('CARTESIA_BASE_URL'),
      model: 'sonic-3',
      voice: randomUUID(),
      sampleRate: RATE,
    }),
    userAwayTimeout: null,
    aecWarmupDuration: null,
    turnHandling: {
      turnDetection: 'stt',
      endpointing: { minDelay: 0 },
      interruption: { mode: 'vad', minDuration: 200 },
      preemptiveGeneration: { enabled: true, preemptiveTts: true },
    },
  });

async function serve(carrier: WebSocket): Promise<void> {
  let streamSid = '';
  const input = new CarrierInput();
  const output = new CarrierOutput((message) => {
    if (carrier.readyState === WebSocket.OPEN) carrier.send(JSON.stringify({ ...message, streamSid }));
  });
  const session = makeSession();
  carrier.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as CarrierMessage;
    if (message.event === 'start') streamSid = message.start?.streamSid ?? '';
    else if (message.event === 'media' && message.media) input.push(message.media.payload);
    else if (message.event === 'mark') output.played(message.mark?.name);
    else if (message.event === 'stop') carrier.close();
  });
  carrier.on('close', () => {
    void session.close().finally(() => process.argv[2] === 'once' && process.exit(0));
  });
  session.on('error', ({ error }) => console.error('livekit', error));
  session.input.audio = input;
  session.output.audio = output;
  await session.start({ agent: new voice.Agent({ instructions: 'You help callers to find their way.', tools: { look } }), record: false });
  session.say('Hello, how may I help you?');
}

openFront({
  call: (carrier) => {
    serve(carrier).catch((error: unknown) => {
      console.error('livekit', error);
      carrier.close();
    });
  },
});
