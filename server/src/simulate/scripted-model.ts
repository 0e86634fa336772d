/** The language model of a scenario: what it says and which tool it calls stands in the file; the rest is answered by another model. */
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelMessage, ModelPart, ModelRequest } from '#models/language-model.ts';
import type { ScriptedAnswer } from './scenario.ts';

export interface ScriptedModelOptions {
  kit: Kit;
  answers: readonly ScriptedAnswer[];
  /** Who answers what no line of the script is about. */
  otherwise: LanguageModel;
  /** Before the first word. */
  firstTokenMs: number;
}

export class ScriptedModel implements LanguageModel {
  readonly name = 'simulated';
  readonly #options: ScriptedModelOptions;
  readonly #rules: readonly { when: RegExp; answer: ScriptedAnswer }[];

  constructor(options: ScriptedModelOptions) {
    this.#options = options;
    this.#rules = options.answers.map((answer) => ({ when: new RegExp(answer.when, 'iu'), answer }));
  }

  async *generate(request: ModelRequest): AsyncIterable<ModelPart> {
    const { kit, otherwise, firstTokenMs } = this.#options;
    const { signal, messages } = request;
    signal.throwIfAborted();
    if (firstTokenMs > 0) await kit.clock.sleep(firstTokenMs, signal);
    const asked = messages.findLast((message) => message.role === 'user')?.text ?? '';
    const answer = this.#rules.find(({ when }) => when.test(asked))?.answer;
    if (!answer) {
      yield* otherwise.generate(request);
      return;
    }
    const result = resultOf(messages.at(-1), answer.call?.tool);
    const said = result === undefined ? (answer.say ?? '') : filled(answer.thenSay ?? '', result);
    const words = said.match(/^\S+|\s+\S+/g) ?? [];
    for (const text of words) {
      signal.throwIfAborted();
      yield { type: 'text', text };
    }
    if (answer.call && result === undefined) {
      const call = { id: kit.ids.make('toolcall'), name: answer.call.tool, arguments: answer.call.with };
      yield { type: 'tool-call', call };
    }
    yield { type: 'usage', inputTokens: Math.ceil(asked.length / 4), outputTokens: words.length };
  }
}

/** What the tool of this answer has brought, when that was the last thing that happened. */
function resultOf(last: ModelMessage | undefined, tool: string | undefined): string | undefined {
  return last?.role === 'tool' && last.name === tool ? last.result : undefined;
}

/** `{result.FIELD}` stands for a field of the result, `{result}` for all of it. */
function filled(line: string, result: string): string {
  let value: unknown = result;
  try {
    value = JSON.parse(result);
  } catch {
    // A result that is no JSON has no fields.
  }
  return line.replace(/\{result((?:\.[\w-]+)*)\}/g, (_all, path: string) => {
    let at = value;
    for (const field of path.split('.').filter(Boolean)) at = (at as Record<string, unknown> | null | undefined)?.[field];
    return typeof at === 'string' ? at : (JSON.stringify(at) ?? '');
  });
}

/** Takes `delayMs` longer to begin. */
export function delayedModel(model: LanguageModel, kit: Kit, delayMs: number): LanguageModel {
  return {
    name: model.name,
    async *generate(request) {
      if (delayMs > 0) await kit.clock.sleep(delayMs, request.signal);
      yield* model.generate(request);
    },
  };
}
