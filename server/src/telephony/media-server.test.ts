import { createServer } from 'node:net';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { testKit } from '#kit/testing.ts';
import type { Gateway } from './gateway.ts';
import { MediaServer, type MediaServerOptions } from './media-server.ts';
import { acceptWebSocket } from './web-socket.ts';

const { clock } = testKit();

/** Greets whoever connects with the path it was given. */
const echo: Gateway = {
  name: 'echo',
  start: () => Promise.resolve(),
  stop: () => Promise.resolve(),
  dial: () => Promise.reject(new Error('never')),
  counters: () => ({}),
  upgrade: (request, socket, head, path) => {
    if (path === '/broken') throw new Error('a gateway that throws');
    acceptWebSocket(request, socket, head, clock, (webSocket) => {
      webSocket.send(path);
      webSocket.on('message', (data) => webSocket.send(data as Buffer));
    });
  },
};

describe('the media server', () => {
  let server: MediaServer | undefined;
  afterEach(async () => {
    await server?.stop();
    server = undefined;
  });
  const start = async (change: Partial<MediaServerOptions> = {}) => {
    server = new MediaServer({ host: '127.0.0.1', port: 0, gateways: [echo], kit: testKit(), ...change });
    await server.start();
    return { port: server.port, server };
  };
  const greeting = async (port: number, path: string): Promise<string> => {
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    const [first] = (await Promise.race([
      once(webSocket, 'message'),
      once(webSocket, 'error').then(([error]) => Promise.reject(error as Error)),
    ])) as [Buffer];
    webSocket.close();
    return String(first);
  };

  test('hands upgrades to the gateway of their path', async () => {
    const { port } = await start();
    expect(await greeting(port, '/gateways/echo/media')).toBe('/media');
    expect(await greeting(port, '/gateways/echo')).toBe('/');
    expect(await greeting(port, '/gateways/echo/media?token=1')).toBe('/media');
  });

  test('answers everything else with 404, and survives garbage and a gateway that throws', async () => {
    const { port, server: running } = await start();
    await expect(greeting(port, '/gateways/nobody/media')).rejects.toThrow('404');
    await expect(greeting(port, '/elsewhere')).rejects.toThrow('404');
    await expect(greeting(port, '/gateways/echo/broken')).rejects.toThrow();
    expect((await fetch(`http://127.0.0.1:${port}/gateways/echo/media`)).status).toBe(404);
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('\x16\x03\x01 this is no HTTP\r\n\r\n');
    await once(socket, 'close');
    expect(await greeting(port, '/gateways/echo/still-here')).toBe('/still-here');
    expect(running.counters()).toMatchObject({ upgrades_refused: 2, requests_refused: 1, malformed: 1 });
  });

  test('bounds the connections of one address', async () => {
    const { port, server: running } = await start({ maxWaitingPerAddress: 2 });
    const idle = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
    for (const socket of idle) await once(socket, 'connect');
    while (running.counters()['connections_open'] < 2) await new Promise((resolve) => setImmediate(resolve));
    await expect(greeting(port, '/gateways/echo/x')).rejects.toThrow();
    for (const socket of idle) socket.destroy();
    while (running.counters()['connections_open'] > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await greeting(port, '/gateways/echo/x')).toBe('/x');
    expect(running.counters()['connections_refused']).toBe(1);
  });

  test('closes a socket that sends too much at once', async () => {
    const { port } = await start();
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/gateways/echo/media`);
    await once(webSocket, 'open');
    webSocket.send(Buffer.alloc(65 * 1024));
    const [code] = (await once(webSocket, 'close')) as [number];
    expect(code).toBe(1009);
  });

  test('says which port is taken, and by what setting to change it', async () => {
    const other = createServer();
    other.listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const blocked = new MediaServer({ host: '127.0.0.1', port, gateways: [], kit: testKit() });
    await expect(blocked.start()).rejects.toMatchObject({
      code: 'port-taken',
      message: `Port ${port} on 127.0.0.1 is in use already; set TANDEM_MEDIA_PORT to another one`,
    });
    other.close();
  });

  /** Answers the code the server closed with, after `attack` had its way. */
  const closedAfter = async (attack: (webSocket: WebSocket) => void): Promise<number> => {
    const { port } = await start();
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/gateways/echo/media`);
    webSocket.on('error', () => {});
    await once(webSocket, 'open');
    attack(webSocket);
    const [code] = (await once(webSocket, 'close')) as [number];
    return code;
  };

  test('cuts off a peer that floods with messages or pings', async () => {
    const floods = [(webSocket: WebSocket) => webSocket.send('x'), (webSocket: WebSocket) => webSocket.ping()];
    for (const flood of floods) {
      const code = await closedAfter((webSocket) => {
        for (let i = 0; i < 2_100; i++) flood(webSocket);
      });
      expect([1006, 1008]).toContain(code); // torn off in the middle of its flood, or told why before
      await server?.stop();
    }
  });

  test('takes no message of more than 64 KiB or of more than 16 fragments', async () => {
    expect(await closedAfter((webSocket) => webSocket.send(new Uint8Array(64 * 1024 + 1)))).toBe(1009);
    await server?.stop();
    const fragments = (webSocket: WebSocket) => {
      for (let i = 0; i < 20; i++) webSocket.send('x', { fin: false });
    };
    expect(await closedAfter(fragments)).toBe(1008);
  });

  test('a ping is answered', async () => {
    const { port } = await start();
    const webSocket = new WebSocket(`ws://127.0.0.1:${port}/gateways/echo/media`);
    await once(webSocket, 'open');
    webSocket.ping('still there?');
    expect(String((await once(webSocket, 'pong'))[0])).toBe('still there?');
    webSocket.close();
  });
});
