/** JSON Schema of a tool's arguments, as businesses and MCP servers write it, to the check that runs before the tool does. */
import { z } from 'zod';
import { messageOf, TandemError } from '#kit/errors.ts';

const MAX_CHARS = 20_000;
const MAX_DEPTH = 12;
/**
 * Patterns that cannot stop the call thread, which carries everybody's sound: characters and classes without groups, at
 * most two of them repeated a variable number of times (matched in the square of the text's length at worst).
 */
const PATTERN_PART = /(?:\[(?:[^\\[\]]|\\.)+\]|\\[dwsDWS.\-/+?*()[\]{}^$]|[^\\[\](){}*+?|^$])(\{\d{1,3}\}|\{\d{1,3},\d{0,3}\}|[*+?])?/y;
const MAX_VARIABLE_PARTS = 2;
const MAX_PATTERN_CHARS = 200;

type Schema = Record<string, unknown>;

/** `strict`: what cannot be checked is a fault of whoever wrote it. `lenient`: it is left out of the check. */
export type SchemaManner = 'strict' | 'lenient';

/**
 * The check for a tool's arguments. Throws `invalid-input` saying what is wrong with the schema: it must describe an
 * object, hold no reference to another document, and be of a kind that can be checked.
 */
export function argumentsSchema(parameters: Schema, manner: SchemaManner = 'strict'): z.ZodType {
  if (JSON.stringify(parameters).length > MAX_CHARS) throw fault(`is longer than ${MAX_CHARS} characters`);
  if (parameters.type !== 'object') throw fault('must describe an object: "type": "object"');
  const readable = walk(parameters, manner, 0, '') as Schema;
  try {
    const schema = z.fromJSONSchema(readable);
    // Some faults (a reference that leads nowhere) only show when it is used.
    schema.safeParse({});
    return schema;
  } catch (error) {
    throw fault(messageOf(error));
  }
}

/** The names of the arguments. */
export function argumentNames(parameters: Schema): string[] {
  const { properties } = parameters;
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
}

/** The same schema without what would not be safe to run. */
function walk(value: unknown, manner: SchemaManner, depth: number, path: string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) throw fault(`is nested deeper than ${MAX_DEPTH}`);
  if (Array.isArray(value)) return value.map((one, index) => walk(one, manner, depth + 1, `${path}/${index}`));
  const out: Schema = {};
  for (const [key, inner] of Object.entries(value)) {
    const where = `${path}/${key}`;
    const named = path.endsWith('/properties') || path.endsWith('/$defs') || path.endsWith('/definitions');
    if (key === '$ref' && !named && !(typeof inner === 'string' && inner.startsWith('#')))
      throw fault(`refers to another document at ${where}`);
    if (key === 'patternProperties' && !named) {
      if (manner === 'strict') throw fault(`patternProperties is not supported at ${where}`);
    } else if (key === 'pattern' && !named && !isSafePattern(inner)) {
      if (manner === 'strict') throw fault(`the pattern at ${where} is not supported: use plain characters and classes without groups`);
    } else
      Object.defineProperty(out, key, {
        value: walk(inner, manner, depth + 1, where),
        enumerable: true,
        writable: true,
        configurable: true,
      });
  }
  return out;
}

function isSafePattern(pattern: unknown): boolean {
  if (typeof pattern !== 'string' || pattern.length > MAX_PATTERN_CHARS) return false;
  const body = pattern.replace(/^\^/, '').replace(/\$$/, '');
  let variable = 0;
  for (let at = 0; at < body.length; at = PATTERN_PART.lastIndex) {
    PATTERN_PART.lastIndex = at;
    const part = PATTERN_PART.exec(body);
    if (!part) return false;
    if (part[1] !== undefined && !/^\{\d+\}$/.test(part[1])) variable++;
  }
  if (variable > MAX_VARIABLE_PARTS) return false;
  try {
    return new RegExp(pattern, 'u').source !== '';
  } catch {
    return false;
  }
}

function fault(message: string): TandemError {
  return new TandemError('invalid-input', `The JSON Schema of the arguments ${message}`, { path: 'parameters' });
}
