/**
 * One crash: SIP callers are in the middle of their calls, the server is killed with SIGKILL and started again on the
 * same data folder. What had been shown outside (live feed, REST) must be there afterwards, every call must have its
 * ending, every recording must play.
 */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';
import type { Call, CallEvent } from '@tandem/contract';
import { readRecording } from '../../server/test/interop/recorded-call.ts';
import { addScriptedAssistant, scriptedModels } from '../../server/test/interop/scripted-assistant.ts';
import { ADMIN_KEY, startTandem, type TandemServer } from '../../server/test/tandem-server.ts';
import { keep, LiveWatch, type Shown } from './live-watch.ts';

const CALLERS = fileURLToPath(new URL('./sip-callers.ts', import.meta.url));
const USER = 'crash';
const PER_SECOND = 20;
const POLL_MS = 200;
const CLOSED_WITHIN_MS = 20_000;

export interface CrashRound {
  calls: number;
  /** From the last answer to the kill. */
  killAfterMs: number;
  /** Events that had been shown outside before the kill, and those of them that are missing or different after it. */
  eventsShown: number;
  eventsLost: number;
  /** Calls without an ending after the restart; those ended as `process-died`. */
  callsOpen: number;
  callsDied: number;
  /** Recordings that cannot be read, and how much of each of the others is missing at its end. */
  recordingsBroken: number;
  soundLost: SoundLost[];
  /** From spawn to a ready server. */
  restartMs: number;
}

/** Milliseconds between the end of a recording and the call's last event, and the kill. Frames that a starved machine skipped count in both. */
export interface SoundLost {
  toEventMs: number;
  toKillMs: number;
}

const SETTINGS = { ...scriptedModels('when are you open', 'We are open from nine to five.'), LOG_LEVEL: 'warn' };

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server with an assistant that answers the callers. Its data folder stays when it is killed: the caller removes it. */
export async function startForCrashes(dataFolder: string): Promise<TandemServer> {
  const server = await startTandem({ dataFolder, env: SETTINGS });
  await addScriptedAssistant(server, { slug: USER, address: USER, greeting: 'Hello, you have called us.' });
  return server;
}

/** Kills `server` in the middle of `calls` calls, `killAfterMs` after they are all up. Answers the server that follows it. */
export async function crashOnce(
  server: TandemServer,
  calls: number,
  killAfterMs: number,
): Promise<{ round: CrashRound; next: TandemServer }> {
  const plan = JSON.stringify({ server: `127.0.0.1:${server.sipPort}`, user: USER, calls, seconds: 120, perSecond: PER_SECOND });
  const shown: Shown = new Map();
  const live = new LiveWatch(server.url, ADMIN_KEY, shown);
  await live.open();
  const callers = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CALLERS, plan], { stdio: 'ignore' });
  let killedAt: number;
  try {
    const ids = await server.until<{ items: Call[] }, string[]>(
      '/api/v1/calls?state=live&limit=200',
      ({ items }) => items.length === calls && items.map(({ id }) => id),
      30_000,
    );
    await lookUntil(server, ids, shown, performance.now() + killAfterMs);
    killedAt = Date.now();
    await server.stop('SIGKILL');
  } finally {
    live.close();
    callers.kill('SIGKILL');
  }
  const before = performance.now();
  const next = await startTandem({ dataFolder: server.dataFolder, env: SETTINGS });
  const restartMs = performance.now() - before;
  const round = { ...(await judge(next, shown, killedAt)), calls, killAfterMs, restartMs };
  return { round, next };
}

/** Reads events over REST, call by call, until it is time to kill; an answer counts once it is here. */
async function lookUntil(server: TandemServer, ids: readonly string[], shown: Shown, end: number): Promise<void> {
  const turn = async (callId: string) => {
    const known = Math.max(-1, ...(shown.get(callId)?.keys() ?? []));
    const { items } = await server.api<{ items: CallEvent[] }>(`/api/v1/calls/${callId}/events?after=${Math.max(-1, known - 5)}`);
    keep(shown, items);
  };
  for (let i = 0; performance.now() < end; i++) {
    await turn(ids[i % ids.length]).catch(() => {});
    await pause(Math.max(0, Math.min(POLL_MS, end - performance.now())));
  }
}

async function judge(
  server: TandemServer,
  shown: Shown,
  killedAt: number,
): Promise<Omit<CrashRound, 'calls' | 'killAfterMs' | 'restartMs'>> {
  const verdict = { eventsShown: 0, eventsLost: 0, callsOpen: 0, callsDied: 0, recordingsBroken: 0, soundLost: [] as SoundLost[] };
  for (const [callId, events] of shown) {
    const call = await server
      .until<Call, Call>(`/api/v1/calls/${callId}`, (one) => (one.ending ? one : false), CLOSED_WITHIN_MS)
      .catch(() => undefined);
    if (!call) verdict.callsOpen++;
    else if (call.ending?.by === 'system' && call.ending.reason === 'process-died') verdict.callsDied++;
    const stored = call ? await allEvents(server, callId) : [];
    const bySeq = new Map(stored.map((event) => [event.seq, event]));
    verdict.eventsShown += events.size;
    for (const event of events.values()) if (!isDeepStrictEqual(bySeq.get(event.seq), event)) verdict.eventsLost++;
    if (!call) continue;
    const lost = await lostSound(server, call, stored, killedAt);
    if (lost === undefined) verdict.recordingsBroken++;
    else verdict.soundLost.push(lost);
  }
  return verdict;
}

async function allEvents(server: TandemServer, callId: string): Promise<CallEvent[]> {
  const events: CallEvent[] = [];
  for (let after: number | undefined = -1; after !== undefined; ) {
    const page: { items: CallEvent[]; nextAfter?: number } = await server.api(`/api/v1/calls/${callId}/events?after=${after}`);
    events.push(...page.items);
    after = page.nextAfter;
  }
  return events;
}

/** Undefined when the recording is not there or is no sound. `killedAt` is wall time. */
async function lostSound(server: TandemServer, call: Call, events: readonly CallEvent[], killedAt: number): Promise<SoundLost | undefined> {
  const from = events.find(({ type }) => type === 'recording-started')?.at;
  if (from === undefined) return { toEventMs: 0, toKillMs: 0 }; // the kill came before the answer
  try {
    const path = join(server.dataFolder, 'recordings', call.businessId, `${call.id}.wav`);
    const { durationMs } = readRecording(new Uint8Array(await readFile(path)));
    const end = from + durationMs;
    const last = Math.max(...events.map(({ at }) => at));
    return { toEventMs: Math.max(0, last - end), toKillMs: Math.max(0, killedAt - Date.parse(call.startedAt) - end) };
  } catch {
    return undefined;
  }
}
