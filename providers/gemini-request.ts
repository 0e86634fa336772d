/** What Gemini's `generateContent` accepts, and the conversation that a request holds. Answers are the sentence that refuses. */
import type { Said } from './answers.ts';
import { isObject, listOf, objectOf, textOf, type Json } from './json.ts';

const known = [
  'contents',
  'tools',
  'toolConfig',
  'safetySettings',
  'systemInstruction',
  'generationConfig',
  'cachedContent',
  'labels',
  'model',
];
const schemaFields =
  `type format title description nullable enum maxItems minItems properties required minProperties maxProperties minLength
  maxLength pattern example anyOf propertyOrdering default items minimum maximum`.split(/\s+/);
const declarationFields = ['name', 'description', 'behavior', 'parameters', 'parametersJsonSchema', 'response', 'responseJsonSchema'];
const schemaTypes = ['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL'];

/** Protocol buffers take both `snake_case` and `camelCase`. */
function camel(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** A field in either spelling. */
export function field(from: Json, name: string): unknown {
  const key = Object.keys(from).find((one) => camel(one) === name);
  return key === undefined ? undefined : from[key];
}

function stranger(given: Json, fields: readonly string[], path: string): string | undefined {
  const name = Object.keys(given).find((one) => !fields.includes(camel(one)));
  if (name === undefined) return undefined;
  return `Invalid JSON payload received. Unknown name "${name}"${path === '' ? '' : ` at '${path}'`}: Cannot find field.`;
}

/** Undefined when the request is a good one. */
export function wrongContentRequest(body: unknown, model: string): string | undefined {
  if (!isObject(body)) return 'Invalid JSON payload received. Unexpected token.';
  const contents = listOf(body.contents);
  if (contents.length === 0) return '* GenerateContentRequest.contents: contents is not specified\n';
  return stranger(body, known, '') ?? wrongTools(body.tools) ?? wrongContents(contents, model);
}

export function wrongTools(tools: unknown): string | undefined {
  for (const [at, tool] of listOf(tools).entries()) {
    for (const [index, given] of listOf(field(objectOf(tool), 'functionDeclarations')).entries()) {
      const declaration = objectOf(given);
      const path = `tools[${at}].function_declarations[${index}]`;
      const wrong = stranger(declaration, declarationFields, path);
      if (wrong !== undefined) return wrong;
      if (!/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/.test(textOf(declaration.name))) {
        return `* GenerateContentRequest.${path}.name: Invalid function name. Must start with a letter or an underscore.\n`;
      }
      const schema = declaration.parameters;
      const bad = schema === undefined ? undefined : wrongSchema(schema, `${path}.parameters`);
      if (bad !== undefined) return bad;
    }
  }
  return undefined;
}

function wrongSchema(given: unknown, path: string): string | undefined {
  if (!isObject(given)) return `Invalid value at '${path}' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)`;
  const unknown = stranger(given, schemaFields, path);
  if (unknown !== undefined) return unknown;
  const wrong = (what: string): string => `* GenerateContentRequest.${path}${what}\n`;
  if (Array.isArray(given.type)) return `Invalid value at '${path}.type' (TYPE_ENUM), proto field is not repeating, cannot start list.`;
  const type = textOf(given.type).toUpperCase();
  if (given.type !== undefined && !schemaTypes.includes(type))
    return `Invalid value at '${path}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), ${JSON.stringify(given.type)}`;
  if (given.enum !== undefined && type !== 'STRING') return wrong('.enum: only allowed for STRING type');
  if (listOf(given.enum).some((one) => typeof one !== 'string')) return `Invalid value at '${path}.enum[0]' (TYPE_STRING)`;
  if (type === 'STRING' && given.format !== undefined && !['enum', 'date-time'].includes(textOf(given.format))) {
    return wrong(".format: only 'enum' and 'date-time' are supported for STRING type");
  }
  const properties = objectOf(given.properties);
  if (type === 'OBJECT' && Object.keys(properties).length === 0) return wrong('.properties: should be non-empty for OBJECT type');
  if (type === 'ARRAY' && given.items === undefined) return wrong('.items: missing field.');
  for (const [index, name] of listOf(given.required).entries()) {
    if (!(String(name) in properties)) return wrong(`.required[${index}]: property is not defined`);
  }
  for (const [name, inner] of Object.entries(properties)) {
    const bad = wrongSchema(inner, `${path}.properties[${name}]`);
    if (bad !== undefined) return bad;
  }
  for (const [index, inner] of listOf(field(given, 'anyOf')).entries()) {
    const bad = wrongSchema(inner, `${path}.any_of[${index}]`);
    if (bad !== undefined) return bad;
  }
  return given.items === undefined ? undefined : wrongSchema(given.items, `${path}.items`);
}

function partsOf(content: unknown, name: string): Json[] {
  return listOf(objectOf(content).parts).flatMap((part) => {
    const value = field(objectOf(part), name);
    return isObject(value) ? [value] : [];
  });
}

function wrongContents(contents: readonly unknown[], model: string): string | undefined {
  for (const [index, given] of contents.entries()) {
    const content = objectOf(given);
    const path = `contents[${index}]`;
    if (content.role !== undefined && content.role !== 'user' && content.role !== 'model') return 'Please use a valid role: user, model.';
    const parts = listOf(content.parts);
    if (parts.length === 0) return `* GenerateContentRequest.${path}.parts: contents.parts must not be empty.\n`;
    for (const [at, part] of parts.entries()) {
      const wrong = stranger(
        objectOf(part),
        [
          'text',
          'inlineData',
          'fileData',
          'functionCall',
          'functionResponse',
          'thought',
          'thoughtSignature',
          'executableCode',
          'codeExecutionResult',
          'videoMetadata',
        ],
        `${path}.parts[${at}]`,
      );
      if (wrong !== undefined) return wrong;
    }
    const calls = partsOf(content, 'functionCall');
    const results = partsOf(content, 'functionResponse');
    const before = contents[index - 1];
    if (calls.length > 0 && (index === 0 || objectOf(before).role === 'model')) {
      return 'Please ensure that function call turn comes immediately after a user turn or after a function response turn.';
    }
    const asked = partsOf(before, 'functionCall');
    if (results.length > 0 && asked.length === 0)
      return 'Please ensure that function response turn comes immediately after a function call turn.';
    if (asked.length !== results.length) {
      return 'Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.';
    }
    for (const [at, result] of results.entries()) {
      if (textOf(result.name) === '')
        return `* GenerateContentRequest.${path}.parts[${at}].function_response.name: Name cannot be empty.\n`;
      if (!isObject(result.response))
        return `Invalid value at '${path}.parts[${at}].function_response.response' (type.googleapis.com/google.protobuf.Struct)`;
    }
  }
  return /^gemini-[3-9]/.test(model) ? unsigned(contents) : undefined;
}

/** Newer models want the signature of their first call of each step of the current turn back. */
function unsigned(contents: readonly unknown[]): string | undefined {
  const turn = contents.findLastIndex(
    (content) => objectOf(content).role !== 'model' && listOf(objectOf(content).parts).some((part) => 'text' in objectOf(part)),
  );
  for (const [index, content] of contents.entries()) {
    if (index < turn) continue;
    const at = listOf(objectOf(content).parts).findIndex((part) => isObject(field(objectOf(part), 'functionCall')));
    const part = objectOf(listOf(objectOf(content).parts)[at]);
    if (at >= 0 && textOf(field(part, 'thoughtSignature')) === '') {
      const name = textOf(objectOf(field(part, 'functionCall')).name);
      return `Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, and missing thought_signature may lead to degraded model performance. Additional data, function call \`default_api:${name}\` , position ${index + 1}.`;
    }
  }
  return undefined;
}

export function contentConversation(contents: unknown): Said[] {
  return listOf(contents).flatMap((given): Said[] => {
    const content = objectOf(given);
    return listOf(content.parts).flatMap((part): Said[] => {
      const result = field(objectOf(part), 'functionResponse');
      if (isObject(result)) return [{ by: 'tool', text: resultText(objectOf(result.response)) }];
      const text = textOf(objectOf(part).text);
      return text === '' ? [] : [{ by: content.role === 'model' ? 'assistant' : 'caller', text }];
    });
  });
}

/** A result that is nothing but a text is that text. */
export function resultText(response: Json): string {
  const only = response.result ?? response.output;
  return typeof only === 'string' && Object.keys(response).length === 1 ? only : JSON.stringify(response);
}
