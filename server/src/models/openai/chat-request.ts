/** A request in the words of the chat-completions protocol. */
import type { ModelMessage, ModelRequest } from '../language-model.ts';
import { argumentsText, continuation, factsText, pairedMessages, heardText, systemText } from '../prompt.ts';
import { functionSchema } from '../tool-schema.ts';

interface WireToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
}

export type WireMessage =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string | null; tool_calls?: WireToolCall[] }
  | { role: 'tool'; tool_call_id: string; content: string };

export interface WireRequest {
  model: string;
  messages: WireMessage[];
  stream: true;
  stream_options: { include_usage: true };
  max_tokens?: number;
  max_completion_tokens?: number;
  reasoning_effort?: string;
  tools?: { type: 'function'; function: { name: string; description: string; parameters: Record<string, unknown> } }[];
}

export interface ChatOptions {
  model: string;
  /** OpenAI's own endpoint wants `max_completion_tokens`, older servers `max_tokens`. */
  maxTokensField: 'max_tokens' | 'max_completion_tokens';
  reasoningEffort?: string | undefined;
}

function wireMessage(message: ModelMessage): WireMessage {
  if (message.role === 'user') return { role: 'user', content: message.text };
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.toolCallId, content: message.result };
  const content = heardText(message);
  if (!message.toolCalls?.length) return { role: 'assistant', content };
  return {
    role: 'assistant',
    content: content === '' ? null : content,
    tool_calls: message.toolCalls.map((call) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: argumentsText(call) },
    })),
  };
}

export function chatRequest(request: ModelRequest, { model, maxTokensField, reasoningEffort }: ChatOptions): WireRequest {
  const messages: WireMessage[] = [{ role: 'system', content: systemText(request) }, ...pairedMessages(request.messages).map(wireMessage)];
  // Before the caller's last words, so that these stay the last thing the model reads.
  const lastUser = messages.findLastIndex((message) => message.role === 'user');
  messages.splice(lastUser < 0 ? messages.length : lastUser, 0, { role: 'system', content: factsText(request) });
  const going = continuation(request);
  if (going) messages.push({ role: 'assistant', content: going.heard }, { role: 'system', content: going.note });
  return {
    model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    [maxTokensField]: request.maxTokens,
    ...(reasoningEffort === undefined ? {} : { reasoning_effort: reasoningEffort }),
    ...(request.tools.length > 0
      ? {
          tools: request.tools.map(({ name, description, parameters }) => ({
            type: 'function' as const,
            function: { name, description, parameters: functionSchema(parameters) },
          })),
        }
      : {}),
  };
}
