/** `/livez`, `/readyz`, `/metrics`: for machines, without a key; they tell nothing of any business's content. */
import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';
import { z } from 'zod';
import type { Readiness } from '#observe/readiness.ts';

const readiness = z.object({ ready: z.boolean(), reasons: z.array(z.string()), degraded: z.array(z.string()) }).meta({ id: 'Readiness' });

export function healthRoutes(app: FastifyInstance, options: { registry: Registry; readiness: () => Promise<Readiness> }): void {
  app.get('/livez', { schema: { tags: ['health'], summary: 'The process is alive', security: [] } }, async () => ({ alive: true }));

  app.get(
    '/readyz',
    { schema: { tags: ['health'], summary: 'Whether a new call is taken, with every reason why not', security: [], response: { 200: readiness, 503: readiness } } },
    async (_request, reply) => {
      const verdict = await options.readiness();
      return reply.code(verdict.ready ? 200 : 503).send(verdict);
    },
  );

  app.get('/metrics', { schema: { tags: ['health'], summary: 'Prometheus metrics', security: [] } }, async (_request, reply) => {
    return reply.type(options.registry.contentType).send(await options.registry.metrics());
  });
}
