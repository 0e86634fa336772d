/** What was said and heard, turn by turn: the messages of the next prompt. Of the assistant only what the caller heard. */
import type { ModelMessage } from '#models/language-model.ts';
import { Effects } from './effects.ts';

interface Exchange {
  turn: number;
  caller: string | undefined;
  /** Tool calls with their results, in order. */
  steps: ModelMessage[];
  heard: string[];
  interrupted: boolean;
}

export class History {
  /** What the call's tools have changed or are changing outside. */
  readonly effects = new Effects();
  readonly #maxTurns: number;
  #exchanges: Exchange[] = [];
  #revision = 0;

  constructor(maxTurns: number) {
    this.#maxTurns = maxTurns;
  }

  /** What the caller said in `turn`; said again, it replaces what was there. */
  callerSaid(turn: number, text: string): void {
    this.#of(turn).caller = text;
  }

  /** Changes with everything but the caller's words: an answer to an older one answers an old question. */
  get revision(): number {
    return this.#revision;
  }

  /** Tool steps of `turn`: also of a reply that was cut, because what a tool did stays done. */
  toolsUsed(turn: number, steps: readonly ModelMessage[]): void {
    this.toolsBegun(turn, steps);
  }

  /** Tool steps whose results are not there yet; what is returned puts those with results in their place. */
  toolsBegun(turn: number, steps: readonly ModelMessage[]): (settled: readonly ModelMessage[]) => void {
    const exchange = this.#of(turn);
    exchange.steps.push(...steps);
    this.#revision++;
    let now = steps;
    return (settled) => {
      const at = now.length === 0 ? -1 : exchange.steps.indexOf(now[0]);
      exchange.steps.splice(at === -1 ? exchange.steps.length : at, now.length, ...settled);
      now = settled;
      this.#revision++;
    };
  }

  callerHeard(turn: number, text: string, interrupted: boolean): void {
    this.#revision++;
    const exchange = this.#of(turn);
    if (text !== '') exchange.heard.push(text);
    exchange.interrupted = interrupted;
  }

  /** The prompt of an answer to `text`, as it will be when that has been said in `turn`. */
  messagesIf(turn: number, text: string): ModelMessage[] {
    const known = this.#exchanges.some((exchange) => exchange.turn === turn);
    const said = { turn, caller: text, steps: [], heard: [], interrupted: false };
    const exchanges = known
      ? this.#exchanges.map((exchange) => (exchange.turn === turn ? { ...exchange, caller: text } : exchange))
      : [...this.#exchanges, said].slice(-this.#maxTurns);
    return messagesOf(exchanges);
  }

  messages(): ModelMessage[] {
    return messagesOf(this.#exchanges);
  }

  #of(turn: number): Exchange {
    const found = this.#exchanges.findLast((exchange) => exchange.turn === turn);
    if (found) return found;
    const exchange: Exchange = { turn, caller: undefined, steps: [], heard: [], interrupted: false };
    this.#exchanges.push(exchange);
    if (this.#exchanges.length > this.#maxTurns) this.#exchanges.shift();
    return exchange;
  }
}

function messagesOf(exchanges: readonly Exchange[]): ModelMessage[] {
  return exchanges.flatMap(({ caller, steps, heard, interrupted }) => {
    const messages: ModelMessage[] = caller === undefined ? [] : [{ role: 'user', text: caller }];
    messages.push(...steps);
    if (heard.length > 0) {
      const text = heard.join(' ');
      messages.push(interrupted ? { role: 'assistant', text, interrupted } : { role: 'assistant', text });
    }
    return messages;
  });
}
