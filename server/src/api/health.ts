/** `/livez`, `/readyz`, `/metrics`: for machines, without a key; they tell nothing of any business's content. */
import type { Readiness } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { shapes } from './schemas.ts';

const shape = shapes.readiness;

export function healthRoutes(app: FastifyInstance, options: { registry: Registry; readiness: () => Promise<Readiness> }): void {
  app.get('/livez', { schema: { tags: ['health'], summary: 'The process is alive', security: [] } }, async () => ({ alive: true }));

  app.get(
    '/readyz',
    {
      schema: {
        tags: ['health'],
        summary: 'Whether a new call is taken, with every reason why not',
        security: [],
        response: { 200: shape, 503: shape },
      },
    },
    async (_request, reply) => {
      const verdict = await options.readiness();
      return reply.code(verdict.ready ? 200 : 503).send(verdict);
    },
  );

  app.get('/metrics', { schema: { tags: ['health'], summary: 'Prometheus metrics', security: [] } }, async (_request, reply) => {
    return reply.type(options.registry.contentType).send(await options.registry.metrics());
  });
}
