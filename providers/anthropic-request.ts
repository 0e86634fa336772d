/** What the Messages protocol accepts, and the conversation that a request holds. Answers are the sentence that refuses. */
import type { Said } from './answers.ts';
import { isObject, listOf, objectOf, textOf, type Json } from './json.ts';

const MOST_BREAKPOINTS = 4;
const known: ReadonlySet<string> = new Set(
  `model messages max_tokens system stream tools tool_choice temperature top_p top_k stop_sequences metadata thinking service_tier
  container context_management mcp_servers output_config inference_geo cache_control speed`.split(/\s+/),
);
const blockTypes: Readonly<Record<string, readonly string[]>> = {
  user: ['text', 'image', 'document', 'tool_result', 'search_result'],
  assistant: ['text', 'tool_use', 'thinking', 'redacted_thinking'],
};

/** Undefined when the request is a good one. */
export function wrongMessagesRequest(body: unknown): string | undefined {
  if (!isObject(body)) return 'The request body is not valid JSON';
  if (textOf(body.model) === '') return 'model: Field required';
  const { max_tokens: most, messages } = body;
  if (most === undefined) return 'max_tokens: Field required';
  if (!Number.isInteger(most)) return 'max_tokens: Input should be a valid integer';
  if (Number(most) < 1) return 'max_tokens: Input should be greater than or equal to 1';
  if (messages === undefined) return 'messages: Field required';
  if (!Array.isArray(messages)) return 'messages: Input should be a valid list';
  if (messages.length === 0) return 'messages: at least one message is required';
  const stranger = Object.keys(body).find((name) => !known.has(name));
  if (stranger !== undefined) return `${stranger}: Extra inputs are not permitted`;
  return (
    wrongSystem(body.system) ?? wrongTools(body.tools) ?? wrongThinking(body) ?? wrongTurns(messages as unknown[]) ?? tooManyMarks(body)
  );
}

function wrongSystem(system: unknown): string | undefined {
  if (system === undefined || typeof system === 'string') return undefined;
  if (!Array.isArray(system)) return 'system: Input should be a valid list';
  for (const [index, block] of system.entries()) {
    if (objectOf(block).type !== 'text') return `system.${index}.type: Input should be 'text'`;
    if (textOf(objectOf(block).text) === '') return 'system: text content blocks must be non-empty';
  }
  return undefined;
}

