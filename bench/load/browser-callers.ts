/**
 * A process of browsers: calls over the browser's WebSocket protocol (contract/src/talk.ts), every other one to the media
 * port and every other one relayed through the office's port. Each sends silence at the speed of speech and takes note of
 * when the frames of the assistant's voice arrive. Prints one JSON line.
 *
 * arguments: {"url":"http://127.0.0.1:3000","assistant":"reader","calls":10,"seconds":30}; `calls` of each kind
 */
import type { TalkSession, TalkToBrowser } from '@tandem/contract';
import { WebSocket } from 'ws';

interface Plan {
  url: string;
  assistant: string;
  calls: number;
  seconds: number;
}

/** Milliseconds that each frame came later than the pace of the quickest one in the second up to it foretold, by way. */
export interface FramesHeard {
  own: number[];
  relayed: number[];
}

const plan = JSON.parse(process.argv[2]) as Plan;
const FRAME_MS = 20;
const SILENT_FRAME = Buffer.alloc(640);
/** Frames after the answer that are not looked at: the code paths warm up. */
const FIRST_FRAMES = 50;
/** One second: frames that the server skipped shift the pace, and must not make all that follow late. */
const PACE_FRAMES = 50;

interface Listener {
  way: keyof FramesHeard;
  socket: WebSocket;
  arrivals: number[];
  answered: Promise<void>;
}

async function dial(way: keyof FramesHeard): Promise<Listener> {
  const response = await fetch(`${plan.url}/gateways/browser/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ assistant: plan.assistant }),
  });
  if (response.status !== 201) throw new Error(`no session: ${response.status} ${await response.text()}`);
  const { token, url } = (await response.json()) as TalkSession;
  const socket = new WebSocket(way === 'own' ? url : `${plan.url.replace(/^http/, 'ws')}/gateways/browser`, { perMessageDeflate: false });
  const answered = Promise.withResolvers<void>();
  const listener: Listener = { way, socket, arrivals: [], answered: answered.promise };
  socket.on('open', () => socket.send(JSON.stringify({ type: 'hello', token, recognises: false })));
  socket.on('error', answered.reject);
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) {
      listener.arrivals.push(performance.now());
      return;
    }
    const message = JSON.parse(data.toString('utf8')) as TalkToBrowser;
    if (message.type === 'answered') answered.resolve();
    if (message.type === 'refused') answered.reject(new Error(message.message));
  });
  return listener;
}

const listeners: Listener[] = [];
for (let i = 0; i < 2 * plan.calls; i++) listeners.push(await dial(i % 2 === 0 ? 'own' : 'relayed'));
await Promise.all(listeners.map(({ answered }) => answered));
process.stderr.write('up\n');

const startedAt = performance.now();
for (let step = 1; step * FRAME_MS < plan.seconds * 1000; step++) {
  for (const { socket } of listeners) socket.send(SILENT_FRAME);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, startedAt + step * FRAME_MS - performance.now())));
}

function lateness(arrivals: readonly number[]): number[] {
  const offsets = arrivals.slice(FIRST_FRAMES).map((at, index) => at - index * FRAME_MS);
  return offsets.map((offset, index) => {
    const quickest = Math.min(...offsets.slice(Math.max(0, index - PACE_FRAMES), index + 1));
    return Math.round((offset - quickest) * 100) / 100;
  });
}

const heard: FramesHeard = { own: [], relayed: [] };
for (const { way, arrivals, socket } of listeners) {
  heard[way].push(...lateness(arrivals));
  socket.terminate();
}
process.stdout.write(`${JSON.stringify(heard)}\n`);
