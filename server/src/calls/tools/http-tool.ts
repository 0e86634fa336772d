/** A tool that is one HTTP request, as a business has written it. */
import type { httpToolInput } from '@tandem/contract';
import type { z } from 'zod';
import { type FailureCategory, TandemError, VendorError } from '#kit/errors.ts';
import type { EffectState, Tool, ToolContext } from '#models/tool.ts';
import type { CollectedValues } from './collected-values.ts';
import type { Egress, EgressResponse } from './egress.ts';
import { Masking } from './masking.ts';
import { checkBody, checkUrl, type Fill, fillBody, fillHeader, fillUrl, placesOf } from './template.ts';
import { resultOf, shortText } from './tool-result.ts';
import { argumentNames, argumentsSchema } from './tool-schema.ts';

export type HttpToolDefinition = z.infer<typeof httpToolInput>;
type Input = Record<string, unknown>;

const SECRET = 'secret:';
const IDEMPOTENCY_KEY = 'idempotencyKey';

/**
 * Throws `invalid-input`, saying what is wrong, for a definition that could never work: a schema that cannot be checked,
 * an unknown placeholder or secret, a body that is not what it says. For the API, before it is stored.
 */
export function checkHttpTool(definition: HttpToolDefinition): void {
  const { parameters, url, reconcileUrl, headers, body, secrets } = definition;
  argumentsSchema(parameters);
  const known = new Set([...argumentNames(parameters), IDEMPOTENCY_KEY]);
  checkUrl(url, 'url');
  if (reconcileUrl !== '') checkUrl(reconcileUrl, 'reconcileUrl');
  checkPlaces({ url, reconcileUrl, body, ...headers }, known, secrets);
  for (const [name, value] of Object.entries(secrets))
    if (/[\p{Cc}]/u.test(value))
      throw new TandemError('invalid-input', `The secret ${name} holds a line break or control character`, { path: 'secrets' });
  if (body !== '') checkBody(body, contentTypeOf(headers));
}

/** Throws `invalid-input` for a placeholder that nothing fills. */
export function checkPlaces(templates: Record<string, string>, known: ReadonlySet<string>, secrets: Record<string, string>): void {
  for (const [path, template] of Object.entries(templates)) {
    for (const place of placesOf(template)) {
      if (known.has(place)) continue;
      const missing = place.startsWith(SECRET) && !Object.hasOwn(secrets, place.slice(SECRET.length));
      if (place.startsWith(SECRET) && !missing) continue;
      throw new TandemError(
        'invalid-input',
        missing ? `There is no secret ${place.slice(SECRET.length)}` : `{{${place}}} is neither an argument nor a secret`,
        { path },
      );
    }
  }
}

/** Fills arguments, secrets and the idempotency key; anything else with nothing. */
export function filling(input: Input, secrets: Record<string, string>, idempotencyKey: string): Fill {
  return (name) => {
    if (name.startsWith(SECRET)) return secrets[name.slice(SECRET.length)] ?? '';
    if (name === IDEMPOTENCY_KEY) return idempotencyKey;
    return Object.hasOwn(input, name) ? input[name] : undefined;
  };
}

function contentTypeOf(headers: Record<string, string>): string {
  return (
    Object.entries(headers)
      .find(([name]) => name.toLowerCase() === 'content-type')?.[1]
      ?.toLowerCase() ?? 'application/json'
  );
}

/** Makes the tool. Throws `invalid-input` as {@link checkHttpTool} does. */
export function httpTool(definition: HttpToolDefinition, parts: { egress: Egress; collected?: CollectedValues }): Tool {
  checkHttpTool(definition);
  const { name, description, parameters, sideEffect, interruptible, timeoutMs, say, reconcileUrl } = definition;
  return {
    name,
    description,
    schema: argumentsSchema(parameters),
    parameters,
    sideEffect,
    interruptible: interruptible && !sideEffect,
    timeoutMs,
    ...(say === '' ? {} : { say }),
    run: (input, context) => run(definition, parts, input as Input, context),
    ...(reconcileUrl === '' ? {} : { reconcile: (input, context) => reconcile(definition, parts, input as Input, context) }),
  };
}

async function run(
  definition: HttpToolDefinition,
  parts: { egress: Egress; collected?: CollectedValues },
  given: Input,
  context: ToolContext,
): Promise<unknown> {
  const { name, method, url, body, secrets, sideEffect, timeoutMs } = definition;
  const input = (parts.collected?.reveal(given) ?? given) as Input;
  const masking = new Masking([...Object.values(secrets), ...(parts.collected?.secrets ?? [])]);
  const fill = filling(input, secrets, context.idempotencyKey);
  const headers = headersFor(definition, fill);
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH' || body !== '';
  if (sideEffect) headers['idempotency-key'] ??= context.idempotencyKey;
  if (hasBody) headers['content-type'] ??= 'application/json';
  const answer = await parts.egress.send({
    method,
    url: fillUrl(url, fill),
    headers,
    ...(hasBody ? { body: body === '' ? JSON.stringify(input) : fillBody(body, headers['content-type'].toLowerCase(), fill) } : {}),
    deadlineMs: timeoutMs,
    signal: context.signal,
  });
  if (answer.status >= 200 && answer.status < 300) return answerOf(answer, masking);
  const text = shortText(answer.body.toString(), answer.headers['content-type'] ?? '', masking);
  throw new VendorError(name, categoryOf(answer.status), `answered ${answer.status}${text === '' ? '' : `: ${text}`}`);
}

/** Asks with GET whether the request of this idempotency key arrived: 2xx done, 404 not done, anything else nobody knows. */
async function reconcile(
  definition: HttpToolDefinition,
  parts: { egress: Egress; collected?: CollectedValues },
  given: Input,
  context: ToolContext,
): Promise<EffectState> {
  const { reconcileUrl, secrets, timeoutMs } = definition;
  const input = (parts.collected?.reveal(given) ?? given) as Input;
  const fill = filling(input, secrets, context.idempotencyKey);
  try {
    const headers = headersFor(definition, fill);
    delete headers['content-type'];
    const answer = await parts.egress.send({
      method: 'GET',
      url: fillUrl(reconcileUrl, fill),
      headers,
      deadlineMs: timeoutMs,
      signal: context.signal,
    });
    const masking = new Masking([...Object.values(secrets), ...(parts.collected?.secrets ?? [])]);
    if (answer.status >= 200 && answer.status < 300) return { state: 'done', result: answerOf(answer, masking) };
    return { state: answer.status === 404 ? 'not-done' : 'unknown' };
  } catch {
    return { state: 'unknown' };
  }
}

function headersFor({ headers }: HttpToolDefinition, fill: Fill): Record<string, string> {
  const filled = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), fillHeader(value, fill)]);
  return { accept: 'application/json, text/plain;q=0.9, */*;q=0.5', ...(Object.fromEntries(filled) as Record<string, string>) };
}

function answerOf({ status, body, headers, truncated }: EgressResponse, masking: Masking): unknown {
  if (body.length === 0) return { status };
  return resultOf(body.toString(), headers['content-type'] ?? '', truncated, masking);
}

/** A server error says nothing about whether the effect happened. */
function categoryOf(status: number): FailureCategory {
  if (status === 401 || status === 403) return 'auth';
  if (status === 429) return 'rate-limited';
  return status >= 500 || status === 408 ? 'retryable' : 'bad-input';
}
