import { afterEach, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import { refusalError, retryAfterMs, safeMessage } from './provider-failures.ts';
import { ProviderHttp, type ProviderHttpOptions } from './provider-http.ts';
import { type LoopbackAnswer, LoopbackServer, refusing, until } from './http-vendor.contract.ts';

const KEY = 'secret-1234567';
const SOUND = { accept: /^audio\//, maxBytes: 1_000 };
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function started(
  answer: LoopbackAnswer,
  options: Partial<ProviderHttpOptions> = {},
  kit = { ...testKit(), clock: new SystemClock() } as ReturnType<typeof testKit>,
) {
  const server = await new LoopbackServer().start();
  server.answer = answer;
  const http = new ProviderHttp(kit, { vendor: 'v', baseUrl: server.url, headers: { 'x-key': KEY }, key: KEY, ...options });
  closing.push(async () => {
    http.close();
    await server.stop();
  });
  return { server, http };
}

const post = (signal = new AbortController().signal) => ({ path: '/speech', body: { input: 'Hi' }, signal });

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

const sound =
  (...pieces: Buffer[]): LoopbackAnswer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'audio/pcm' });
    for (const piece of pieces) response.write(piece);
    response.end();
  };

describe('binary bodies', () => {
  test('come as they are, and the socket is kept', async () => {
    const { server, http } = await started(sound(Buffer.from([1, 2, 3]), Buffer.from([4])));
    expect([...(await bytesOf(http.postForBytes(post(), SOUND)))]).toEqual([1, 2, 3, 4]);
    await bytesOf(http.postForBytes(post(), SOUND));
    expect(server.connections).toBe(1);
    expect(server.requests[0]).toMatchObject({ path: '/speech', body: { input: 'Hi' }, headers: { 'x-key': KEY } });
  });

  test('an endless one is bounded, one of another type refused', async () => {
    const { http } = await started(sound(Buffer.alloc(2_000)));
    await expect(bytesOf(http.postForBytes(post(), SOUND))).rejects.toMatchObject({ category: 'retryable' });
    const { http: other } = await started(refusing(200, '{"oops":1}'));
    await expect(bytesOf(other.postForBytes(post(), SOUND))).rejects.toMatchObject({ category: 'permanent' });
  });

  test('one that dies in the middle is a fault, not an end', async () => {
    const { http } = await started((response) => {
      response.writeHead(200, { 'content-type': 'audio/pcm', 'content-length': 100 });
      response.write(Buffer.alloc(10), () => response.socket?.destroy());
    });
    await expect(bytesOf(http.postForBytes(post(), SOUND))).rejects.toMatchObject({ vendor: 'v', category: 'retryable' });
  });

  test('none within the first deadline, and a stall within the second', async () => {
    for (const begun of [false, true]) {
      const kit = testKit();
      const deadlines = { connectMs: 100, firstMs: 200, betweenMs: 300 };
      const { server, http } = await started(
        (response) => {
          response.writeHead(200, { 'content-type': 'audio/pcm' });
          if (begun) response.write(Buffer.alloc(10));
          else response.flushHeaders();
        },
        { deadlines },
        kit,
      );
      let heard = 0;
      const work = (async () => {
        for await (const piece of http.postForBytes(post(), SOUND)) heard += piece.length;
      })().catch((thrown: unknown) => thrown);
      await until(() => server.requests.length === 1 && (!begun || (heard === 10 && kit.clock.pending === 1)));
      await kit.clock.advance(begun ? 299 : 199);
      expect(server.aborted).toBe(0);
      await kit.clock.advance(1);
      expect(await work).toMatchObject({ message: expect.stringContaining(begun ? '300 ms' : '200 ms') as string });
      await until(() => server.aborted === 1);
      expect(kit.clock.pending).toBe(0);
    }
  });
});

describe('the pool', () => {
  test('no more connections than allowed; who finds none free waits for one until its deadline', async () => {
    const kit = testKit();
    const { server, http } = await started(() => {}, { maxSockets: 1 }, kit);
    const first = bytesOf(http.postForBytes(post(), SOUND)).catch((thrown: unknown) => thrown);
    await until(() => server.requests.length === 1);
    const second = bytesOf(http.postForBytes(post(), SOUND)).catch((thrown: unknown) => thrown);
    await kit.clock.advance(3_000);
    expect(await second).toMatchObject({ category: 'retryable', message: expect.stringContaining('no connection') as string });
    expect(server.connections).toBe(1);
    await kit.clock.advance(5_000);
    expect(await first).toBeInstanceOf(VendorError);
    expect(kit.clock.pending).toBe(0);
  });

  test('warms again only after 30 s without use', async () => {
    const kit = testKit();
    const { server, http } = await started(sound(Buffer.alloc(2)), {}, kit);
    await http.warm();
    await kit.clock.advance(29_999);
    await http.warm();
    expect(server.knocks).toHaveLength(1);
    await bytesOf(http.postForBytes(post(), SOUND));
    await kit.clock.advance(29_999);
    await http.warm();
    expect(server.knocks).toHaveLength(1);
    await kit.clock.advance(1);
    await http.warm();
    expect(server.knocks).toHaveLength(2);
    expect(kit.clock.pending).toBe(0);
  });

  test('closing while it warms ends it', async () => {
    const kit = testKit();
    const { http } = await started(() => {}, {}, kit);
    const warming = http.warm();
    http.close();
    await warming;
    expect(kit.clock.pending).toBe(0);
  });
});

describe('refusals', () => {
  test('retry-after: seconds, milliseconds, a date, nonsense, a day', () => {
    const wall = Date.UTC(2026, 0, 5);
    expect(retryAfterMs({ 'retry-after': '2' }, wall)).toBe(2_000);
    expect(retryAfterMs({ 'retry-after-ms': '150', 'retry-after': '2' }, wall)).toBe(150);
    expect(retryAfterMs({ 'retry-after': 'Mon, 05 Jan 2026 00:00:30 GMT' }, wall)).toBe(30_000);
    expect(retryAfterMs({ 'retry-after': 'soon' }, wall)).toBeUndefined();
    expect(retryAfterMs({ 'retry-after': '86400' }, wall)).toBe(600_000);
  });

  test('words in every shape that vendors have; a vendor judges first', () => {
    const said = (body: unknown) => refusalError('v', { status: 400, headers: {}, body: JSON.stringify(body) }, 0).message;
    expect(said({ error: 'plain' })).toContain('plain');
    expect(said({ error: { message: 'inner' } })).toContain('inner');
    expect(said([{ error: { message: 'in a list' } }])).toContain('in a list');
    expect(said({ detail: { message: 'detail' } })).toContain('detail');
    expect(said({ message: 'outer' })).toContain('outer');
    expect(said(null)).toBe('v: HTTP 400');
    const judged = refusalError('v', { status: 400, headers: {}, body: '{"error":{"status":"GONE"}}' }, 0, {
      judge: ({ words }) => (words === 'GONE' ? { category: 'permanent' } : undefined),
    });
    expect(judged.category).toBe('permanent');
  });

  test('no key in a message, whatever it looks like', () => {
    const shown = safeMessage(`keys ${KEY}, sk-abcdef123456, gsk_abcdef123456 and AIzaSyA1234567`, KEY);
    expect(shown).toBe('keys ***, ***, *** and ***');
  });
});
