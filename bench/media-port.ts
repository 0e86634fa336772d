/**
 * The media port: sound to browsers on the call thread's own port against sound relayed through the office's port, with
 * the office idle and with the office busy answering the API. Both kinds of call run at the same time in one process of
 * callers, so the machine's own noise is in both figures.
 *
 *   npm run bench -- media-port [--calls 5] [--seconds 30] [--readers 4] [--runs 3]
 *
 * Lateness of a frame = arrival - what the pace of the quickest frame in the second up to it foretold.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { addScriptedAssistant, scriptedModels } from '../server/test/interop/scripted-assistant.ts';
import { ADMIN_KEY, startTandem, type TandemServer } from '../server/test/tandem-server.ts';
import type { FramesHeard } from './load/browser-callers.ts';
import { type Figure, median, percentile, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '30' },
    readers: { type: 'string', default: '4' },
    runs: { type: 'string', default: '3' },
  },
});
const calls = Number(values.calls);
const seconds = Number(values.seconds);
const readers = Number(values.readers);
const runs = Number(values.runs);
/** Spoken by the scripted voice at 60 ms a character: 34 s without a pause. */
const READING = 'and on and on the reader reads '.repeat(19).trim().slice(0, 570);
const PAST_CALLS = 200;

function start(file: string, plan: object): { child: ChildProcess; out: Promise<string> } {
  const path = fileURLToPath(new URL(`./load/${file}`, import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  let complaints = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const out = once(child, 'exit').then(([code]) => {
    if (code !== 0) throw new Error(`${file} failed: ${complaints}`);
    return text;
  });
  return { child, out };
}

/** So that a page of 200 calls is one. */
async function makeHistory(server: TandemServer): Promise<void> {
  await start('sip-callers.ts', { server: `127.0.0.1:${server.sipPort}`, user: 'reader', calls: PAST_CALLS, seconds: 1, perSecond: 50 })
    .out;
  await server.until<{ items: unknown[] }, true>('/api/v1/calls?limit=200&state=ended', ({ items }) => items.length === PAST_CALLS, 60_000);
}

/** Of the office's event loop, as its own metrics tell it. */
async function officeDelayMs(server: TandemServer): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const seconds = /^tandem_office_loop_delay_p99_seconds(?:\{[^}]*\})? (\S+)$/m.exec(metrics)?.[1];
  if (seconds === undefined) throw new Error('the metrics tell no loop delay of the office');
  return Number(seconds) * 1000;
}

interface Run extends FramesHeard {
  answers: Record<string, number>;
  officeDelayP99Ms: number;
}

async function measure(server: TandemServer, busy: boolean): Promise<Run> {
  const load = busy ? start('api-readers.ts', { url: server.url, key: ADMIN_KEY, readers }) : undefined;
  const callers = start('browser-callers.ts', { url: server.url, assistant: 'reader', calls, seconds });
  const heard = JSON.parse(await callers.out) as FramesHeard;
  const officeDelayP99Ms = await officeDelayMs(server);
  load?.child.kill('SIGTERM');
  const answers = load ? (JSON.parse(await load.out) as Record<string, number>) : {};
  await server.until<{ items: unknown[] }, true>('/api/v1/calls?state=live', ({ items }) => items.length === 0, 30_000);
  return { ...heard, answers, officeDelayP99Ms };
}

const server = await startTandem({
  env: { ...scriptedModels('are you open today too', 'We are open.'), LOG_LEVEL: 'warn', TANDEM_MAX_CALLS: '2000' },
});
const idle: Run[] = [];
const busy: Run[] = [];
try {
  await addScriptedAssistant(server, { slug: 'reader', address: 'reader', greeting: READING });
  await makeHistory(server);
  for (let run = 1; run <= runs; run++) {
    console.log(`run ${run} of ${runs}: office idle …`);
    idle.push(await measure(server, false));
    console.log(`run ${run} of ${runs}: office busy …`);
    busy.push(await measure(server, true));
  }
} finally {
  await server.stop();
}

function figuresOf(state: string, way: keyof FramesHeard, all: Run[]): Figure[] {
  const late = all.flatMap((run) => run[way]);
  const n = late.length;
  const at = (name: string) => `${way}_port_${state}_${name}`;
  return [
    { name: at('late_p50_ms'), value: percentile(late, 0.5), unit: 'ms', n },
    { name: at('late_p99_ms'), value: percentile(late, 0.99), unit: 'ms', n },
    { name: at('late_max_ms'), value: late.reduce((most, ms) => Math.max(most, ms), 0), unit: 'ms', n },
  ];
}

const answered = busy.reduce((sum, { answers }) => sum + (answers[200] ?? 0), 0);
publish(
  'media-port',
  {
    calls: `${calls} on the media port and ${calls} relayed through the office, at the same time`,
    seconds,
    runs,
    office_busy: `${readers} readers of /api/v1/calls?limit=200, /openapi.json and /api/v1/documents without a pause, in a process of their own`,
    sound: '16 kHz linear, 20 ms frames both ways, browser protocol',
  },
  [
    ...figuresOf('idle', 'own', idle),
    ...figuresOf('idle', 'relayed', idle),
    ...figuresOf('busy', 'own', busy),
    ...figuresOf('busy', 'relayed', busy),
    { name: 'office_loop_delay_busy_p99_ms', value: median(busy.map(({ officeDelayP99Ms }) => officeDelayP99Ms)), unit: 'ms', n: runs },
    { name: 'office_requests_per_second', value: answered / (runs * seconds), unit: '1/s', n: answered },
  ],
  { idle, busy },
);
