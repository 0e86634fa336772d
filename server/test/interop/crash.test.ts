/** A process that is killed in the middle of calls: nothing that had been shown is lost (`npm run bench -- crash` does it 20 times). */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { crashOnce, startForCrashes } from '../../../bench/load/crash-round.ts';
import type { TandemServer } from '../tandem-server.ts';

const CALLS = 5;
let dataFolder: string;
let server: TandemServer;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'tandem-crash-'));
  server = await startForCrashes(dataFolder);
});
afterAll(async () => {
  await server?.stop();
  await rm(dataFolder, { recursive: true, force: true });
});

test('kill -9 in the middle of calls: no event that was shown is lost, every call is closed, every recording plays', async () => {
  const { round, next } = await crashOnce(server, CALLS, 3_000);
  server = next;
  expect(round).toMatchObject({ eventsLost: 0, callsOpen: 0, callsDied: CALLS, recordingsBroken: 0 });
  // Call, answer, leg, recording, greeting and its words: at least so much was on the screen of each.
  expect(round.eventsShown).toBeGreaterThan(CALLS * 5);
  expect(round.soundLost).toHaveLength(CALLS);
  expect(Math.max(...round.soundLost.map(({ toEventMs }) => toEventMs))).toBeLessThanOrEqual(1_000);
});
