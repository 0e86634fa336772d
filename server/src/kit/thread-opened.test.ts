import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { testKit } from './testing.ts';
import { type Thread, threadOpened } from './thread-opened.ts';

class FakeThread extends EventEmitter {
  terminated = 0;

  terminate(): Promise<number> {
    this.terminated++;
    this.emit('exit', 1);
    return Promise.resolve(1);
  }
}

function opening() {
  const { clock } = testKit();
  const thread = new FakeThread();
  const opened = threadOpened(thread as unknown as Thread, { clock, name: 'sound', withinMs: 1_000 });
  opened.catch(() => {});
  const left = () => [clock.pending, thread.listenerCount('message'), thread.listenerCount('error'), thread.listenerCount('exit')];
  return { clock, thread, opened, left };
}

test('a thread is open when it says so; nothing listens afterwards', async () => {
  const { thread, opened, left } = opening();
  thread.emit('message', { type: 'vitals' });
  thread.emit('message', { type: 'ready', journal: 'j' });
  await opened;
  expect([...left(), thread.terminated]).toEqual([0, 0, 0, 0, 0]);
});

test('its own reason is passed on, and it is ended', async () => {
  const { thread, opened, left } = opening();
  thread.emit('message', { type: 'failed', code: 'setting-invalid', message: 'TANDEM_X is wrong' });
  await expect(opened).rejects.toMatchObject({ code: 'setting-invalid', message: 'TANDEM_X is wrong' });
  expect([...left(), thread.terminated]).toEqual([0, 0, 0, 0, 1]);
});

test('silence, an end and an exception are failures', async () => {
  const silent = opening();
  await silent.clock.advance(1_000);
  await expect(silent.opened).rejects.toMatchObject({ code: 'unavailable' });
  const ended = opening();
  ended.thread.emit('exit', 0);
  await expect(ended.opened).rejects.toMatchObject({ code: 'internal-error', message: 'The sound thread ended while opening' });
  const thrown = opening();
  thrown.thread.emit('error', new Error('no memory'));
  await expect(thrown.opened).rejects.toThrow('no memory');
  expect([silent, ended, thrown].map(({ thread }) => thread.terminated)).toEqual([1, 1, 1]);
});
