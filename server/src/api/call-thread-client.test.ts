import { expect, test } from 'vitest';
import type { ToCallThread } from '#calls/office-link.ts';
import { testKit } from '#kit/testing.ts';
import { CallThreadClient } from './call-thread-client.ts';

function linked() {
  const { clock } = testKit();
  const sent: ToCallThread[] = [];
  return { clock, sent, client: new CallThreadClient((message) => sent.push(message), clock) };
}
const hangUp = { businessId: 'b', callId: 'c' };

test('answers and refusals find their command, in any order', async () => {
  const { clock, sent, client } = linked();
  const [first, second] = [client.command('hang-up', hangUp), client.command('drain', { withinMs: 1 })];
  expect(sent).toMatchObject([
    { id: 1, name: 'hang-up', input: hangUp },
    { id: 2, name: 'drain' },
  ]);
  client.take({ type: 'refusal', id: 2, code: 'unavailable', message: 'busy' });
  client.take({ type: 'answer', id: 1, output: { found: true } });
  client.take({ type: 'answer', id: 99, output: {} });
  expect(await first).toEqual({ found: true });
  await expect(second).rejects.toMatchObject({ code: 'unavailable', message: 'busy' });
  expect(clock.pending).toBe(0);
});

test('a command that is not answered fails at its deadline, and a late answer is dropped', async () => {
  const { clock, client } = linked();
  const failed = expect(client.command('hang-up', hangUp, 1_000)).rejects.toMatchObject({ code: 'unavailable' });
  await clock.advance(1_000);
  await failed;
  client.take({ type: 'answer', id: 1, output: { found: true } });
});

test('when the thread is gone every command fails at once', async () => {
  const { clock, sent, client } = linked();
  const failed = expect(client.command('hang-up', hangUp)).rejects.toMatchObject({ code: 'unavailable' });
  client.close();
  await failed;
  await expect(client.command('hang-up', hangUp)).rejects.toMatchObject({ code: 'unavailable' });
  expect([sent.length, clock.pending]).toEqual([1, 0]);
});
