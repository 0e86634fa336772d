import { cp, mkdtemp, open as openFile, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { parseWav } from '#audio/wav.ts';
import { VirtualClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { findBlocks, RecordingBlock } from './recording-block.ts';
import { type Recording, RecordingShelf, recordingPath } from './recording.ts';
import { repairRecordings } from './recording-repair.ts';
import { segmentFolder } from './recording-sorter.ts';
import { type Recorded, RecordingSpool } from './recording-spool.ts';
import { type SortingDesk, SortingHere, SortingThread } from './sorting-desk.ts';

const HEADER = 58;
const FRAME = 320;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tandem-spool-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const frame = (value: number) => new Uint8Array(160).fill(value);
/** What frame `n` of a call holds on its left: no two calls or neighbours alike. */
const said = (call: number, n: number) => (call * 31 + n * 7) & 0xff;

function shelfOf(desk: SortingDesk = new SortingHere(), into = folder) {
  const kit = testKit();
  const told = new Map<string, string>();
  const shelf = new RecordingShelf({ folder: into, kit, desk });
  const open = (call: number) =>
    shelf.open({
      businessId: 'b',
      callId: `c${call}`,
      format: 'mulaw-8000',
      started: () => {},
      stopped: (reason) => told.set(`c${call}`, reason),
    });
  return { kit, shelf, open, told };
}

async function soundOf(call: number, into = folder): Promise<Uint8Array> {
  const bytes = new Uint8Array(await readFile(recordingPath(into, 'b', `c${call}`)));
  const file = parseWav(bytes);
  expect(file).toMatchObject({ encoding: 'mulaw', channels: 2, rate: 8000, dataOffset: HEADER });
  return bytes.subarray(HEADER);
}

function expectSound(bytes: Uint8Array, call: number, frames: number): void {
  expect(bytes.length).toBe(frames * FRAME);
  for (let n = 0; n < frames; n++)
    expect([bytes[n * FRAME], bytes[n * FRAME + 1], bytes[(n + 1) * FRAME - 2]]).toEqual([said(call, n), 0x20, said(call, n)]);
}

const segments = async (into = folder) => await readdir(segmentFolder(into)).catch(() => []);

/** Real time for the disk. */
const breathe = () => new Promise((resolve) => setTimeout(resolve, 5));

/** Speaks `frames` of every call, tick by tick, and lets the disk have what is gathered. */
async function speak(kit: { clock: VirtualClock }, calls: ReadonlyMap<number, Recording>, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    for (const [call, recording] of calls) recording.write(frame(said(call, n)), frame(0x20));
    await kit.clock.advance(20);
    if (n % 5 === 0) await breathe();
  }
}

test.each(['here', 'thread'])('many calls in one file, each in its own recording afterwards (%s)', async (where) => {
  const desk = where === 'here' ? new SortingHere() : new SortingThread({ ...testKit(), clock: new VirtualClock() });
  const { kit, shelf, open, told } = shelfOf(desk);
  const calls = new Map(Array.from({ length: 20 }, (_, i) => [i, open(i)]));
  await speak(kit, calls, 0, 150);
  expect((await segments()).length).toBeGreaterThanOrEqual(1);
  // One call ends in the middle, the others go on for longer than a segment is kept.
  await calls.get(3)?.close('call-ended');
  expectSound(await soundOf(3), 3, 150);
  calls.delete(3);
  await speak(kit, calls, 150, 450);
  await expect.poll(async () => (await soundOf(4)).length).toBeGreaterThan(200 * FRAME);
  await Promise.all([...calls.values()].map((recording) => recording.close('call-ended')));
  for (const call of calls.keys()) expectSound(await soundOf(call), call, 450);
  expect([...told.values()]).toEqual(Array.from({ length: 20 }, () => 'call-ended'));
  await expect.poll(() => segments()).toEqual([]);
  await shelf.close();
});

test('killed at any moment: less than a second of each call is missing, and what was deleted stays so', async () => {
  const { kit, shelf, open } = shelfOf();
  const calls = new Map(Array.from({ length: 6 }, (_, i) => [i, open(i)]));
  for (const [ticks, killed] of [
    [3, 'at-once'],
    [177, 'in-the-first-segment'],
    [390, 'in-a-later-one'],
  ] as const) {
    const from = ticks === 3 ? 0 : ticks === 177 ? 3 : 177;
    await speak(kit, calls, from, ticks);
    await breathe();
    const copy = join(folder, `../${killed}-${process.pid}`);
    await cp(folder, copy, { recursive: true });
    try {
      await rm(recordingPath(copy, 'b', 'c5'));
      await rm(recordingPath(copy, 'b', 'c4'));
      repairRecordings(
        copy,
        [0, 1, 2, 3, 5].map((call) => `b/c${call}`),
      );
      for (const call of [0, 1, 2, 3]) {
        const sound = await soundOf(call, copy);
        expect(sound.length / FRAME).toBeGreaterThan(ticks - 50);
        expectSound(sound, call, sound.length / FRAME);
      }
      // It was on the line when its file went, or never came; another had been deleted.
      if (ticks === 177) expect((await soundOf(5, copy)).length).toBeGreaterThan((ticks - 50) * FRAME);
      await expect(readFile(recordingPath(copy, 'b', 'c4'))).rejects.toThrow('ENOENT');
      expect(await segments(copy)).toEqual([]);
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  }
  await Promise.all([...calls.values()].map((recording) => recording.close('call-ended')));
  await shelf.close();
});

test('a torn end is left out; a damaged block costs its own sound only', () => {
  const block = new RecordingBlock();
  const blockOf = (call: number) => {
    block.begin(`b/c${call}`, call * 100);
    for (let n = 0; n < 3; n++) block.add(frame(said(call, n)), undefined);
    return Buffer.from(block.seal());
  };
  const blocks = [0, 1, 2, 3].map(blockOf);
  const whole = Buffer.concat(blocks);
  expect(findBlocks(whole).map(({ name, length, place }) => [name, length, place])).toEqual(
    [0, 1, 2, 3].map((call) => [`b/c${call}`, 3 * FRAME, call * 100]),
  );
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const cut = findBlocks(whole.subarray(0, at));
      expect(cut).toHaveLength(Math.floor(at / blocks[0].length));
      const damaged = Buffer.from(whole);
      damaged[at] ^= flip;
      const names = findBlocks(damaged).map(({ name }) => name);
      expect(names).toEqual(['b/c0', 'b/c1', 'b/c2', 'b/c3'].filter((_, i) => i !== Math.floor(at / blocks[0].length)));
    }),
  );
});

