/** The arguments of a tool as rows of a table, and as the JSON Schema that the language model is given. */

export const argumentTypes = {
  string: 'Text',
  number: 'Number',
  integer: 'Whole number',
  boolean: 'Yes or no',
  date: 'Date',
  choice: 'One of a list',
} as const;
export type ArgumentType = keyof typeof argumentTypes;

export type Argument = {
  name: string;
  type: ArgumentType;
  /** Told to the assistant: what it is and how to ask for it. */
  description: string;
  required: boolean;
  /** Separated by commas; for `choice` only. */
  choices: string;
};

export const newArgument: Argument = { name: '', type: 'string', description: '', required: true, choices: '' };

type Schema = Record<string, unknown>;

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);

const choicesOf = (choices: string): string[] => [
  ...new Set(
    choices
      .split(',')
      .map((choice) => choice.trim())
      .filter(Boolean),
  ),
];

function propertyOf({ type, description, choices }: Argument): Schema {
  const said = description.trim() ? { description: description.trim() } : {};
  if (type === 'date') return { type: 'string', format: 'date', ...said };
  if (type === 'choice') return { type: 'string', enum: choicesOf(choices), ...said };
  return { type, ...said };
}

/** Rows without a name are left out. */
export function schemaOf(rows: readonly Argument[]): Schema {
  const named = rows.filter(({ name }) => name.trim() !== '');
  const required = named.filter((row) => row.required).map(({ name }) => name.trim());
  return {
    type: 'object',
    properties: Object.fromEntries(named.map((row) => [row.name.trim(), propertyOf(row)])),
    ...(required.length > 0 ? { required } : {}),
  };
}

const known = (schema: Schema, keys: readonly string[]): boolean => Object.keys(schema).every((key) => keys.includes(key));
const texts = (value: unknown): value is string[] => Array.isArray(value) && value.every((each) => typeof each === 'string');

function rowOf(name: string, schema: unknown, required: boolean): Argument | undefined {
  if (!isSchema(schema) || !known(schema, ['type', 'description', 'format', 'enum'])) return undefined;
  const { type, description = '', format, enum: choices } = schema;
  if (typeof description !== 'string') return undefined;
  const row = { ...newArgument, name, description, required };
  if (choices !== undefined) {
    if (type !== 'string' || format !== undefined || !texts(choices) || choices.some((choice) => /^\s|\s$|,|^$/.test(choice)))
      return undefined;
    return { ...row, type: 'choice', choices: choices.join(', ') };
  }
  if (format !== undefined) return type === 'string' && format === 'date' ? { ...row, type: 'date' } : undefined;
  return type === 'string' || type === 'number' || type === 'integer' || type === 'boolean' ? { ...row, type } : undefined;
}

/** The table of a schema; undefined when the schema says more than a table can show. */
export function rowsOf(schema: unknown): Argument[] | undefined {
  if (!isSchema(schema) || !known(schema, ['type', 'properties', 'required'])) return undefined;
  const { type, properties = {}, required = [] } = schema;
  if (type !== 'object' || !isSchema(properties) || !texts(required) || required.some((name) => !(name in properties))) return undefined;
  const rows: Argument[] = [];
  for (const [name, property] of Object.entries(properties)) {
    const row = rowOf(name, property, required.includes(name));
    if (!row || name.trim() === '') return undefined;
    rows.push(row);
  }
  return rows;
}

/** The schema that somebody wrote as JSON, or the sentence that says what is wrong with it. */
export function readSchema(json: string): { schema: Schema } | { fault: string } {
  try {
    const read: unknown = JSON.parse(json);
    return isSchema(read) ? { schema: read } : { fault: 'A JSON Schema is an object: { "type": "object", … }' };
  } catch (error) {
    return { fault: `This is not JSON: ${error instanceof Error ? error.message : 'it cannot be read'}` };
  }
}
