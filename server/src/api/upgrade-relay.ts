/**
 * WebSocket upgrades that arrive on the console's port. Those of gateways belong on the call thread's own port and are
 * relayed to it byte for byte (a tunnel may have one port only); the live feed takes its own; every other is refused.
 */
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Clock } from '#kit/clock.ts';

export interface UpgradeRelayOptions {
  clock: Clock;
  /** Where the call thread takes WebSockets. */
  media: { host: string; port: number };
}

const CONNECT_WITHIN_MS = 5_000;
const MOST_RELAYED = 4_000;
const LIVE_FEED = '/live/';
const STATUS = { 404: 'Not Found', 502: 'Bad Gateway', 503: 'Service Unavailable' } as const;

function refuse(socket: Duplex, status: keyof typeof STATUS): void {
  socket.on('error', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

/** An address that all interfaces listen on is reached on the loopback. */
function reachable(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
}

/** Takes upgrades of `app`'s server until it closes; open relays are cut then. */
export function relayUpgrades(app: FastifyInstance, { clock, media }: UpgradeRelayOptions): void {
  const open = new Set<Duplex>();
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const url = request.url ?? '';
    if (url.startsWith(LIVE_FEED)) return;
    if (!url.startsWith('/gateways/')) return refuse(socket, 404);
    if (open.size >= MOST_RELAYED) return refuse(socket, 503);
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    relay(request, socket, head, { clock, media });
  });
  app.addHook('preClose', async () => {
    for (const socket of open) socket.destroy();
  });
}

/** Both sides close together; a media port that does not answer is a 502. */
function relay(request: IncomingMessage, socket: Duplex, head: Buffer, { clock, media }: UpgradeRelayOptions): void {
  const upstream = connect({ port: media.port, host: reachable(media.host), noDelay: true });
  const deadline = clock.after(CONNECT_WITHIN_MS, () => upstream.destroy());
  let connected = false;
  upstream.once('connect', () => {
    connected = true;
    deadline.cancel();
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) upstream.write(head);
    upstream.pipe(socket).pipe(upstream);
  });
  upstream.on('error', () => {}); // `close` follows
  upstream.once('close', () => {
    deadline.cancel();
    if (connected || socket.destroyed) socket.destroy();
    else refuse(socket, 502);
  });
  socket.on('error', () => {}); // `close` follows
  socket.once('close', () => upstream.destroy());
}
