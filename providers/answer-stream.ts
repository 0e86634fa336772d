/** An answer, token by token, at the drawn pace and through the fault that it meets; each protocol writes it in its own words. */
import type { Answer } from './answers.ts';
import type { Outlet } from './outlet.ts';
import type { RouteContext } from './route.ts';
import { countTokens, tokensOf } from './tokens.ts';

const FRAGMENT = 12;
/** The first piece of arguments: what an object of any schema begins with. */
const OPENING = '{"';
const NO_JSON = '{"broken": ';
const OTHER_SCHEMA = '{"unexpected":["of another type"]}';
const ENDLESS = ' and so on,';
const ENDLESS_EVERY_MS = 10;

export interface AnswerWriter {
  text(token: string): void;
  callStarted?(name: string, index: number): void;
  callGrew?(fragment: string, index: number): void;
  callEnded(name: string, argumentsText: string, index: number): void;
}

export interface Produced {
  finish: 'stop' | 'calls' | 'length';
  text: string;
  tokens: number;
}

/**
 * Writes the answer; undefined when the client or the stream has gone meanwhile. `invalid-arguments` at the start gives no JSON,
 * in the middle JSON of another schema.
 */
export async function produceAnswer(
  context: RouteContext,
  outlet: Outlet,
  answer: Answer,
  writer: AnswerWriter,
  mostTokens = Infinity,
): Promise<Produced | undefined> {
  const production = new Production(context, outlet, writer, mostTokens);
  const produced = await production.run(answer);
  if (context.signal.aborted) context.log('cancelled', { detail: production.text });
  else if (produced) context.log('last-token', { detail: produced.text });
  return produced;
}

class Production {
  text = '';
  readonly #context: RouteContext;
  readonly #outlet: Outlet;
  readonly #writer: AnswerWriter;
  readonly #most: number;
  #pieces = 0;
  #callCharacters = 0;

  constructor(context: RouteContext, outlet: Outlet, writer: AnswerWriter, most: number) {
    this.#context = context;
    this.#outlet = outlet;
    this.#writer = writer;
    this.#most = most;
  }

  async run(answer: Answer): Promise<Produced | undefined> {
    const declaredMs = this.#context.draw('first-token');
    if (!(await this.#context.pause(declaredMs))) return undefined;
    if (this.#outlet.suffers('empty')) return this.#done('stop');
    for (const token of tokensOf(answer.say)) {
      if (this.#pieces >= this.#most) return this.#done('length');
      if (!(await this.#say(token, declaredMs))) return undefined;
    }
    while (this.#outlet.suffers('endless')) {
      if (this.#pieces >= this.#most) return this.#done('length');
      if (!(await this.#context.pause(ENDLESS_EVERY_MS)) || !(await this.#say(ENDLESS, declaredMs))) return undefined;
    }
    for (const [index, call] of answer.calls.entries()) {
      const text = typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments ?? {});
      const called = await this.#call(call.name, text, index, declaredMs);
      if (called === 'gone') return undefined;
      if (called === 'cut') return this.#done('length');
    }
    return this.#done(answer.calls.length > 0 ? 'calls' : 'stop');
  }

  #done(finish: Produced['finish']): Produced {
    return { finish, text: this.text, tokens: countTokens(this.text) + Math.ceil(this.#callCharacters / 4) };
  }

  async #say(token: string, declaredMs: number): Promise<boolean> {
    return await this.#piece(declaredMs, token, () => {
      this.text += token;
      this.#writer.text(token);
    });
  }

  async #call(name: string, whole: string, index: number, declaredMs: number): Promise<'done' | 'cut' | 'gone'> {
    const noJson = this.#outlet.suffers('invalid-arguments');
    let text = noJson ? NO_JSON : whole;
    if (!(await this.#piece(declaredMs, name, () => this.#writer.callStarted?.(name, index)))) return 'gone';
    for (let at = 0; at < text.length; ) {
      if (this.#pieces >= this.#most) return 'cut';
      const fragment = text.slice(at, at + (at === 0 ? OPENING.length : FRAGMENT));
      if (!(await this.#piece(declaredMs, fragment, () => this.#writer.callGrew?.(fragment, index)))) return 'gone';
      at += fragment.length;
      if (at === OPENING.length && text.startsWith(OPENING) && !noJson && this.#outlet.suffers('invalid-arguments')) text = OTHER_SCHEMA;
    }
    this.#callCharacters += name.length + text.length;
    this.#writer.callEnded(name, text, index);
    return this.#outlet.isOpen ? 'done' : 'gone';
  }

  /** False when there is nobody to go on for. */
  async #piece(declaredMs: number, detail: string, write: () => void): Promise<boolean> {
    if (this.#pieces > 0 && !(await this.#context.pause(this.#context.draw('token')))) return false;
    if (this.#context.signal.aborted) return false;
    write();
    if (!this.#outlet.isOpen) return false;
    if (this.#pieces++ === 0) this.#context.log('first-token', { declaredMs, detail });
    return true;
  }
}
