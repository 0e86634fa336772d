/** A language model that follows rules: what matches the caller's last words decides what it says, when, and how it fails. */
import type { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { LanguageModel, ModelPart, ModelRequest } from '../language-model.ts';

export interface ScriptedRule {
  /** Matched against the caller's last words; absent: always. */
  when?: RegExp;
  /** Said in word-sized parts; a function may look at the whole request. */
  say?: string | ((request: ModelRequest) => string);
  call?: { name: string; arguments: unknown };
  /** Before the first part; between two parts. */
  firstMs?: number;
  eachMs?: number;
  /** Thrown after `failAfter` parts (0). */
  fail?: VendorError;
  failAfter?: number;
}

export interface ScriptedLanguageModelOptions {
  /** The first that matches wins. */
  rules?: readonly ScriptedRule[];
  /** Words a part holds: 1 is token-like, more is cheaper under load. */
  wordsPerPart?: number;
}

const ECHO: ScriptedRule = { say: (request) => `You said: ${lastWords(request)}.` };
const REQUESTS_KEPT = 100;

export const lastWords = (request: ModelRequest): string => request.messages.findLast((message) => message.role === 'user')?.text ?? '';

export class ScriptedLanguageModel implements LanguageModel {
  readonly name = 'scripted';
  /** The latest requests, oldest first: what a test asks to see what the model was told. */
  readonly requests: ModelRequest[] = [];
  #kit: Kit;
  #rules: readonly ScriptedRule[];
  #wordsPerPart: number;

  constructor(kit: Kit, options: ScriptedLanguageModelOptions = {}) {
    this.#kit = kit;
    this.#rules = options.rules ?? [];
    this.#wordsPerPart = options.wordsPerPart ?? 1;
  }

  async *generate(request: ModelRequest): AsyncIterable<ModelPart> {
    const { signal } = request;
    signal.throwIfAborted();
    this.requests.push(request);
    if (this.requests.length > REQUESTS_KEPT) this.requests.shift();
    const words = lastWords(request);
    const rule = this.#rules.find(({ when }) => !when || when.test(words)) ?? ECHO;
    const said = typeof rule.say === 'function' ? rule.say(request) : (rule.say ?? '');
    const parts = partsOf(said, this.#wordsPerPart);
    if (rule.firstMs) await this.#kit.clock.sleep(rule.firstMs, signal);
    for (const [index, text] of parts.entries()) {
      if (rule.fail && index >= (rule.failAfter ?? 0)) throw rule.fail;
      if (index > 0 && rule.eachMs) await this.#kit.clock.sleep(rule.eachMs, signal);
      signal.throwIfAborted();
      yield { type: 'text', text };
    }
    signal.throwIfAborted();
    if (rule.fail) throw rule.fail;
    if (rule.call) yield { type: 'tool-call', call: { id: this.#kit.ids.make('toolcall'), ...rule.call } };
    yield { type: 'usage', inputTokens: Math.ceil(words.length / 4), outputTokens: parts.length };
  }
}

function partsOf(text: string, wordsPerPart: number): string[] {
  const words = text.match(/^\S+|\s+\S+/g) ?? [];
  if (wordsPerPart === 1) return words;
  const parts: string[] = [];
  for (let at = 0; at < words.length; at += wordsPerPart) parts.push(words.slice(at, at + wordsPerPart).join(''));
  return parts;
}
