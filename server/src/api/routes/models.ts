/** `/api/v1/models`: the providers this installation can use, for whoever fills in an assistant. No key or address is told. */
import type { InstalledModels } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { TandemError } from '#kit/errors.ts';
import { shapes } from '../schemas.ts';

export interface ModelOptions {
  /** Names by stage, best first; undefined until the call thread has told them. */
  models?: () => InstalledModels | undefined;
}

export function modelRoutes(plain: FastifyInstance, { models }: ModelOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const schema = { tags: ['assistants'], summary: 'The providers installed, best first', response: { 200: shapes.installedModels } };
  app.get('/api/v1/models', { schema }, async () => {
    const installed = models?.();
    if (!installed) throw new TandemError('unavailable', 'The call thread has not told its providers yet');
    return installed;
  });
}
