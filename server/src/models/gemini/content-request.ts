/** A request in the words of Gemini's `streamGenerateContent`. */
import type { ModelMessage, ModelRequest } from '../language-model.ts';
import { parseJson } from '../event-stream.ts';
import { CALL_ANSWERED, continuation, factsText, heardText, pairedMessages, systemText } from '../prompt.ts';
import { objectArguments } from '../tool-calls.ts';
import { geminiParameters } from './tool-schema.ts';

export type ContentPart =
  | { text: string }
  | { functionCall: { name: string; args: Record<string, unknown> }; thoughtSignature?: string }
  | { functionResponse: { name: string; response: Record<string, unknown> } };

export interface Content {
  role: 'user' | 'model';
  parts: ContentPart[];
}

export interface ContentRequest {
  system_instruction: { parts: { text: string }[] };
  contents: Content[];
  generationConfig: { maxOutputTokens: number; thinkingConfig?: { thinkingBudget: number } | { thinkingLevel: string } };
  tools?: { functionDeclarations: { name: string; description: string; parameters?: Record<string, unknown> }[] }[];
}

/** The least thinking each family allows: on the telephone it is silence. */
function thinkingOf(model: string): ContentRequest['generationConfig']['thinkingConfig'] {
  if (model.startsWith('gemini-2.5-flash')) return { thinkingBudget: 0 };
  if (model.startsWith('gemini-2.5-pro')) return { thinkingBudget: 128 };
  return /^gemini-[3-9]/.test(model) ? { thinkingLevel: 'low' } : undefined;
}

const text = (words: string): ContentPart[] => (words.trim() === '' ? [] : [{ text: words }]);

/** A result is an object here; anything else stands in one. */
function responseOf(result: string): Record<string, unknown> {
  const value = parseJson(result);
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : { result: value ?? result };
}

function contentOf(message: ModelMessage, signatureOf: (toolCallId: string) => string | undefined): Content {
  if (message.role === 'user') return { role: 'user', parts: text(message.text) };
  if (message.role === 'tool') {
    return { role: 'user', parts: [{ functionResponse: { name: message.name, response: responseOf(message.result) } }] };
  }
  const calls = (message.toolCalls ?? []).map((call): ContentPart => {
    const thoughtSignature = signatureOf(call.id);
    return { functionCall: { name: call.name, args: objectArguments(call) }, ...(thoughtSignature ? { thoughtSignature } : {}) };
  });
  return { role: 'model', parts: [...text(heardText(message)), ...calls] };
}

/** Neighbours of one role become one, and the caller begins. Text never joins the results of functions, which stand alone. */
function alternating(contents: readonly Content[]): Content[] {
  const merged: Content[] = [];
  const isResult = ({ parts }: Content) => parts.some((part) => 'functionResponse' in part);
  for (const content of contents) {
    if (content.parts.length === 0) continue;
    if (merged.length === 0 && content.role === 'model') merged.push({ role: 'user', parts: text(CALL_ANSWERED) });
    const last = merged.at(-1);
    if (last?.role === content.role && isResult(last) === isResult(content)) last.parts.push(...content.parts);
    else merged.push({ role: content.role, parts: [...content.parts] });
  }
  return merged;
}

/** `signatureOf`: what the model wants to see again beside a call of its own, if it gave anything. */
export function contentRequest(
  request: ModelRequest,
  model: string,
  signatureOf: (toolCallId: string) => string | undefined = () => undefined,
): ContentRequest {
  const contents = pairedMessages(request.messages).map((message) => contentOf(message, signatureOf));
  // The facts stand with the caller's last words; what is before them stays the same in the next request.
  const lastUser = contents.findLastIndex(({ role, parts }) => role === 'user' && parts.some((part) => 'text' in part));
  contents.splice(lastUser < 0 ? contents.length : lastUser, 0, { role: 'user', parts: text(factsText(request)) });
  const going = continuation(request);
  if (going) contents.push({ role: 'model', parts: text(going.heard) }, { role: 'user', parts: text(`[${going.note}]`) });
  const thinkingConfig = thinkingOf(model);
  return {
    system_instruction: { parts: [{ text: systemText(request) }] },
    contents: alternating(contents),
    generationConfig: { maxOutputTokens: request.maxTokens, ...(thinkingConfig ? { thinkingConfig } : {}) },
    ...(request.tools.length > 0
      ? {
          tools: [
            {
              functionDeclarations: request.tools.map(({ name, description, parameters }) => {
                const wanted = geminiParameters(parameters);
                return { name, description, ...(wanted ? { parameters: wanted } : {}) };
              }),
            },
          ],
        }
      : {}),
  };
}
