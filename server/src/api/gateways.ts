/** `/gateways/<name>/…` over HTTP: a carrier's webhook goes to the gateway in the call thread as a command. */
import type { FastifyInstance } from 'fastify';
import { TandemError } from '#kit/errors.ts';
import type { CallThread } from './call-thread-client.ts';

const MOST_BODY_BYTES = 64 * 1024;
/** Carriers repeat a webhook that is not answered within some 15 s. */
const ANSWER_WITHIN_MS = 5_000;
/** Carriers send every call's webhooks from few addresses: 40 calls a second, five requests each. */
const REQUESTS_PER_MINUTE = 12_000;

export function gatewayRoutes(app: FastifyInstance, callThread: CallThread): void {
  void app.register(async (scope) => {
    // Signatures cover the body as it was sent, so it is never parsed here.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: MOST_BODY_BYTES }, (_request, body, done) => done(null, body));
    scope.route<{ Params: { name: string; '*': string } }>({
      method: ['GET', 'POST'],
      url: '/gateways/:name/*',
      schema: { hide: true },
      config: { rateLimit: { max: REQUESTS_PER_MINUTE, timeWindow: '1 minute' } },
      handler: async (request, reply) => {
        // The path as it was sent, for the same reason.
        const [, name, path] = /^\/gateways\/([a-z0-9-]{1,32})(\/.*)$/.exec(request.raw.url ?? '') ?? [];
        if (name === undefined || path === undefined) throw new TandemError('not-found', 'There is no such gateway');
        const headers: Record<string, string> = {};
        for (const [key, value] of Object.entries(request.headers)) {
          if (value !== undefined) headers[key] = Array.isArray(value) ? value.join(', ') : value;
        }
        const body = typeof request.body === 'string' ? request.body : '';
        const answer = await callThread.command(
          'gateway-request',
          { gateway: name, request: { method: request.method, path, headers, body, remoteAddress: request.ip } },
          ANSWER_WITHIN_MS,
        );
        if (answer.status === 404 && answer.body === '') throw new TandemError('not-found', 'There is no such gateway');
        return reply.code(answer.status).headers(answer.headers).send(answer.body);
      },
    });
  });
}
