/** JSON Schemas of tools' arguments, in the forms that vendors take. */

type Schema = Record<string, unknown>;

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The schema of a function's arguments: always an object, without the dialect's name, which some servers refuse. */
export function functionSchema(parameters: Schema): Schema {
  const { $schema: _dialect, ...rest } = parameters;
  return { ...rest, type: 'object', properties: isSchema(rest.properties) ? rest.properties : {} };
}
