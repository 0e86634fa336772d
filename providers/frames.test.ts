import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { sendMessage, takeWholeMessages } from './frames.ts';

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
let url = '';

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  for (const client of sockets.clients) client.terminate();
  server.close();
});

/** Both ends of a connection. */
async function pair(): Promise<{ ours: WebSocket; theirs: WebSocket }> {
  const theirs = new WebSocket(url, { perMessageDeflate: false });
  const [[ours]] = (await Promise.all([once(sockets, 'connection'), once(theirs, 'open')])) as [[WebSocket], unknown];
  return { ours, theirs };
}

const lengths = [0, 1, 125, 126, 127, 65_535, 65_536, 200_000];

test('texts and bytes of every length of header arrive as they were', async () => {
  const { ours, theirs } = await pair();
  const got: (string | number)[] = [];
  theirs.on('message', (data: Buffer, isBinary) => got.push(isBinary ? data.length : data.toString()));
  const texts = ['', 'ä', '…'.repeat(100), ...lengths.map((length) => 'x'.repeat(length))];
  for (const text of texts) sendMessage(ours, text);
  for (const length of lengths) sendMessage(ours, new Uint8Array(length));
  ours.close();
  await once(theirs, 'close');
  expect(got).toEqual([...texts, ...lengths]);
  sendMessage(ours, 'nothing happens any more');
});

test('bytes, texts, fragments and pings are heard in order', async () => {
  const { ours, theirs } = await pair();
  takeWholeMessages(ours);
  const got: string[] = [];
  ours.on('message', (data: Buffer, isBinary) => got.push(`${isBinary ? 'bytes' : 'text'} ${data.length} ${data.at(-1) ?? ''}`));
  ours.on('ping', () => got.push('ping'));
  for (const [i, length] of lengths.entries()) {
    theirs.send(new Uint8Array(length).fill(i));
    theirs.send('t'.repeat(i + 1));
    theirs.ping();
    theirs.send(Buffer.of(1, 2), { fin: false });
    theirs.send(Buffer.of(3));
  }
  theirs.close();
  await once(ours, 'close');
  expect(got).toEqual(lengths.flatMap((length, i) => [`bytes ${length} ${length > 0 ? i : ''}`, `text ${i + 1} 116`, 'ping', 'bytes 3 3']));
});

test('nothing is heard behind a cut text whose end breaks the protocol', async () => {
  const { ours, theirs } = await pair();
  takeWholeMessages(ours);
  const got: unknown[] = [];
  const errors: string[] = [];
  ours.on('message', (data) => got.push(data));
  ours.on('error', (error) => errors.push(error.message));
  const hear = (...bytes: number[]) =>
    (ours as unknown as { _receiver: { write(chunk: Buffer): boolean } })._receiver.write(Buffer.from(bytes));
  const noMask = [0, 0, 0, 0];
  hear(0x81, 0x82, ...noMask, 0x41);
  // The last byte of the text is no UTF-8; a whole binary message lies behind it.
  hear(0xff, 0x82, 0x81, ...noMask, 1);
  hear(0x82, 0x81, ...noMask, 2);
  await once(theirs, 'close');
  expect(got).toEqual([]);
  expect(errors.join()).toMatch(/UTF-8/);
});
