/**
 * The language model of a fork: up to the turn where the call forks it says what was said, and calls the tools that were
 * called; from there on another model answers, to a history that is as the caller of the recorded call heard it.
 */
import { END_CALL } from '#conversation/answer.ts';
import { sameWords } from '#conversation/rules/words.ts';
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelMessage, ModelPart, ModelPassage, ModelRequest } from '#models/language-model.ts';
import { type RecordedTurn, spokenAnswer } from './recorded-turns.ts';

export interface ForkModelOptions {
  kit: Kit;
  turns: readonly RecordedTurn[];
  /** The first turn that is answered anew. */
  from: number;
  next: LanguageModel;
  /** Texts of recorded passages by their id. */
  passages: ReadonlyMap<string, string>;
  /** Before the first word of what is said again. */
  firstTokenMs: number;
}

export class ForkModel implements LanguageModel {
  readonly name = 'fork';
  readonly #options: ForkModelOptions;

  constructor(options: ForkModelOptions) {
    this.#options = options;
  }

  async *generate(request: ModelRequest): AsyncIterable<ModelPart> {
    const { from, next } = this.#options;
    const asked = request.messages.findLastIndex(({ role }) => role === 'user');
    const turn = this.#turnOf(request.messages, asked);
    if (turn && turn.turn < from) {
      yield* this.#again(turn, request, asked);
      return;
    }
    yield* next.generate({ ...request, messages: this.#asHeard(request.messages), passages: this.#passagesOf(turn, request.passages) });
  }

  /** The recorded turn with these very words; of several the one at this place. */
  #turnOf(messages: readonly ModelMessage[], asked: number): RecordedTurn | undefined {
    const message = messages.at(asked);
    if (asked === -1 || message?.role !== 'user') return undefined;
    const said = this.#options.turns.filter((turn) => turn.turn > 0 && sameWords(turn.said, message.text));
    const place = messages.slice(0, asked + 1).filter(({ role }) => role === 'user').length;
    return said.toSorted((one, other) => Math.abs(one.turn - place) - Math.abs(other.turn - place)).at(0);
  }

  async *#again(turn: RecordedTurn, { messages, tools: offered, signal }: ModelRequest, asked: number): AsyncIterable<ModelPart> {
    const { kit, firstTokenMs } = this.#options;
    if (firstTokenMs > 0) await kit.clock.sleep(firstTokenMs, signal);
    const done = messages.slice(asked + 1).filter(({ role }) => role === 'tool').length;
    const tool = turn.tools.at(done);
    if (tool && offered.some(({ name }) => name === tool.name)) {
      yield { type: 'tool-call', call: { id: kit.ids.make('toolcall'), name: tool.name, arguments: tool.arguments } };
      return;
    }
    for (const text of spokenAnswer(turn).match(/^\S+|\s+\S+/g) ?? []) yield { type: 'text', text };
    if (turn.goodbye) yield { type: 'tool-call', call: { id: kit.ids.make('toolcall'), name: END_CALL, arguments: {} } };
  }

  /** What was said before the fork, as far as the caller of the recorded call had heard it. */
  #asHeard(messages: readonly ModelMessage[]): ModelMessage[] {
    let turn: RecordedTurn | undefined;
    return messages.map((message, index): ModelMessage => {
      if (message.role === 'user') turn = this.#turnOf(messages, index);
      if (message.role !== 'assistant' || !turn || turn.turn >= this.#options.from || message.text === '') return message;
      return { ...message, text: turn.heard, ...(turn.interrupted ? { interrupted: true } : {}) };
    });
  }

  /** What was found then, where its text is still known and the same was asked. */
  #passagesOf(turn: RecordedTurn | undefined, found: readonly ModelPassage[]): readonly ModelPassage[] {
    const known = (turn?.passages ?? []).flatMap(({ id, documentId, title, score }): ModelPassage[] => {
      const text = this.#options.passages.get(id);
      return text === undefined ? [] : [{ id, documentId, title, score, text, answer: undefined }];
    });
    return known.length > 0 ? known : found;
  }
}

/**
 * A model that works in real time, on a clock that stands still meanwhile: its parts then come as late on that clock as they
 * came in life. `hold` keeps the clock where it is until what it answers is called. Throws what the model throws.
 */
export function inRealTime(model: LanguageModel, system: Kit, kit: Kit, hold: () => () => void, signal: AbortSignal): LanguageModel {
  return {
    name: model.name,
    ...(model.model === undefined ? {} : { model: model.model }),
    async *generate(request) {
      const parts: { part: ModelPart; atMs: number }[] = [];
      let failed: { error: unknown; atMs: number } | undefined;
      const begun = system.clock.now();
      const release = hold();
      try {
        for await (const part of model.generate({ ...request, signal: AbortSignal.any([request.signal, signal]) })) {
          parts.push({ part, atMs: system.clock.now() - begun });
        }
      } catch (error) {
        failed = { error, atMs: system.clock.now() - begun };
      } finally {
        release();
      }
      const from = kit.clock.now();
      const until = async (atMs: number) => {
        const wait = from + atMs - kit.clock.now();
        if (wait > 0) await kit.clock.sleep(wait, request.signal);
      };
      for (const { part, atMs } of parts) {
        await until(atMs);
        yield part;
      }
      if (!failed) return;
      await until(failed.atMs);
      throw failed.error;
    },
  };
}
