import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { SortingThread } from './sorting-desk.ts';

const startWorker = () => new Worker(new URL('./recording-worker.ts', import.meta.url));

test('a desk that is closed opens no thread again', async () => {
  let started = 0;
  const desk = new SortingThread(testKit(), () => {
    started++;
    return startWorker();
  });
  await desk.close();
  await expect(desk.ask('begin', { path: '/dev/null/c.wav' })).rejects.toMatchObject({ code: 'unavailable' });
  await desk.close();
  expect(started).toBe(1);
});

test('a thread that cannot be started is a job refused, not a fault; the next job tries again', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tandem-desk-'));
  let tries = 0;
  const desk = new SortingThread(testKit(), () => {
    if (++tries < 3) throw Object.assign(new Error('no thread to be had'), { code: 'ERR_WORKER_INIT_FAILED' });
    return startWorker();
  });
  try {
    await expect(desk.ask('begin', { path: join(folder, 'c.wav') })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(desk.ask('begin', { path: join(folder, 'c.wav') })).resolves.toBe(null);
  } finally {
    await desk.close();
    await rm(folder, { recursive: true, force: true });
  }
});
