import { mkdir, mkdtemp, readFile, rm, symlink, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseWav } from '#audio/wav.ts';
import { testKit } from '#kit/testing.ts';
import { RecordingShelf, recordingPath } from './recording.ts';
import { repairRecording } from './recording-repair.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-recording-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const frame = (value: number) => new Uint8Array(160).fill(value);

function record(format: 'mulaw-8000' | 'linear-16000' = 'mulaw-8000') {
  const told: string[] = [];
  const shelf = new RecordingShelf({ folder, kit: testKit() });
  const recording = shelf.open({
    businessId: 'b',
    callId: 'c',
    format,
    started: () => told.push('started'),
    stopped: (reason, durationMs) => told.push(`${reason} ${durationMs}`),
  });
  return { recording, told, path: recordingPath(folder, 'b', 'c') };
}

test('caller left, assistant right, silence where nothing was sent', async () => {
  const { recording, told, path } = record();
  for (let i = 0; i < 60; i++) recording.write(frame(0x10), i < 30 ? frame(0x20) : undefined);
  await recording.close('call-ended');
  expect(told).toEqual(['started', 'call-ended 1200']);
  const bytes = new Uint8Array(await readFile(path));
  const file = parseWav(bytes);
  expect(file).toMatchObject({ encoding: 'mulaw', channels: 2, rate: 8000 });
  const data = bytes.subarray(58);
  expect(data.length).toBe(60 * 320);
  expect([data[0], data[1], data[58 * 320], data[58 * 320 + 1]]).toEqual([0x10, 0x20, 0x10, 0xff]);
});

test('wideband sound is narrowed to the same length', async () => {
  const { recording, path } = record('linear-16000');
  for (let i = 0; i < 50; i++) recording.write(new Int16Array(320).fill(1000), undefined);
  await recording.close('call-ended');
  expect((await readFile(path)).length).toBe(58 + 50 * 320);
});

test('a file cut off by a crash plays after the repair', async () => {
  const { recording, path } = record();
  for (let i = 0; i < 100; i++) recording.write(frame(0x10), frame(0x20));
  await recording.close('call-ended');
  await truncate(path, 58 + 12_345);
  repairRecording(path);
  const bytes = new Uint8Array(await readFile(path));
  expect(new DataView(bytes.buffer, bytes.byteOffset).getUint32(54, true)).toBe(12_344);
  repairRecording(join(folder, 'missing.wav'));
});

test('the file is there before the first sound, and one that stays empty has a true header', async () => {
  const { recording, told, path } = record();
  await expect.poll(() => readFile(path).then(({ length }) => length)).toBe(58);
  await recording.close('call-ended');
  expect(told).toEqual(['started', 'call-ended 0']);
  expect(new DataView(new Uint8Array(await readFile(path)).buffer).getUint32(54, true)).toBe(0);
});

test('a full disk stops the recording with its reason', async () => {
  await mkdir(join(folder, 'b'));
  await symlink('/dev/full', join(folder, 'b', 'c.wav'));
  const { recording, told } = record();
  for (let i = 0; i < 50; i++) recording.write(frame(1), undefined);
  await recording.close('call-ended');
  expect(told).toHaveLength(2);
  expect(told[1]).toMatch(/^disk-full /);
});

test('a folder that cannot be written stops the recording once, and writing goes on harmlessly', async () => {
  const told: string[] = [];
  const shelf = new RecordingShelf({ folder: '/dev/null', kit: testKit() });
  const recording = shelf.open({
    businessId: 'b',
    callId: 'c',
    format: 'mulaw-8000',
    started: () => {},
    stopped: (reason) => told.push(reason),
  });
  for (let i = 0; i < 25; i++) recording.write(frame(1), undefined);
  await recording.close('call-ended');
  recording.write(frame(1), undefined);
  expect(told).toEqual(['disk-failed']);
});
