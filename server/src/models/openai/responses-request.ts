/** A request in the words of the Responses protocol; nothing is stored at the provider. */
import type { ModelMessage, ModelRequest } from '../language-model.ts';
import { argumentsText, continuation, factsText, heardText, pairedMessages, systemText } from '../prompt.ts';
import { functionSchema } from '../tool-schema.ts';

const FEWEST_TOKENS = 16; // the protocol refuses less

export type ResponsesItem =
  | { role: 'user' | 'assistant' | 'developer'; content: string }
  | { type: 'function_call'; call_id: string; name: string; arguments: string }
  | { type: 'function_call_output'; call_id: string; output: string };

export interface ResponsesRequest {
  model: string;
  instructions: string;
  input: ResponsesItem[];
  stream: true;
  store: false;
  max_output_tokens: number;
  reasoning?: { effort: string };
  tools?: { type: 'function'; name: string; description: string; parameters: Record<string, unknown>; strict: false }[];
}

function items(message: ModelMessage): ResponsesItem[] {
  if (message.role === 'user') return [{ role: 'user', content: message.text }];
  if (message.role === 'tool') return [{ type: 'function_call_output', call_id: message.toolCallId, output: message.result }];
  const content = heardText(message);
  return [
    ...(content === '' ? [] : [{ role: 'assistant' as const, content }]),
    ...(message.toolCalls ?? []).map(
      (call): ResponsesItem => ({ type: 'function_call', call_id: call.id, name: call.name, arguments: argumentsText(call) }),
    ),
  ];
}

export function responsesRequest(
  request: ModelRequest,
  options: { model: string; reasoningEffort?: string | undefined },
): ResponsesRequest {
  const input = pairedMessages(request.messages).flatMap(items);
  // Before the caller's last words, so that these stay the last thing the model reads.
  const lastUser = input.findLastIndex((item) => 'role' in item && item.role === 'user');
  input.splice(lastUser < 0 ? input.length : lastUser, 0, { role: 'developer', content: factsText(request) });
  const going = continuation(request);
  if (going) input.push({ role: 'assistant', content: going.heard }, { role: 'developer', content: going.note });
  return {
    model: options.model,
    instructions: systemText(request),
    input,
    stream: true,
    store: false,
    max_output_tokens: Math.max(FEWEST_TOKENS, request.maxTokens),
    ...(options.reasoningEffort === undefined ? {} : { reasoning: { effort: options.reasoningEffort } }),
    ...(request.tools.length > 0
      ? {
          tools: request.tools.map(({ name, description, parameters }) => ({
            type: 'function' as const,
            name,
            description,
            parameters: functionSchema(parameters),
            strict: false as const,
          })),
        }
      : {}),
  };
}
