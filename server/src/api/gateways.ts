/**
 * `/gateways/<name>/…`: HTTP goes to the gateway in the call thread as a command. WebSocket upgrades belong on the
 * call thread's own port; those that arrive here (a tunnel with one port) are relayed to it byte for byte.
 */
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { CallThread } from './call-thread-client.ts';

const MOST_BODY_BYTES = 64 * 1024;

export function gatewayRoutes(app: FastifyInstance, callThread: CallThread): void {
  app.register(async (scope) => {
    // Signatures cover the body as it was sent, so it is never parsed here.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MOST_BODY_BYTES }, (_request, body, done) => done(null, body));
    scope.route<{ Params: { name: string; '*': string } }>({
      method: ['GET', 'POST'],
      url: '/gateways/:name/*',
      schema: { hide: true },
      handler: async (request, reply) => {
        const { name } = request.params;
        const path = request.raw.url?.slice(`/gateways/${name}`.length) ?? '/';
        const headers = Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, Array.isArray(value) ? value.join(', ') : (value ?? '')]));
        const answer = await callThread.command('gateway-request', {
          gateway: name,
          request: { method: request.method, path, headers, body: typeof request.body === 'string' ? request.body : '', remoteAddress: request.ip },
        });
        return reply.code(answer.status).headers(answer.headers).send(answer.body);
      },
    });
  });
}

/** Relays an upgrade to the media port. Both sides close together; a media port that does not answer closes the caller's. */
export function relayUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer, media: { host: string; port: number }): void {
  const upstream = connect(media.port, media.host, () => {
    const lines = [`${request.method} ${request.url} HTTP/1.1`];
    for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) upstream.write(head);
    upstream.setNoDelay(true);
    upstream.pipe(socket).pipe(upstream);
  });
  const close = () => {
    upstream.destroy();
    socket.destroy();
  };
  upstream.on('error', close);
  upstream.on('close', close);
  socket.on('error', close);
  socket.on('close', close);
}
