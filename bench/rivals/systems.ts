/** What is compared: each starts as its users start it, answers the same webhook, and asks the same local providers. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startTandem, type TandemServer } from '../../server/test/tandem-server.ts';

export interface Running {
  pid: number;
  /** Its voice webhook is `/gateways/twilio/voice` below it. */
  url: string;
  stop(): Promise<void>;
}

export interface System {
  name: string;
  /** Whose work it does: only those of a kind are compared. */
  kind: 'pipeline' | 'speech-to-speech';
  is: string;
  /** It does not take the callers' generated voices for voices: what it makes of interruptions is no figure. */
  deafToInterruptions?: true;
  /** Why it cannot run here; undefined when it can. */
  missing?: () => string | undefined;
  start(env: Record<string, string>): Promise<Running>;
}

export const carrier = {
  number: '+15550177',
  accountSid: `AC${'0123456789abcdef'.repeat(2)}`,
  authToken: 'the-auth-token-of-this-bench',
} as const;

const SNAPSHOT_MS = 3_000;
/** Packages of others that this repository does not depend on: a folder with a `node_modules`. */
const LIVEKIT_FOLDER = 'RIVALS_LIVEKIT';

const exitOf = (child: ChildProcess) => new Promise<void>((resolve) => child.once('exit', () => resolve()));

async function startTandemWith(env: Record<string, string>, assistant: object): Promise<Running> {
  const server: TandemServer = await startTandem({
    withinMs: 180_000,
    env: {
      ...env,
      TANDEM_OPENAI_REALTIME_MODEL: 'gpt-realtime',
      TANDEM_MAX_CALLS: '5000',
      TWILIO_ACCOUNT_SID: carrier.accountSid,
      TWILIO_AUTH_TOKEN: carrier.authToken,
      LOG_LEVEL: 'warn',
    },
  });
  const { id } = await server.api<{ id: string }>('/api/v1/assistants', {
    method: 'POST',
    body: {
      name: 'bench',
      slug: 'bench',
      greeting: 'Hello, how may I help you?',
      instructions: 'You help callers to find their way.',
      idleMs: 60_000,
      ...assistant,
    },
  });
  await server.api('/api/v1/numbers', { method: 'POST', body: { address: carrier.number, assistantId: id } });
  // What was just written reaches the call thread with the next snapshot.
  await new Promise((resolve) => setTimeout(resolve, SNAPSHOT_MS));
  return {
    pid: server.child.pid ?? 0,
    url: server.url,
    async stop() {
      for (const line of server.output().split('\n')) if (line.startsWith('{')) console.log(`  the server said: ${line.slice(0, 400)}`);
      await server.stop();
    },
  };
}

async function startProgram(file: string, args: readonly string[], env: Record<string, string>): Promise<Running> {
  const program = fileURLToPath(new URL(file, import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = exitOf(child);
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"url"')) resolve((JSON.parse(line) as { url: string }).url);
    });
    void exited.then(() => reject(new Error(`${file} ended while starting`)));
  });
  return {
    pid: child.pid ?? 0,
    url,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await exited;
    },
  };
}

function livekitMissing(): string | undefined {
  const folder = process.env[LIVEKIT_FOLDER];
  if (!folder) return `${LIVEKIT_FOLDER} names no folder with @livekit/agents and its plug-ins`;
  return existsSync(join(folder, 'node_modules/@livekit/agents'))
    ? undefined
    : `no @livekit/agents in the folder that ${LIVEKIT_FOLDER} names`;
}

const stages = { transcriber: 'deepgram', languageModel: 'openai', synthesizer: 'cartesia' };

export const systems: readonly System[] = [
  {
    name: 'tandem',
    kind: 'pipeline',
    is: 'Tandem: voice activity, Flux, chat completions, Cartesia, speculation, recording, journal, database, metrics',
    start: (env) => startTandemWith(env, stages),
  },
  {
    name: 'pipeline',
    kind: 'pipeline',
    is: 'a pipeline by hand in one process, a timer of 20 ms a call for sound out',
    start: (env) => startProgram('./pipeline.ts', ['tick'], env),
  },
  {
    name: 'pipeline_burst',
    kind: 'pipeline',
    is: 'the same, sound passed to the carrier as it comes',
    start: (env) => startProgram('./pipeline.ts', ['burst'], env),
  },
  {
    name: 'pipeline_workers',
    kind: 'pipeline',
    is: 'the same with the timer, a process per call, four of them started ahead',
    start: (env) => startProgram('./workers.ts', ['./pipeline.ts', 'tick', 'once'], env),
  },
  {
    name: 'livekit',
    kind: 'pipeline',
    is: 'AgentSession of @livekit/agents with its Deepgram, OpenAI and Cartesia plug-ins, tied to the carrier by the bench; one process',
    deafToInterruptions: true,
    missing: livekitMissing,
    start: (env) => startProgram('./livekit.ts', [], env),
  },
  {
    name: 'livekit_workers',
    kind: 'pipeline',
    is: 'the same, a process per call as its jobs are, four of them started ahead',
    deafToInterruptions: true,
    missing: livekitMissing,
    start: (env) => startProgram('./workers.ts', ['./livekit.ts', 'once'], env),
  },
  {
    name: 'tandem_realtime',
    kind: 'speech-to-speech',
    is: 'Tandem with OpenAI Realtime: the session, its written words, recording, journal, database, metrics',
    start: (env) => startTandemWith(env, { ...stages, speechToSpeech: 'openai' }),
  },
  {
    name: 'realtime_bridge',
    kind: 'speech-to-speech',
    is: 'the usual bridge: a WebSocket of the carrier tied to one of the Realtime API, one process',
    start: (env) => startProgram('./realtime-bridge.ts', [], env),
  },
];
