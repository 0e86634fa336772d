import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { SeededRandom } from '#kit/random.ts';
import { TextSender } from './text-frame.ts';

test('texts of every length arrive as they were', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new WebSocketServer({ server, perMessageDeflate: false });
  const ours = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, { perMessageDeflate: false });
  const [[theirs]] = (await Promise.all([once(sockets, 'connection'), once(ours, 'open')])) as [[WebSocket], unknown];
  const got: string[] = [];
  theirs.on('message', (data: Buffer) => got.push(data.toString()));
  const sender = new TextSender(ours, new SeededRandom(1));
  const texts = [1, 125, 126, 127, 128, 129, 400, 65_535, 65_536].map((length) => '0123456789'.repeat(7_000).slice(0, length));
  for (const text of texts) sender.send(text);
  ours.close();
  await once(theirs, 'close');
  sender.send('nothing happens any more');
  expect(got).toEqual(texts);
  server.close();
});
