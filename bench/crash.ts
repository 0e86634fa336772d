/**
 * `kill -9` in the middle of calls, again and again, on one data folder.
 *
 *   npm run bench -- crash [--kills 20] [--calls 20]
 *
 * An event is acknowledged when it was shown outside (live feed or REST) before the kill. Goals: none of them is lost,
 * every call is closed, every recording plays and lacks at most 1 s of what was spoken (until the call's last event, and
 * until the kill).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CrashRound, crashOnce, startForCrashes } from './load/crash-round.ts';
import { median, percentile, publish } from './results.ts';

const { values } = parseArgs({ options: { kills: { type: 'string', default: '20' }, calls: { type: 'string', default: '20' } } });
const kills = Number(values.kills);
const calls = Number(values.calls);
/** The kill comes at a random moment within so long after all calls are up. */
const WITHIN_MS = 6_000;

const dataFolder = await mkdtemp(join(tmpdir(), 'tandem-crash-'));
const rounds: CrashRound[] = [];
let server = await startForCrashes(dataFolder);
try {
  while (rounds.length < kills) {
    const { round, next } = await crashOnce(server, calls, Math.random() * WITHIN_MS);
    server = next;
    rounds.push(round);
    const { eventsShown, eventsLost, callsDied, callsOpen, recordingsBroken, soundLost, restartMs } = round;
    console.log(
      `kill ${rounds.length}: ${eventsShown} events shown, ${eventsLost} lost; ${callsDied} of ${calls} calls closed as process-died, ${callsOpen} open; ` +
        `${recordingsBroken} recordings broken, at most ${Math.round(Math.max(0, ...soundLost.map(({ toKillMs }) => toKillMs)))} ms lost; back after ${Math.round(restartMs)} ms`,
    );
  }
} finally {
  await server.stop();
  await rm(dataFolder, { recursive: true, force: true });
}

const sum = (read: (round: CrashRound) => number) => rounds.reduce((total, round) => total + read(round), 0);
const lost = rounds.flatMap(({ soundLost }) => soundLost);
const toEvent = lost.map(({ toEventMs }) => toEventMs);
const toKill = lost.map(({ toKillMs }) => toKillMs);
const shown = sum(({ eventsShown }) => eventsShown);
publish(
  'crash',
  { kills, calls, signal: 'SIGKILL', moment: `random, within ${WITHIN_MS} ms after all calls are up`, database: 'embedded (PGlite)' },
  [
    { name: 'kills', value: rounds.length, unit: '', n: rounds.length },
    { name: 'events_shown', value: shown, unit: '', n: rounds.length },
    { name: 'events_lost', value: sum(({ eventsLost }) => eventsLost), unit: '', n: shown, goal: 0 },
    { name: 'calls_left_open', value: sum(({ callsOpen }) => callsOpen), unit: '', n: kills * calls, goal: 0 },
    { name: 'recordings_broken', value: sum(({ recordingsBroken }) => recordingsBroken), unit: '', n: kills * calls, goal: 0 },
    { name: 'recording_lost_max_ms', value: Math.max(0, ...toEvent), unit: 'ms', n: lost.length, goal: 1_000 },
    { name: 'recording_lost_to_kill_p50_ms', value: median(toKill), unit: 'ms', n: lost.length },
    { name: 'recording_lost_to_kill_p99_ms', value: percentile(toKill, 0.99), unit: 'ms', n: lost.length, goal: 1_000 },
    { name: 'recording_lost_to_kill_max_ms', value: Math.max(0, ...toKill), unit: 'ms', n: lost.length, goal: 1_000 },
    { name: 'restart_p50_ms', value: median(rounds.map(({ restartMs }) => restartMs)), unit: 'ms', n: rounds.length },
    { name: 'restart_max_ms', value: Math.max(...rounds.map(({ restartMs }) => restartMs)), unit: 'ms', n: rounds.length },
  ],
  { rounds },
);
