/** Every failure leaves as an RFC 9457 problem document with a stable code; what went wrong inside stays in the log. */
import { type ErrorCode, errorCatalogue, type Problem } from '@tandem/contract';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors, isResponseSerializationError } from 'fastify-type-provider-zod';
import { TandemError } from '#kit/errors.ts';
import type { Log } from '#kit/log.ts';

/** The field a database constraint is about, as a JSON pointer into the request's body. */
const FIELD_OF_CONSTRAINT: Record<string, string> = {
  assistants_slug: '/slug',
  numbers_address: '/address',
  numbers_e164: '/address',
  numbers_business_id_assistant_id_fkey: '/assistantId',
  trunks_username: '/username',
  tools_name: '/name',
};

export function problemOf(code: ErrorCode, detail?: string, errors?: Problem['errors']): Problem {
  const { status, title } = errorCatalogue[code];
  return { type: `/docs#problem-${code}`, title, status, code, ...(detail && detail !== title && { detail }), ...(errors && { errors }) };
}

export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify({ ...problem, instance: reply.request.id }));
}

/** What is wrong in which field; an `invalid-input` always says so. */
function errorsOf({ code, message, detail }: TandemError): Problem['errors'] {
  const { path, constraint } = detail;
  if (typeof path === 'string') return [{ path: `/${path.replace(/^\//, '')}`, message }];
  const field = typeof constraint === 'string' ? FIELD_OF_CONSTRAINT[constraint] : undefined;
  if (field) return [{ path: field, message }];
  return code === 'invalid-input' ? [{ path: '', message }] : undefined;
}

/** Fastify's and our own errors to the catalogue; anything unforeseen is `internal-error` and logged in full. */
function translate(error: FastifyError, request: FastifyRequest, log: Log): Problem {
  const fields = { requestId: request.id, method: request.method, url: request.url.split('?')[0] };
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map(({ instancePath, message }) => ({ path: instancePath, message: message ?? 'is not acceptable' }));
    return problemOf('invalid-input', undefined, errors);
  }
  if (error instanceof TandemError) {
    const problem = problemOf(error.code, error.message, errorsOf(error));
    if (problem.status >= 500) log.warn({ ...fields, code: error.code, error }, 'a request could not be served');
    return problem;
  }
  if (error.statusCode === 413) return problemOf('too-large');
  if (error.statusCode === 429) return problemOf('rate-limited', error.message);
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) return problemOf('bad-request', error.message);
  log.error({ ...fields, error }, isResponseSerializationError(error) ? 'an answer did not match its schema' : 'a request failed');
  return problemOf('internal-error');
}

/** Answers what Fastify refuses before any route is chosen: an address that cannot be decoded. */
export function refuseMalformed(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  void sendProblem(reply, problemOf('bad-request', error.message));
}

export function installProblems(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((error: FastifyError, request, reply) => sendProblem(reply, translate(error, request, log)));
  app.setNotFoundHandler((_request, reply) => sendProblem(reply, problemOf('not-found', 'There is nothing at this path')));
}
