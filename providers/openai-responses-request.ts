/** What the Responses protocol accepts, and the conversation that a request holds. */
import type { Said } from './answers.ts';
import { isObject, listOf, objectOf, textOf, typeName, type Json } from './json.ts';
import { badType, badValue, belowMinimum, missing, notJson, unknownParameter, wrongFunction, type Wrong } from './openai.ts';
import { textOfContent } from './openai-chat-request.ts';

const FEWEST_TOKENS = 16;
const roles = ['assistant', 'system', 'developer', 'user'];
const known: ReadonlySet<string> = new Set(
  `model input instructions stream stream_options store max_output_tokens max_tool_calls metadata tools tool_choice parallel_tool_calls
  temperature top_p top_logprobs text reasoning include truncation previous_response_id conversation prompt prompt_cache_key
  prompt_cache_retention safety_identifier service_tier user background`.split(/\s+/),
);

/** Undefined when the request is a good one. */
export function wrongResponses(body: unknown): Wrong | undefined {
  if (!isObject(body)) return notJson;
  if (textOf(body.model) === '') return missing('model');
  const stranger = unknownParameter(body, known);
  if (stranger) return stranger;
  const { previous_response_id: previous, max_output_tokens: most } = body;
  if (typeof previous === 'string') {
    return {
      message: `Previous response with id '${previous}' not found.`,
      param: 'previous_response_id',
      code: 'previous_response_not_found',
    };
  }
  if (most !== undefined && most !== null) {
    if (!Number.isInteger(most)) return badType('max_output_tokens', 'an integer', typeName(most));
    if (Number(most) < FEWEST_TOKENS) return belowMinimum('max_output_tokens', FEWEST_TOKENS, most);
  }
  for (const [index, tool] of listOf(body.tools).entries()) {
    if (objectOf(tool).type !== 'function') return badValue(`tools[${index}].type`, objectOf(tool).type, ['function', 'custom']);
    const wrong = wrongFunction(objectOf(tool), `tools[${index}]`);
    if (wrong) return wrong;
  }
  if (typeof body.input === 'string') return undefined;
  if (!Array.isArray(body.input))
    return body.input === undefined ? missing('input') : badType('input', 'one of a string or an array', typeName(body.input));
  return wrongItems(body.input as unknown[]);
}

function wrongItems(items: readonly unknown[]): Wrong | undefined {
  const called = new Set<string>();
  const answered = new Set<string>();
  for (const [index, given] of items.entries()) {
    const item = objectOf(given);
    const path = `input[${index}]`;
    const type = item.type ?? 'message';
    if (type === 'message') {
      if (!roles.includes(textOf(item.role))) return badValue(`${path}.role`, item.role, roles);
      if (typeof item.content !== 'string' && !Array.isArray(item.content))
        return badType(`${path}.content`, 'one of an array or a string', typeName(item.content));
      const parts = item.role === 'assistant' ? ['output_text', 'refusal'] : ['input_text', 'input_image', 'input_file'];
      for (const [at, part] of listOf(item.content).entries()) {
        if (!parts.includes(textOf(objectOf(part).type))) return badValue(`${path}.content[${at}].type`, objectOf(part).type, parts);
      }
    } else if (type === 'function_call') {
      for (const name of ['call_id', 'name', 'arguments']) if (typeof item[name] !== 'string') return missing(`${path}.${name}`);
      called.add(textOf(item.call_id));
    } else if (type === 'function_call_output') {
      for (const name of ['call_id', 'output']) if (item[name] === undefined) return missing(`${path}.${name}`);
      if (!called.has(textOf(item.call_id))) {
        return { message: `No tool call found for function call output with call_id ${String(item.call_id)}.`, param: 'input' };
      }
      answered.add(textOf(item.call_id));
    } else if (type !== 'reasoning')
      return badValue(`${path}.type`, type, ['message', 'function_call', 'function_call_output', 'reasoning']);
  }
  for (const id of called) if (!answered.has(id)) return { message: `No tool output found for function call ${id}.`, param: 'input' };
  return undefined;
}

export function responsesConversation(body: Json): Said[] {
  if (typeof body.input === 'string') return [{ by: 'caller', text: body.input }];
  return listOf(body.input).flatMap((given): Said[] => {
    const { type, role, content, output } = objectOf(given);
    if (type === 'function_call_output') return [{ by: 'tool', text: typeof output === 'string' ? output : JSON.stringify(output) }];
    if (role === 'user') return [{ by: 'caller', text: textOfContent(content) }];
    return role === 'assistant' ? [{ by: 'assistant', text: textOfContent(content) }] : [];
  });
}
