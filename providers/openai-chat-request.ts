/** What chat completions accept, and the conversation that a request holds. */
import type { Said } from './answers.ts';
import { isObject, listOf, objectOf, textOf, typeName, type Json } from './json.ts';
import { badType, badValue, belowMinimum, emptyList, missing, notJson, unknownParameter, wrongFunction, type Wrong } from './openai.ts';

const roles = ['system', 'assistant', 'user', 'function', 'tool', 'developer'];
const known: ReadonlySet<string> = new Set(
  `model messages stream stream_options tools tool_choice parallel_tool_calls max_tokens max_completion_tokens temperature top_p n stop
  presence_penalty frequency_penalty logit_bias logprobs top_logprobs seed user response_format reasoning_effort verbosity service_tier
  store metadata modalities audio prediction prompt_cache_key prompt_cache_retention safety_identifier web_search_options functions
  function_call`.split(/\s+/),
);

/** Undefined when the request is a good one. */
export function wrongChat(body: unknown): Wrong | undefined {
  if (!isObject(body)) return notJson;
  if (textOf(body.model) === '') return { message: 'you must provide a model parameter' };
  const stranger = unknownParameter(body, known);
  if (stranger) return stranger;
  if (body.messages === undefined) return missing('messages');
  if (!Array.isArray(body.messages)) return badType('messages', 'an array of objects', typeName(body.messages));
  if (body.messages.length === 0) return emptyList('messages');
  return wrongLimits(body) ?? wrongTools(body) ?? wrongMessages(body.messages as unknown[]);
}

function wrongLimits(body: Json): Wrong | undefined {
  const model = textOf(body.model);
  if (body.max_tokens !== undefined && body.max_completion_tokens !== undefined) {
    return {
      message: "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
      code: 'invalid_parameter_combination',
    };
  }
  if (body.max_tokens !== undefined && /^(?:o\d|gpt-5)/.test(model)) {
    const message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    return { message, param: 'max_tokens', code: 'unsupported_parameter' };
  }
  for (const name of ['max_tokens', 'max_completion_tokens']) {
    const limit = body[name];
    if (limit === undefined || limit === null) continue;
    if (!Number.isInteger(limit)) return badType(name, 'an integer', typeName(limit));
    if (Number(limit) < 1) return belowMinimum(name, 1, limit);
  }
  if (body.stream_options !== undefined && body.stream !== true) {
    return { message: "The 'stream_options' parameter is only allowed when 'stream' is enabled.", param: 'stream_options' };
  }
  const effort = body.reasoning_effort;
  if (/^gpt-5\.[4-9]/.test(model) && listOf(body.tools).length > 0 && effort !== undefined && effort !== 'none') {
    const message = `Function tools with reasoning_effort are not supported for ${model} in /v1/chat/completions. Please use /v1/responses instead.`;
    return { message, param: 'reasoning_effort' };
  }
  return undefined;
}

function wrongTools(body: Json): Wrong | undefined {
  if (body.tools === undefined)
    return body.tool_choice === undefined ? undefined : { message: "'tool_choice' is only allowed when 'tools' are specified." };
  if (!Array.isArray(body.tools)) return badType('tools', 'an array of objects', typeName(body.tools));
  if (body.tools.length === 0) return emptyList('tools');
  for (const [index, tool] of listOf(body.tools).entries()) {
    if (objectOf(tool).type !== 'function') return badValue(`tools[${index}].type`, objectOf(tool).type, ['function', 'custom']);
    const wrong = wrongFunction(objectOf(objectOf(tool).function), `tools[${index}].function`);
    if (wrong) return wrong;
  }
  return undefined;
}

function wrongMessages(messages: readonly unknown[]): Wrong | undefined {
  /** Calls that still want their result. */
  let open = new Set<string>();
  const unanswered = (index: number): Wrong => ({
    message: `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${[...open].join(', ')}`,
    param: `messages.[${index}].role`,
  });
  for (const [index, given] of messages.entries()) {
    const message = objectOf(given);
    const role = textOf(message.role);
    if (!roles.includes(role)) return badValue(`messages[${index}].role`, message.role, roles);
    if (role !== 'tool' && open.size > 0) return unanswered(index);
    const wrong = wrongContent(message, index);
    if (wrong) return wrong;
    if (role === 'assistant') open = new Set(listOf(message.tool_calls).map((call) => textOf(objectOf(call).id)));
    if (role !== 'tool') continue;
    if (typeof message.tool_call_id !== 'string') return missing(`messages[${index}].tool_call_id`);
    if (!open.delete(message.tool_call_id)) {
      const message_ = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
      return { message: message_, param: `messages.[${index}].role` };
    }
  }
  return open.size > 0 ? unanswered(messages.length) : undefined;
}

function wrongContent(message: Json, index: number): Wrong | undefined {
  const { content, tool_calls: calls } = message;
  if (calls !== undefined) {
    if (message.role !== 'assistant') return { message: `Unknown parameter: 'messages[${index}].tool_calls'.`, code: 'unknown_parameter' };
    if (listOf(calls).length === 0) return emptyList(`messages[${index}].tool_calls`);
    for (const [at, call] of listOf(calls).entries()) {
      const path = `messages[${index}].tool_calls[${at}]`;
      const { id, type, function: called } = objectOf(call);
      if (typeof id !== 'string') return missing(`${path}.id`);
      if (type !== 'function') return badValue(`${path}.type`, type, ['function', 'custom']);
      if (typeof objectOf(called).name !== 'string') return missing(`${path}.function.name`);
      const given = objectOf(called).arguments;
      if (typeof given !== 'string') return badType(`${path}.function.arguments`, 'a string', typeName(given));
    }
  }
  if (typeof content === 'string' || (Array.isArray(content) && content.every((part) => isObject(part)))) return undefined;
  if ((content === null || content === undefined) && message.role === 'assistant' && calls !== undefined) return undefined;
  return {
    message: `Invalid value for 'content': expected a string, got ${content === undefined ? 'null' : typeName(content).replace(/^an? /, '')}.`,
    param: `messages.[${index}].content`,
  };
}

export function textOfContent(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map((part) => textOf(objectOf(part).text))
    .join('');
}

export function chatConversation(body: Json): Said[] {
  return listOf(body.messages).flatMap((given): Said[] => {
    const { role, content } = objectOf(given);
    const text = textOfContent(content);
    if (role === 'user') return [{ by: 'caller', text }];
    if (role === 'tool') return [{ by: 'tool', text }];
    return role === 'assistant' && text !== '' ? [{ by: 'assistant', text }] : [];
  });
}
