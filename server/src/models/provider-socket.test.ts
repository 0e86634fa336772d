import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { SystemClock } from '#kit/clock.ts';
import type { VendorError } from '#kit/errors.ts';
import { testKit } from '#kit/testing.ts';
import { ProviderSocket, type ProviderSocketOptions, readMessage, type SocketListener } from './provider-socket.ts';
import { SocketPool } from './socket-pool.ts';

const kit = { ...testKit(), clock: new SystemClock() };
const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Vendor {
  url: string;
  server: Server;
  /** In the order in which they came. */
  sockets: WebSocket[];
  connected: () => Promise<WebSocket>;
}

async function vendor(accept: (webSocket: WebSocket) => void = () => {}): Promise<Vendor> {
  const server = createServer((_request, response) => response.writeHead(404).end());
  const sockets: WebSocket[] = [];
  const webSockets = new WebSocketServer({ server });
  webSockets.on('connection', (webSocket) => {
    sockets.push(webSocket);
    accept(webSocket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const webSocket of sockets) webSocket.terminate();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/listen`,
    server,
    sockets,
    connected: async () => sockets[0] ?? ((await once(webSockets, 'connection')) as [WebSocket])[0],
  };
}

/** Refuses every upgrade with these bytes. */
async function refusing(answer: string): Promise<string> {
  const server = createServer();
  server.on('upgrade', (_request, socket) => socket.on('error', () => {}).end(answer));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Told {
  listener: SocketListener;
  messages: (string | Uint8Array)[];
  failures: VendorError[];
  opened: Promise<void>;
  failed: Promise<VendorError>;
  message: () => Promise<string | Uint8Array>;
}

function told(): Told {
  const opened = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<VendorError>();
  let next = Promise.withResolvers<string | Uint8Array>();
  const messages: (string | Uint8Array)[] = [];
  const failures: VendorError[] = [];
  return {
    messages,
    failures,
    opened: opened.promise,
    failed: failed.promise,
    message: () => next.promise,
    listener: {
      opened: () => opened.resolve(),
      message: (data) => {
        messages.push(data);
        next.resolve(data);
        next = Promise.withResolvers();
      },
      failed: (error) => {
        failures.push(error);
        failed.resolve(error);
      },
    },
  };
}

function connect(url: string, options: Partial<ProviderSocketOptions> = {}, on = kit): { socket: ProviderSocket; heard: Told } {
  const heard = told();
  const socket = new ProviderSocket(
    on,
    { vendor: 'acme', url, headers: { authorization: 'Token sesame-4711' }, ...options },
    heard.listener,
  );
  closing.push(() => socket.close());
  return { socket, heard };
}

describe('a provider socket', () => {
  test('what is sent before it is open arrives in order; text and bytes come back as such', async () => {
    const acme = await vendor((webSocket) => webSocket.on('message', (data, binary) => webSocket.send(data as Buffer, { binary })));
    const { socket, heard } = connect(acme.url);
    expect(socket.send('{"type":"config"}')).toBe(true);
    expect(socket.sendSound(Uint8Array.of(1, 2))).toBe(true);
    await heard.opened;
    socket.send('{"type":"end"}');
    while (heard.messages.length < 3) await heard.message();
    expect(heard.messages[0]).toBe('{"type":"config"}');
    expect([...(heard.messages[1] as Uint8Array)]).toEqual([1, 2]);
    expect(heard.messages[2]).toBe('{"type":"end"}');
  });

  test('before it is open: the oldest sound makes room, control messages are refused', async () => {
    const acme = await vendor();
    const { socket, heard } = connect(acme.url, { soundQueueBytes: 4 });
    const got: string[] = [];
    const all = acme.connected().then(
      (webSocket) =>
        new Promise<void>((resolve) =>
          webSocket.on('message', (data) => {
            got.push((data as Buffer).toString());
            if (got.at(-1) === '63') resolve();
          }),
        ),
    );
    for (const sound of ['aa', 'bb', 'cc']) socket.sendSound(Buffer.from(sound));
    const taken = Array.from({ length: 70 }, (_, index) => socket.send(String(index)));
    expect(taken.filter(Boolean)).toHaveLength(64);
    expect(socket.droppedBytes).toBe(2);
    await heard.opened;
    await all;
    expect(got.slice(0, 3)).toEqual(['bb', 'cc', '0']);
  });

  test.each([
    [
      '401 Unauthorized',
      '',
      '{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials sesame-4711"}',
      'auth',
      'acme: HTTP 401: Invalid credentials ***',
    ],
    ['403 Forbidden', '', '', 'auth', 'acme: HTTP 403'],
    ['429 Too Many Requests', 'Retry-After: 7\r\n', '{"error":{"message":"slow down"}}', 'rate-limited', 'acme: HTTP 429: slow down'],
    ['400 Bad Request', '', 'no such model', 'bad-input', 'acme: HTTP 400: no such model'],
    ['503 Service Unavailable', '', '', 'retryable', 'acme: HTTP 503'],
    ['404 Not Found', '', '', 'permanent', 'acme: HTTP 404'],
    ['200 OK', '', '<!doctype html><html>', 'permanent', 'acme: HTTP 200: a web page instead of a WebSocket (is the base URL right?)'],
    ['302 Found', 'Location: https://example.com/login\r\n', '', 'permanent', 'acme: HTTP 302'],
  ])('an upgrade refused with %s', async (status, header, body, category, message) => {
    const url = await refusing(`HTTP/1.1 ${status}\r\n${header}Connection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    const { heard, socket } = connect(url);
    const error = await heard.failed;
    expect(error).toMatchObject({ category, message });
    expect(error.retryAfterMs).toBe(status.startsWith('429') ? 7_000 : undefined);
    expect(socket.send('late')).toBe(false);
  });

  test.each([
    [1000, '', 'retryable'],
    [1001, 'going away', 'retryable'],
    [1008, 'DATA-0000', 'auth'],
    [1011, 'NET-0001', 'retryable'],
    [1013, 'try again later', 'rate-limited'],
    [1009, 'too big', 'bad-input'],
  ] as const)('closed by the vendor with %i', async (code, reason, category) => {
    const acme = await vendor((webSocket) => webSocket.close(code, reason));
    const { heard } = connect(acme.url);
    const error = await heard.failed;
    expect(error).toMatchObject({ category, message: `acme: the connection was closed (${code}${reason ? ` ${reason}` : ''})` });
    expect(heard.failures).toHaveLength(1);
  });

  test('a connection that breaks, one that is refused, and a URL that is none', async () => {
    const acme = await vendor((webSocket) => webSocket.terminate());
    const { heard } = connect(acme.url);
    expect(await heard.failed).toMatchObject({ category: 'retryable', message: 'acme: the connection was closed (1006)' });
    const gone = await refusing('');
    expect((await connect(gone).heard.failed).category).toBe('retryable');
    for (const close of closing.splice(0)) await close();
    expect(await connect(gone).heard.failed).toMatchObject({ category: 'retryable', message: expect.stringContaining('ECONNREFUSED') });
    expect((await connect('gopher://127.0.0.1').heard.failed).category).toBe('permanent');
  });

  test('deadlines: connecting, silence, and the vendor that does not close', async () => {
    const virtual = testKit();
    const silent = createServer(() => {});
    silent.on('upgrade', (_request, socket) => socket.on('error', () => {}));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { heard } = connect(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}`, { connectMs: 3_000 }, virtual);
    await virtual.clock.advance(3_000);
    expect(await heard.failed).toMatchObject({ category: 'retryable', message: 'acme: not connected within 3000 ms' });
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));

    const acme = await vendor((webSocket) => webSocket.send('hello'));
    const second = connect(acme.url, { idleMs: 4_000, keepAlive: { everyMs: 3_000, message: 'alive' } }, virtual);
    const greeted = second.heard.message();
    await greeted;
    const [peer] = acme.sockets;
    const alive = once(peer, 'message');
    await virtual.clock.advance(3_500);
    expect(String((await alive)[0])).toBe('alive');
    const more = second.heard.message();
    peer.send('more');
    await more;
    await virtual.clock.advance(3_900);
    expect(second.heard.failures).toEqual([]);
    await virtual.clock.advance(200);
    expect(second.heard.failures[0].message).toBe('acme: nothing was heard for 4000 ms');

    const deaf = await vendor();
    const third = connect(deaf.url, {}, virtual);
    await third.heard.opened;
    const other = deaf.sockets[0] ?? (await deaf.connected());
    other.pause();
    third.socket.close('bye');
    expect(virtual.clock.pending).toBe(1);
    await virtual.clock.advance(2_000);
    expect(virtual.clock.pending).toBe(0);
    expect(third.heard.failures).toEqual([]);
  });

  test('nothing after close, and a listener that throws fails only its socket', async () => {
    const acme = await vendor((webSocket) => webSocket.send('{"half":'));
    const first = connect(acme.url);
    await first.heard.opened;
    first.socket.close();
    first.socket.close();
    const failed = Promise.withResolvers<VendorError>();
    const second: ProviderSocket = new ProviderSocket(
      kit,
      { vendor: 'acme', url: acme.url, headers: {} },
      { message: (data) => void readMessage('acme', data), failed: (error) => failed.resolve(error) },
    );
    expect(await failed.promise).toMatchObject({ category: 'retryable', message: 'acme: a message that is no JSON object: {"half":' });
    expect(second.state).toBe('closed');
    expect(first.heard.failures).toEqual([]);
  });

  test('a vendor that does not read is given a bounded amount', async () => {
    const acme = await vendor((webSocket) => webSocket.pause());
    const { socket, heard } = connect(acme.url);
    await heard.opened;
    let sent = 0;
    while (sent < 1_000 && socket.sendSound(new Uint8Array(64 * 1024))) sent++;
    expect(sent).toBeLessThan(1_000);
  });

  test('a message beyond 1 MB is refused', async () => {
    const acme = await vendor((webSocket) => webSocket.send('x'.repeat(1024 * 1024 + 1)));
    expect(await connect(acme.url).heard.failed).toMatchObject({ message: 'acme: a message of more than 1 MB' });
  });
});

describe('a pool of sockets', () => {
  const options = { vendor: 'acme', headers: {}, size: 1, maxAgeMs: 8_000, keepMs: 30_000 };

  test('a warm socket is handed out with what it heard, and replaced', async () => {
    const acme = await vendor((webSocket) => webSocket.send('hello'));
    const pool = new SocketPool(kit, options);
    closing.push(() => pool.close());
    await pool.warm(acme.url);
    expect(pool.spares).toBe(1);
    const heard = told();
    const socket = pool.take(acme.url, heard.listener);
    expect(heard.messages).toEqual([]);
    await heard.opened;
    if (heard.messages.length === 0) await heard.message();
    expect(heard.messages).toEqual(['hello']);
    expect(pool.spares).toBe(1);
    socket.close();
    const cold = told();
    pool.take(`${acme.url}/other`, cold.listener).close();
    expect(pool.spares).toBe(1);
  });

  test('spares are exchanged before they are too old, and given up when nobody asks', async () => {
    const virtual = testKit();
    const acme = await vendor();
    const pool = new SocketPool(virtual, options);
    await pool.warm(acme.url);
    const first = acme.sockets[0] ?? (await acme.connected());
    const ended = once(first, 'close');
    await virtual.clock.advance(8_000);
    await ended;
    expect(pool.spares).toBe(1);
    await virtual.clock.advance(22_000);
    expect(pool.spares).toBe(0);
    pool.close();
    await virtual.clock.advance(5_000);
    expect(virtual.clock.pending).toBe(0);
  });

  test('what cannot be opened is tried again later and later', async () => {
    const virtual = testKit();
    let upgrades = 0;
    const server = createServer();
    server.on('upgrade', (_request, socket) => {
      upgrades++;
      socket.on('error', () => {});
      socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const pool = new SocketPool(virtual, options);
    await pool.warm(url);
    expect([upgrades, pool.spares]).toEqual([1, 0]);
    await pool.warm(url);
    expect(upgrades).toBe(1);
    const again = once(server, 'upgrade');
    await virtual.clock.advance(500);
    await again;
    expect(upgrades).toBe(2);
    pool.close();
  });
});
