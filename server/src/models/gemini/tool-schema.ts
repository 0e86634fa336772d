/**
 * JSON Schema in the part of OpenAPI 3.0 that Gemini's `parameters` takes: no references, no `additionalProperties`, one
 * type per schema (`nullable` for null), `anyOf` as the only choice, enumerations of text only.
 */
import { functionSchema } from '../tool-schema.ts';

type Schema = Record<string, unknown>;

const DEEPEST = 32;
const KEPT = new Set([
  'type',
  'title',
  'description',
  'nullable',
  'enum',
  'items',
  'minItems',
  'maxItems',
  'properties',
  'required',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'anyOf',
  'format',
]);
/** Formats that are not refused, by type. */
const FORMATS: Record<string, readonly string[]> = {
  string: ['enum', 'date-time'],
  number: ['float', 'double'],
  integer: ['int32', 'int64'],
};

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The parameters of a function, or undefined when it has none: an object without properties is refused. */
export function geminiParameters(parameters: Schema): Schema | undefined {
  const root = functionSchema(parameters);
  if (Object.keys(root.properties as Schema).length === 0) return undefined;
  return new Conversion(root).schema(root, 0, []);
}

class Conversion {
  #root: Schema;

  constructor(root: Schema) {
    this.#root = root;
  }

  /** `open` are the references being followed: a circle ends as a text. */
  schema(given: unknown, depth: number, open: readonly string[]): Schema {
    if (!isSchema(given) || depth > DEEPEST) return { type: 'string' };
    if (typeof given.$ref === 'string') {
      const { $ref: reference, ...beside } = given;
      if (open.includes(reference)) return { type: 'string' };
      const target = this.#resolve(reference);
      return this.schema({ ...(isSchema(target) ? target : {}), ...beside }, depth + 1, [...open, reference]);
    }
    const plain = flat(given);
    const out: Schema = {};
    for (const [key, value] of Object.entries(plain)) {
      if (!KEPT.has(key)) continue;
      if (key === 'properties' && isSchema(value)) {
        out.properties = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, this.schema(inner, depth + 1, open)]));
      } else if (key === 'items') out.items = this.schema(value, depth + 1, open);
      else if (key === 'anyOf' && Array.isArray(value)) out.anyOf = value.map((inner) => this.schema(inner, depth + 1, open));
      else out[key] = value;
    }
    return settled(out);
  }

  #resolve(reference: string): unknown {
    return reference
      .replace(/^#\/?/, '')
      .split('/')
      .filter(Boolean)
      .reduce<unknown>((at, step) => (isSchema(at) ? at[step.replace(/~1/g, '/').replace(/~0/g, '~')] : undefined), this.#root);
  }
}

/** Words that JSON Schema has and Gemini has not, in its own: `const`, `oneOf`, `allOf`, a list of types. */
function flat(given: Schema): Schema {
  const { const: only, oneOf, allOf, type, ...rest } = given;
  let out: Schema = { ...rest };
  if (Array.isArray(allOf)) for (const part of allOf) if (isSchema(part)) out = { ...part, ...out };
  if (only !== undefined) out.enum = [only];
  if (Array.isArray(oneOf) && out.anyOf === undefined) out.anyOf = oneOf;
  const types = Array.isArray(type) ? type : type === undefined ? [] : [type];
  const some = types.filter((one) => one !== 'null');
  if (some.length < types.length) out.nullable = true;
  if (some.length === 1) out.type = some[0];
  else if (some.length > 1 && out.anyOf === undefined) out.anyOf = some.map((one) => ({ type: one }));
  if (Array.isArray(out.anyOf)) {
    const choices = out.anyOf.filter((choice) => !(isSchema(choice) && choice.type === 'null'));
    if (choices.length < out.anyOf.length) out.nullable = true;
    if (choices.length === 1 && isSchema(choices[0])) {
      const { anyOf: _choices, ...around } = out;
      return flat({ ...choices[0], ...around });
    }
    out.anyOf = choices;
  }
  return out;
}

/** Enumerations are of text; a format that is not known is refused, so it goes; a schema says its type. */
function settled(schema: Schema): Schema {
  const out = { ...schema };
  if (Array.isArray(out.enum)) {
    out.enum = out.enum.filter((value) => value !== null).map(String);
    out.type = 'string';
  }
  if (out.type === undefined && out.anyOf === undefined) out.type = out.properties ? 'object' : out.items ? 'array' : 'string';
  if (out.type === 'array') out.items ??= { type: 'string' };
  if (typeof out.format === 'string' && !FORMATS[String(out.type)]?.includes(out.format)) delete out.format;
  if (Array.isArray(out.required) && isSchema(out.properties)) {
    const known = new Set(Object.keys(out.properties));
    out.required = out.required.filter((name) => known.has(String(name)));
  }
  return out;
}