function wrongTools(tools: unknown): string | undefined {
  for (const [index, given] of listOf(tools).entries()) {
    const tool = objectOf(given);
    const path = `tools.${index}.custom`;
    if (typeof tool.name !== 'string') return `${path}.name: Field required`;
    if (!/^[a-zA-Z0-9_-]{1,128}$/.test(tool.name)) return `${path}.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
    if (!isObject(tool.input_schema)) return `${path}.input_schema: Field required`;
    if (tool.input_schema.type === undefined) return `${path}.input_schema.type: Field required`;
    if (tool.input_schema.type !== 'object') return `${path}.input_schema.type: Input should be 'object'`;
    const stranger = Object.keys(tool).find(
      (name) => !['name', 'description', 'input_schema', 'cache_control', 'type', 'strict'].includes(name),
    );
    if (stranger !== undefined) return `${path}.${stranger}: Extra inputs are not permitted`;
  }
  return undefined;
}

function wrongThinking({ thinking, max_tokens: most }: Json): string | undefined {
  if (thinking === undefined) return undefined;
  const { type, budget_tokens: budget } = objectOf(thinking);
  if (type !== 'enabled' && type !== 'disabled' && type !== 'adaptive')
    return "thinking: Input tag found does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'";
  if (type === 'enabled' && !(Number(budget) >= 1024))
    return 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024';
  if (type === 'enabled' && Number(budget) >= Number(most)) return '`max_tokens` must be greater than `thinking.budget_tokens`.';
  return undefined;
}

function wrongTurns(turns: readonly unknown[]): string | undefined {
  const used = new Set<string>();
  let before: Json | undefined;
  for (const [index, given] of turns.entries()) {
    const turn = objectOf(given);
    const role = textOf(turn.role);
    if (role === 'system')
      return 'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an input message role.';
    if (role !== 'user' && role !== 'assistant') return `messages.${index}.role: Input should be 'user' or 'assistant'`;
    if (!before && role !== 'user') return 'messages: first message must use the "user" role';
    if (before?.role === role)
      return `messages: roles must alternate between "user" and "assistant", but found multiple "${role}" roles in a row`;
    const wrong = wrongBlocks(turn, index, index === turns.length - 1) ?? wrongPairs(before, turn, index, used);
    if (wrong !== undefined) return wrong;
    before = turn;
  }
  const open = before?.role === 'assistant' ? blocksOf(before, 'tool_use') : [];
  return open.length > 0 ? unanswered(turns.length - 1, open) : undefined;
}

function wrongBlocks(turn: Json, index: number, isLast: boolean): string | undefined {
  const { content } = turn;
  const role = textOf(turn.role);
  const mayBeEmpty = isLast && role === 'assistant';
  if (content === '' || (Array.isArray(content) && content.length === 0)) {
    return mayBeEmpty
      ? undefined
      : `messages.${index}: all messages must have non-empty content except for the optional final assistant message`;
  }
  if (typeof content === 'string') return wrongEnding(content, isLast && role === 'assistant');
  if (!Array.isArray(content)) return `messages.${index}.content: Input should be a valid list`;
  for (const [at, given] of content.entries()) {
    const block = objectOf(given);
    const type = textOf(block.type);
    const path = `messages.${index}.content.${at}`;
    if (!blockTypes[role].includes(type)) {
      return type === ''
        ? `${path}.type: Field required`
        : `${path}: Input tag '${type}' found using 'type' does not match any of the expected tags for this role`;
    }
    if (type === 'text' && textOf(block.text) === '') return 'messages: text content blocks must be non-empty';
    if (type === 'text' && textOf(block.text).trim() === '') return 'messages: text content blocks must contain non-whitespace text';
    if (type === 'tool_use') {
      if (!/^[a-zA-Z0-9_-]+$/.test(textOf(block.id))) return `${path}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`;
      if (textOf(block.name) === '') return `${path}.tool_use.name: Field required`;
      if (!isObject(block.input)) return `${path}.tool_use.input: Input should be a valid dictionary`;
    }
    if (type === 'tool_result' && typeof block.tool_use_id !== 'string') return `${path}.tool_result.tool_use_id: Field required`;
  }
  const last = objectOf(content.at(-1));
  return last.type === 'text' ? wrongEnding(textOf(last.text), isLast && role === 'assistant') : undefined;
}

function wrongEnding(text: string, isPrefill: boolean): string | undefined {
  return isPrefill && text !== text.trimEnd() ? 'messages: final assistant content cannot end with trailing whitespace' : undefined;
}

function blocksOf(turn: Json | undefined, type: string): Json[] {
  return listOf(turn?.content).flatMap((block) => (objectOf(block).type === type ? [objectOf(block)] : []));
}

function unanswered(index: number, calls: readonly Json[]): string {
  const ids = calls.map(({ id }) => String(id)).join(', ');
  return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
}

/** Each call is answered in the next turn, before anything else that stands there; each answer has its call in the turn before. */
function wrongPairs(before: Json | undefined, turn: Json, index: number, used: Set<string>): string | undefined {
  for (const { id } of blocksOf(turn, 'tool_use')) {
    if (used.has(textOf(id))) return `messages.${index}: \`tool_use\` ids must be unique`;
    used.add(textOf(id));
  }
  const asked = blocksOf(before, 'tool_use');
  const blocks = listOf(turn.content).map(objectOf);
  const first = blocks.findIndex(({ type }) => type !== 'tool_result');
  // Only what stands before other content counts as "immediately after".
  const results = turn.role === 'user' && first >= 0 ? blocks.slice(0, first) : blocks;
  const answered = new Set(results.map(({ tool_use_id: id }) => id));
  const open = asked.filter(({ id }) => !answered.has(id));
  if (open.length > 0) return unanswered(index - 1, open);
  for (const [at, block] of blocks.entries()) {
    if (block.type === 'tool_result' && !asked.some(({ id }) => id === block.tool_use_id)) {
      return `messages.${index}.content.${at}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${String(block.tool_use_id)}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
    }
  }
  return undefined;
}

interface Piece {
  text: string;
  marked: boolean;
}

/** The prompt in the order in which it is cached: tools, system, messages. */
function piecesOf(body: Json): Piece[] {
  const blocks = [
    ...listOf(body.tools),
    ...(typeof body.system === 'string' ? [{ text: body.system }] : listOf(body.system)),
    ...listOf(body.messages).flatMap((given) => {
      const { role, content } = objectOf(given);
      return typeof content === 'string' ? [{ role, content }] : listOf(content).map((block) => ({ role, ...objectOf(block) }));
    }),
  ];
  return blocks.map((given) => {
    const { cache_control: mark, ...block } = objectOf(given);
    return { text: JSON.stringify(block), marked: mark !== undefined && mark !== null };
  });
}

function tooManyMarks(body: Json): string | undefined {
  const marks = piecesOf(body).filter(({ marked }) => marked).length;
  return marks > MOST_BREAKPOINTS ? `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.` : undefined;
}

/** The whole prompt, and its prefixes up to each mark. */
export function promptOf(body: Json): { prompt: string; prefixes: string[] } {
  const prefixes: string[] = [];
  let prompt = '';
  for (const { text, marked } of piecesOf(body)) {
    prompt += text;
    if (marked) prefixes.push(prompt);
  }
  return { prompt, prefixes };
}

export function messagesConversation(body: Json): Said[] {
  return listOf(body.messages).flatMap((given): Said[] => {
    const { role, content } = objectOf(given);
    const by = role === 'user' ? 'caller' : 'assistant';
    if (typeof content === 'string') return [{ by, text: content }];
    return listOf(content).flatMap((block): Said[] => {
      const { type, text, content: result } = objectOf(block);
      if (type === 'text') return [{ by, text: textOf(text) }];
      if (type !== 'tool_result') return [];
      const words =
        typeof result === 'string'
          ? result
          : listOf(result)
              .map((part) => textOf(objectOf(part).text))
              .join('');
      return [{ by: 'tool', text: words }];
    });
  });
}
