/** A request in the words of Anthropic's Messages protocol. */
import type { ModelMessage, ModelRequest } from '../language-model.ts';
import { CALL_ANSWERED, continuation, factsText, heardText, pairedMessages, systemText } from '../prompt.ts';
import { objectArguments } from '../tool-calls.ts';
import { functionSchema } from '../tool-schema.ts';

/** Marks the end of a prefix to be cached; at most four in a request. */
const CACHED = { cache_control: { type: 'ephemeral' as const } };
type Cached = Partial<typeof CACHED>;

export type MessagesBlock = Cached &
  (
    | { type: 'text'; text: string }
    | { type: 'tool_use'; id: string; name: string; input: Record<string, unknown> }
    | { type: 'tool_result'; tool_use_id: string; content: string }
  );

export interface MessagesTurn {
  role: 'user' | 'assistant';
  content: MessagesBlock[];
}

export interface MessagesRequest {
  model: string;
  max_tokens: number;
  stream: true;
  thinking: { type: 'disabled' };
  system: (Cached & { type: 'text'; text: string })[];
  messages: MessagesTurn[];
  tools?: (Cached & { name: string; description: string; input_schema: Record<string, unknown> })[];
}

/** Empty text blocks are refused by the protocol. */
const text = (words: string): MessagesBlock[] => (words.trim() === '' ? [] : [{ type: 'text', text: words }]);

function turnOf(message: ModelMessage): MessagesTurn {
  if (message.role === 'user') return { role: 'user', content: text(message.text) };
  if (message.role === 'tool') {
    return { role: 'user', content: [{ type: 'tool_result', tool_use_id: message.toolCallId, content: message.result }] };
  }
  const calls = (message.toolCalls ?? []).map(
    (call): MessagesBlock => ({ type: 'tool_use', id: call.id, name: call.name, input: objectArguments(call) }),
  );
  return { role: 'assistant', content: [...text(heardText(message)), ...calls] };
}

/** Roles must alternate and the caller must begin: neighbours of one role become one turn. */
function alternating(turns: readonly MessagesTurn[]): MessagesTurn[] {
  const merged: MessagesTurn[] = [];
  for (const { role, content } of turns) {
    if (content.length === 0) continue;
    if (merged.length === 0 && role === 'assistant') merged.push({ role: 'user', content: text(CALL_ANSWERED) });
    const last = merged.at(-1);
    if (last?.role === role) last.content.push(...content);
    else merged.push({ role, content: [...content] });
  }
  return merged;
}

export function messagesRequest(request: ModelRequest, model: string): MessagesRequest {
  const turns = pairedMessages(request.messages).map(turnOf);
  // The facts stand with the caller's last words; what is before them stays the same in the next request and is cached.
  const facts: MessagesTurn = { role: 'user', content: text(factsText(request)) };
  const lastWords = turns.findLastIndex(({ role, content }) => role === 'user' && content[0]?.type !== 'tool_result');
  const at = lastWords < 0 ? turns.length : lastWords;
  const before = turns[at - 1]?.content.at(-1);
  if (before) Object.assign(before, CACHED);
  turns.splice(at, 0, facts);
  const going = continuation(request);
  if (going) turns.push({ role: 'assistant', content: text(going.heard) }, { role: 'user', content: text(`[${going.note}]`) });
  return {
    model,
    max_tokens: request.maxTokens,
    stream: true,
    thinking: { type: 'disabled' },
    system: [{ type: 'text', text: systemText(request), ...CACHED }],
    messages: alternating(turns),
    ...(request.tools.length > 0
      ? {
          tools: request.tools.map(({ name, description, parameters }, index) => ({
            name,
            description,
            input_schema: functionSchema(parameters),
            ...(index === request.tools.length - 1 ? CACHED : {}),
          })),
        }
      : {}),
  };
}
