/** What a call uses of its providers, turn by turn, and what that costs so far. */
import type { CallFact, UsageLine } from '@tandem/contract';
import type { SpeechUsage } from '#models/speech-to-speech.ts';
import type { NamedModel, ProviderStage } from './provider-health.ts';

type Unit = UsageLine['unit'];

/** Millionths of a US dollar; 0 where nothing is known. */
export type Price = (line: Omit<UsageLine, 'costMicros'>) => number;

/** English text, on average. */
const CHARACTERS_PER_TOKEN = 4;

export class UsageMeter {
  readonly #record: (fact: CallFact) => void;
  readonly #price: Price;
  readonly #ceilingMicros: number;
  readonly #leftToday: () => number;
  #lines = new Map<string, Omit<UsageLine, 'costMicros'>>();
  #costMicros = 0;

  /** `ceilingMicros` is the call's; `leftToday` is what the business may still spend, everything recorded here taken off. */
  constructor(
    record: (fact: CallFact) => void,
    price: Price = () => 0,
    ceilingMicros = Number.POSITIVE_INFINITY,
    leftToday: () => number = () => Number.POSITIVE_INFINITY,
  ) {
    this.#record = record;
    this.#price = price;
    this.#ceilingMicros = ceilingMicros;
    this.#leftToday = leftToday;
  }

  add(stage: ProviderStage, { name, model }: NamedModel, unit: Unit, quantity: number): void {
    if (!(quantity > 0)) return;
    const key = `${stage} ${name} ${model ?? ''} ${unit}`;
    const line = this.#lines.get(key);
    if (line) line.quantity += quantity;
    else this.#lines.set(key, { stage, provider: name, model: model ?? name, unit, quantity });
  }

  /** Tokens of one answer of a language model; cached ones are counted apart and not twice. */
  addTokens(of: NamedModel, used: { inputTokens: number; outputTokens: number; cachedTokens?: number }): void {
    const cached = Math.min(used.cachedTokens ?? 0, used.inputTokens);
    this.add('language-model', of, 'input-tokens', used.inputTokens - cached);
    this.add('language-model', of, 'cached-tokens', cached);
    this.add('language-model', of, 'output-tokens', used.outputTokens);
  }

  /** Tokens of one answer of a model that hears and speaks; what has a price of its own is not counted twice. */
  addSpeech(of: NamedModel, used: SpeechUsage): void {
    const cached = Math.min(used.cachedTokens, used.inputTokens);
    const heard = Math.min(used.inputAudioTokens, used.inputTokens - cached);
    const spoken = Math.min(used.outputAudioTokens, used.outputTokens);
    this.add('speech-to-speech', of, 'input-tokens', used.inputTokens - cached - heard);
    this.add('speech-to-speech', of, 'cached-tokens', cached);
    this.add('speech-to-speech', of, 'input-audio-tokens', heard);
    this.add('speech-to-speech', of, 'output-tokens', used.outputTokens - spoken);
    this.add('speech-to-speech', of, 'output-audio-tokens', spoken);
  }

  /**
   * Tokens of a request that was called off before its model had counted them, which is billed all the same: estimated at
   * four characters a token.
   */
  addEstimate(of: NamedModel, sentCharacters: number, gotCharacters: number): void {
    const tokens = (characters: number) => Math.ceil(characters / CHARACTERS_PER_TOKEN);
    this.addTokens(of, { inputTokens: tokens(sentCharacters), outputTokens: tokens(gotCharacters) });
  }

  /** Everything used so far, whether recorded yet or not. */
  get spentMicros(): number {
    let sum = this.#costMicros;
    for (const line of this.#lines.values()) sum += this.#priceOf(line);
    return sum;
  }

  /** The money for this call, or the business's for this day, is spent. */
  get spent(): boolean {
    const { spentMicros } = this;
    return spentMicros >= this.#ceilingMicros || spentMicros - this.#costMicros >= this.#leftToday();
  }

  /** Records what was used since the last time, as that of `turn`. */
  settle(turn: number): void {
    if (this.#lines.size === 0) return;
    const lines = [...this.#lines.values()].map((line) => ({ ...line, costMicros: this.#priceOf(line) }));
    this.#lines = new Map();
    this.#costMicros += lines.reduce((sum, { costMicros }) => sum + costMicros, 0);
    this.#record({ type: 'usage-counted', turn, lines, callCostMicros: this.#costMicros });
  }

  #priceOf(line: Omit<UsageLine, 'costMicros'>): number {
    const price = this.#price(line);
    return Number.isFinite(price) ? Math.max(0, price) : 0;
  }
}
