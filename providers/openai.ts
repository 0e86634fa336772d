/** What OpenAI's language protocols share: keys, refusals, and the rules of function tools. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { sameKey } from './deepgram.ts';
import { isObject, objectOf, textOf, type Json } from './json.ts';
import type { Refusal } from './route.ts';

/** What is wrong with a request: its sentence, the parameter, a code. */
export interface Wrong {
  message: string;
  param?: string | null;
  code?: string | null;
}

export function openaiAdmits(request: IncomingMessage, _url: URL, key: string): boolean {
  return sameKey(request.headers.authorization?.replace(/^bearer\s+/i, ''), key);
}

export function openaiId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}

const types: Readonly<Record<number, string>> = { 429: 'requests', 500: 'server_error', 503: 'server_error' };
const codes: Readonly<Record<number, string>> = { 401: 'invalid_api_key', 429: 'rate_limit_exceeded' };

export function openaiError(status: number, { message, param = null, code = codes[status] ?? null }: Wrong): { error: Json } {
  return { error: { message, type: types[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error'), param, code } };
}

export function refuseOpenai(status: number, why: string): Refusal {
  return { status, body: openaiError(status, { message: why }), headers: { 'x-request-id': openaiId('req') } };
}

export function refuseWrong(wrong: Wrong): Refusal {
  return { status: 400, body: openaiError(400, wrong), headers: { 'x-request-id': openaiId('req') } };
}

export const notJson: Wrong = {
  message: 'We could not parse the JSON body of your request. (HINT: This likely means you aren’t using your HTTP library correctly.)',
};

export function missing(param: string): Wrong {
  return { message: `Missing required parameter: '${param}'.`, param, code: 'missing_required_parameter' };
}

export function badType(param: string, expected: string, got: string): Wrong {
  return { message: `Invalid type for '${param}': expected ${expected}, but got ${got} instead.`, param, code: 'invalid_type' };
}

export function badValue(param: string, given: unknown, supported: readonly string[]): Wrong {
  const all = supported.map((one) => `'${one}'`);
  const list = all.length > 1 ? `${all.slice(0, -1).join(', ')}, and ${all.at(-1)}` : all.join('');
  return { message: `Invalid value: '${String(given)}'. Supported values are: ${list}.`, param, code: 'invalid_value' };
}

export function emptyList(param: string): Wrong {
  const message = `Invalid '${param}': empty array. Expected an array with minimum length 1, but got an empty array instead.`;
  return { message, param, code: 'empty_array' };
}

export function belowMinimum(param: string, least: number, got: unknown): Wrong {
  const message = `Invalid '${param}': integer below minimum value. Expected a value >= ${least}, but got ${String(got)} instead.`;
  return { message, param, code: 'integer_below_min_value' };
}

/** The parameter that no request has; undefined when all are known. */
export function unknownParameter(body: Json, known: ReadonlySet<string>): Wrong | undefined {
  const name = Object.keys(body).find((one) => !known.has(one));
  return name === undefined ? undefined : { message: `Unknown parameter: '${name}'.`, param: name, code: 'unknown_parameter' };
}

/** A function's name and the schema of its parameters; `path` is where it stands. */
export function wrongFunction(tool: Json, path: string): Wrong | undefined {
  const { name, parameters } = tool;
  if (typeof name !== 'string') return missing(`${path}.name`);
  if (!/^[a-zA-Z0-9_-]{1,64}$/.test(name)) {
    const message = `Invalid '${path}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`;
    return { message, param: `${path}.name`, code: 'invalid_value' };
  }
  if (parameters === undefined || parameters === null) return undefined;
  const wrong = (what: string): Wrong => ({
    message: `Invalid schema for function '${name}': ${what}`,
    param: `${path}.parameters`,
    code: 'invalid_function_parameters',
  });
  if (!isObject(parameters) || parameters.type !== 'object') {
    return wrong(`schema must be a JSON Schema of 'type: "object"', got 'type: "${textOf(objectOf(parameters).type) || 'None'}"'.`);
  }
  if (!isObject(parameters.properties)) return wrong('In context=(), object schema missing properties.');
  const array = arrayWithoutItems(parameters, []);
  return array && wrong(`In context=(${array.map((step) => `'${step}'`).join(', ')}), array schema missing items.`);
}

function arrayWithoutItems(schema: Json, path: readonly string[]): string[] | undefined {
  if (schema.type === 'array' && schema.items === undefined) return [...path];
  for (const [name, inner] of Object.entries(objectOf(schema.properties))) {
    const found = isObject(inner) && arrayWithoutItems(inner, [...path, 'properties', name]);
    if (found) return found;
  }
  return isObject(schema.items) ? arrayWithoutItems(schema.items, [...path, 'items']) : undefined;
}
