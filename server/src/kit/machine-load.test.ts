import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { MachineLoadMeter } from './machine-load.ts';

test('a thread that works all the time is busy; what the system tells is within its bounds', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-load-'));
  const meter = new MachineLoadMeter(folder);
  await meter.read();
  const end = performance.now() + 60;
  while (performance.now() < end);
  const load = await meter.read();
  meter.stop();
  await rm(folder, { recursive: true });
  expect(load.threadBusy).toBeGreaterThan(0.5);
  for (const part of [load.threadBusy, load.machineBusy, load.threadWaiting ?? 0]) {
    expect(part).toBeGreaterThanOrEqual(0);
    expect(part).toBeLessThanOrEqual(1);
  }
  expect(load.diskFreeBytes).toBeGreaterThan(0);
  if (process.platform === 'linux') {
    expect(load.descriptorsFree).toBeGreaterThan(0);
    expect(load.threadWaiting).toBeDefined();
  }
});

test('a folder that is gone costs the figure and nothing else', async () => {
  const meter = new MachineLoadMeter('/nowhere/at/all');
  expect((await meter.read()).diskFreeBytes).toBeUndefined();
  meter.stop();
});