test('anything may lie where segments are expected', async () => {
  const { kit, shelf, open } = shelfOf();
  const recording = open(0);
  await speak(kit, new Map([[0, recording]]), 0, 60);
  await breathe();
  const [segment] = await segments();
  const path = join(segmentFolder(folder), segment);
  const block = new RecordingBlock();
  block.begin('../../b/outside', 0);
  block.add(frame(1), undefined);
  await writeFile(path, Buffer.concat([Buffer.from('TRB1TRB1 nothing'), block.seal(), await readFile(path)]));
  await truncate(path, (await readFile(path)).length - 100);
  await writeFile(join(segmentFolder(folder), 'notes.txt'), 'not ours');
  repairRecordings(folder, ['b/c0', 'b/never-began', '../../b/outside']);
  const sound = await soundOf(0);
  expectSound(sound, 0, sound.length / FRAME);
  expect(await segments()).toEqual(['notes.txt']);
  await recording.close('call-ended');
  await shelf.close();
});

test('a sorter that died is replaced, and goes on with the recordings under way', async () => {
  const kit = testKit();
  const workers: Worker[] = [];
  const desk = new SortingThread(kit, () => {
    workers.push(new Worker(new URL('./recording-worker.ts', import.meta.url)));
    return workers[workers.length - 1];
  });
  const { open, kit: clocked, shelf } = shelfOf(desk);
  const recording = open(1);
  await expect
    .poll(() =>
      soundOf(1).then(
        ({ length }) => length,
        () => -1,
      ),
    )
    .toBe(0);
  await speak(clocked, new Map([[1, recording]]), 0, 80);
  await workers[0].terminate();
  await recording.close('call-ended');
  expect(workers).toHaveLength(2);
  expectSound(await soundOf(1), 1, 80);
  await shelf.close();
});

test('10 s of silence at once, behind a stall, are no slow disk', async () => {
  const { shelf, open, told } = shelfOf();
  const recording = open(0);
  for (let n = 0; n < 534; n++) recording.write(frame(said(0, n)), frame(0x20));
  await recording.close('call-ended');
  expect([...told]).toEqual([['c0', 'call-ended']]);
  expectSound(await soundOf(0), 0, 534);
  await shelf.close();
});

test('what comes while a recording is being closed is left out', async () => {
  const { kit, shelf, open } = shelfOf();
  const calls = [open(0), open(1)];
  for (const [call, recording] of calls.entries()) recording.write(frame(said(call, 0)), frame(0x20));
  const closing = calls[0].close('call-ended');
  for (let n = 1; n < 80; n++) calls[0].write(frame(said(0, n)), frame(0x20));
  await closing;
  await kit.clock.advance(6_000);
  await calls[1].close('call-ended');
  expectSound(await soundOf(0), 0, 1);
  await expect.poll(() => segments()).toEqual([]);
  await shelf.close();
});

test('behind a write that failed nothing more of its calls is written', async () => {
  const probe = await openFile(join(folder, 'probe'), 'w');
  const files = Object.getPrototypeOf(probe) as typeof probe;
  await probe.close();
  const full = Promise.withResolvers<never>();
  const writev = vi.spyOn(files, 'writev').mockReturnValueOnce(full.promise);
  try {
    const { clock, ...kit } = testKit();
    const sorted: string[][] = [];
    const answered = {
      begin: () => null,
      finish: () => null,
      sort: ({ sounds }: { sounds: { path: string }[] }) => {
        sorted.push(sounds.map(({ path }) => path));
        return [];
      },
    };
    const desk = { ask: async (name: keyof typeof answered, input: never) => answered[name](input), close: async () => {} } as SortingDesk;
    const spool = new RecordingSpool({ folder, kit: { ...kit, clock }, desk });
    const told: string[] = [];
    const owner = (path: string): Recorded => ({ path, waiting: 0, stop: (reason) => told.push(`${path} ${reason}`) });
    const [stopped, other] = [owner('stopped'), owner('other')];
    const add = (of: Recorded, place: number) => {
      const block = spool.take();
      block.begin(`b/${of.path}`, place);
      block.add(frame(1), undefined);
      spool.add(of, block);
    };
    add(stopped, 0);
    await clock.advance(100);
    await expect.poll(() => writev.mock.calls.length).toBe(1);
    add(stopped, FRAME);
    add(other, 0);
    add(stopped, 2 * FRAME);
    full.reject(Object.assign(new Error('no room'), { code: 'ENOSPC' }));
    expect(await spool.release(stopped)).toMatchObject({ sound: undefined });
    expect((await spool.release(other)).sound).toMatchObject({ path: 'other', place: 0 });
    expect([stopped.waiting, other.waiting]).toEqual([0, 0]);
    expect(told).toEqual(['stopped disk-full']);
    await spool.released();
    expect(sorted.flat()).toEqual([]);
  } finally {
    writev.mockRestore();
  }
});
