/** Every failure leaves as an RFC 9457 problem document with a stable code; what went wrong inside stays in the log. */
import { type ErrorCode, errorCatalogue, type Problem } from '@tandem/contract';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from 'fastify-type-provider-zod';
import { TandemError } from '#kit/errors.ts';
import type { Log } from '#kit/log.ts';

export function problemOf(code: ErrorCode, detail?: string, errors?: Problem['errors']): Problem {
  const { status, title } = errorCatalogue[code];
  return { type: `/docs#problem-${code}`, title, status, code, ...(detail && detail !== title ? { detail } : {}), ...(errors ? { errors } : {}) };
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

/** Fastify's and our own errors to the catalogue; anything unforeseen is `internal-error` and logged in full. */
function translate(error: FastifyError, request: FastifyRequest, log: Log): Problem {
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map(({ instancePath, message }) => ({ path: instancePath, message: message ?? 'is not acceptable' }));
    return problemOf('invalid-input', undefined, errors);
  }
  if (error instanceof TandemError) return problemOf(error.code, error.message);
  if (error.statusCode === 413) return problemOf('too-large');
  if (error.statusCode === 429) return problemOf('rate-limited', error.message);
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) return problemOf('bad-request', error.message);
  const what = isResponseSerializationError(error) ? 'an answer did not match its schema' : 'a request failed';
  log.error({ error, requestId: request.id, method: request.method, url: request.url.split('?')[0] }, what);
  return problemOf('internal-error');
}

export function installProblems(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(reply, { ...translate(error, request, log), instance: request.id }));
  app.setNotFoundHandler((request, reply) => sendProblem(reply, { ...problemOf('not-found', 'There is nothing at this path'), instance: request.id }));
}
