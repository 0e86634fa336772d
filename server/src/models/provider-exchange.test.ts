import http from 'node:http';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { VendorError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import { type LoopbackAnswer, LoopbackServer, until } from './http-vendor.contract.ts';
import { type AnswerSink, Exchange } from './provider-exchange.ts';

const deadlines = { connectMs: 100, firstMs: 200, betweenMs: 300 };
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Each letter is a part; a dot is a piece of the answer without one. */
class LetterSink implements AnswerSink<string> {
  readonly complete = false;
  pieces = 0;

  *take(bytes: Buffer): Iterable<string> {
    this.pieces++;
    for (const letter of bytes.toString()) if (letter !== '.') yield letter;
  }

  *end(): Iterable<string> {}
}

/** A vendor, and what makes requests to it over one kept socket. */
async function started(answer: LoopbackAnswer) {
  const kit = testKit();
  const server = await new LoopbackServer().start();
  server.answer = answer;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  closing.push(async () => {
    agent.destroy();
    await server.stop();
  });
  const ask = (headers: http.OutgoingHttpHeaders = {}) => {
    const stop = new AbortController();
    const sink = new LetterSink();
    const { hostname, port } = new URL(server.url);
    const exchange = new Exchange(kit, {
      vendor: 'v',
      deadlines,
      request: { hostname, port, path: '/', method: 'POST', headers },
      body: '{}',
      agent,
      accept: /^text/,
      sink,
      maxBytes: 1_000,
      signal: stop.signal,
      whole: () => {},
    });
    return { exchange, sink, stop };
  };
  return { kit, server, agent, ask };
}

/** Of the event loop: what is on a socket within this process is read. */
async function turns(count: number): Promise<void> {
  for (let left = count; left > 0; left--) await turn();
}

const letters: LoopbackAnswer = (response) => response.writeHead(200, { 'content-type': 'text/plain' }).end('ab');

/** A refusal whose connection is reset when the client has read its beginning, and waits for the rest. */
const brokenRefusal: LoopbackAnswer = (response) => {
  response.writeHead(429, { 'content-type': 'application/json', 'content-length': 1_000, 'retry-after': '7' });
  response.write('{"error":', () => void turns(20).then(() => response.socket?.resetAndDestroy()));
};

describe('a request that cannot be made', () => {
  test('is a failure of the vendor like any other, and leaves nothing behind', async () => {
    const { kit, server, ask } = await started(letters);
    const { exchange } = ask({ authorization: 'Bearer secret\u200b' });
    const wait = exchange.next();
    expect(kit.clock.pending).toBe(0);
    const error = await wait.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(VendorError);
    expect(error).toMatchObject({ vendor: 'v', cause: { code: 'ERR_INVALID_CHAR' } });
    expect((error as VendorError).message).not.toContain('secret');
    expect(await exchange.next()).toEqual({ value: undefined, done: true });
    expect(server.requests).toHaveLength(0);
  });
});

describe('a refusal whose connection breaks', () => {
  const refused = { vendor: 'v', category: 'rate-limited', retryAfterMs: 7_000 };

  test('is a refusal still, with the time to wait', async () => {
    const { kit, ask } = await started(brokenRefusal);
    await expect(ask().exchange.next()).rejects.toMatchObject(refused);
    expect(kit.clock.pending).toBe(0);
  });

  test('is not asked for again where the socket was a kept one', async () => {
    const { server, agent, ask } = await started(letters);
    const { exchange: first } = ask();
    for (let result = await first.next(); !result.done; result = await first.next());
    await until(() => Object.keys(agent.freeSockets).length > 0);
    server.answer = brokenRefusal;
    await expect(ask().exchange.next()).rejects.toMatchObject(refused);
    await turns(20);
    expect([server.connections, server.requests.length]).toEqual([1, 2]);
  });
});

describe('the time that a reader takes', () => {
  /** Sends what it is given, and waits until it was read. */
  async function answering() {
    let response: http.ServerResponse | undefined;
    const { kit, ask } = await started((opened) => {
      response = opened.writeHead(200, { 'content-type': 'text/plain' });
      response.flushHeaders();
    });
    const { exchange, sink } = ask();
    const first = exchange.next();
    await until(() => response !== undefined);
    const send = async (text: string) => {
      const before = sink.pieces;
      response?.write(text);
      await until(() => sink.pieces > before);
      await turn();
    };
    return { kit, exchange, first, send };
  }

  test('has no deadline while parts are unread, even if pieces without one come behind them', async () => {
    const { kit, exchange, first, send } = await answering();
    await send('abc');
    expect(await first).toEqual({ value: 'a', done: false });
    await send('.');
    await kit.clock.advance(10 * deadlines.betweenMs);
    expect(await exchange.next()).toEqual({ value: 'b', done: false });
    expect(await exchange.next()).toEqual({ value: 'c', done: false });
    const stalled = exchange.next();
    stalled.catch(() => {});
    await kit.clock.advance(deadlines.betweenMs);
    await expect(stalled).rejects.toMatchObject({ message: expect.stringContaining('300 ms') as string });
    expect(kit.clock.pending).toBe(0);
  });

  test('has none either while the reader is busy with the last part', async () => {
    const { kit, exchange, first, send } = await answering();
    await send('a');
    await first;
    await send('.');
    await kit.clock.advance(10 * deadlines.betweenMs);
    const next = exchange.next();
    await send('b');
    expect(await next).toEqual({ value: 'b', done: false });
    await exchange.return();
    expect(kit.clock.pending).toBe(0);
  });
});
