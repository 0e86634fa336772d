/** Fifty calls of sipp at once, all with sound. Alone on the machine: one that has no core left refuses calls. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { missing } from './peers/installed.ts';
import { likeness } from './peers/likeness.ts';
import { TestLine } from './peers/line.ts';
import { caller, talking } from './peers/scenario.ts';
import { faultOf, runSipp } from './peers/sipp.ts';
import { prompt, writeRaw } from './peers/speech.ts';

const absent = missing('sipp', 'prompts');
let line: TestLine;
let folder: string;
let speech: Int16Array;
let mulaw: string;

beforeAll(async () => {
  if (absent) return;
  folder = await mkdtemp(join(tmpdir(), 'tandem-interop-'));
  speech = (await prompt('demo-congrats')).subarray(0, 20 * 8000);
  mulaw = await writeRaw(join(folder, 'speech.ulaw'), speech, 'PCMU');
  line = await TestLine.open();
});
afterAll(async () => {
  await line?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test.skipIf(absent)('50 calls at 20 a second, all with sound', async () => {
  const steps = talking(caller('load-[call_number]', line.number), { ms: 6_000, formats: [0, 101], file: mulaw });
  const result = await runSipp({ scenario: steps, target: line.target, calls: 50, perSecond: 20 });
  expect(faultOf(result)).toBe('');
  expect(result).toMatchObject({ successful: 50, failed: 0 });
  await line.quiet(20_000);
  const calls = await line.callsOf('load-');
  expect(calls).toHaveLength(50);
  expect(calls.filter(({ ending }) => ending?.reason !== 'hung-up')).toEqual([]);
  for (const call of [calls[0], calls[24], calls[49]]) {
    const { caller: heard } = await line.recording(call);
    expect(likeness(speech, heard, { rate: 8000, fromMs: 500, toMs: 5_000 }).median).toBeGreaterThan(0.99);
  }
});
