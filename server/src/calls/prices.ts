/**
 * What a provider's work costs, for the running cost of calls and for reports. The prices built in are the providers'
 * public list prices as remembered in 2026-01: check them against your own contract and put yours into a file
 * (`TANDEM_PRICES`). What has no price, everything local among it, costs 0.
 */
import { readFile } from 'node:fs/promises';
import { usageLine, type UsageLine } from '@tandem/contract';
import { z } from 'zod';
import { messageOf, TandemError } from '#kit/errors.ts';

type Unit = UsageLine['unit'];
/** A line of usage before it has a price. */
export type Usage = Omit<UsageLine, 'costMicros'>;

const dollars = z.number().nonnegative().max(100_000);
const { stage, unit } = usageLine.shape;

/** One entry of the price table, and of the file. The first that fits counts, those of the file before all others. */
const price = z
  .object({
    /** A vendor's name; its other rooms (`openai-realtime`) too. */
    provider: z.string().min(1).max(60),
    /** The beginning of the model's name; every model when absent. */
    model: z.string().max(120).default(''),
    stage: stage.optional(),
    /** For `seconds` of sound. */
    usdPerMinute: dollars.optional(),
    /** For characters and tokens; cached tokens cost what input tokens cost unless they are named. */
    usdPerMillion: z.partialRecord(unit, dollars).default({}),
  })
  .strict();
export type Price = z.infer<typeof price>;
const prices = z.array(price).max(1_000);

const sound = (provider: string, model: string, usdPerMinute: number): Price => ({ provider, model, usdPerMinute, usdPerMillion: {} });
const speech = (provider: string, model: string, characters: number): Price => ({
  provider,
  model,
  stage: 'synthesizer',
  usdPerMillion: { characters },
});
const vectors = (provider: string, model: string, tokens: number): Price => ({
  provider,
  model,
  stage: 'embedder',
  usdPerMillion: { 'input-tokens': tokens },
});
const words = (provider: string, model: string, [input, cached, output]: [number, number, number]): Price => ({
  provider,
  model,
  usdPerMillion: { 'input-tokens': input, 'cached-tokens': cached, 'output-tokens': output },
});
const talk = (text: Price, [input, output]: [number, number]): Price => ({
  ...text,
  stage: 'speech-to-speech',
  usdPerMillion: { ...text.usdPerMillion, 'input-audio-tokens': input, 'output-audio-tokens': output },
});

/** List prices as remembered, 2026-01, check. More particular names stand before shorter ones. */
const LIST_PRICES: readonly Price[] = [
  sound('deepgram', 'flux', 0.0077),
  sound('deepgram', 'nova-3', 0.0077),
  speech('deepgram', 'aura-2', 30),
  speech('deepgram', 'aura', 15),
  sound('assemblyai', '', 0.0025),
  sound('soniox', '', 0.002),
  talk(words('openai', 'gpt-realtime-mini', [0.6, 0.06, 2.4]), [10, 20]),
  talk(words('openai', 'gpt-realtime', [4, 0.4, 16]), [32, 64]),
  words('openai', 'gpt-4.1-nano', [0.1, 0.025, 0.4]),
  words('openai', 'gpt-4.1-mini', [0.4, 0.1, 1.6]),
  words('openai', 'gpt-4.1', [2, 0.5, 8]),
  // Sold by the minute (0.015); at about 900 characters a minute.
  speech('openai', 'gpt-4o-mini-tts', 16.7),
  words('openai', 'gpt-4o-mini', [0.15, 0.075, 0.6]),
  words('openai', 'gpt-4o', [2.5, 1.25, 10]),
  words('openai', 'gpt-5-nano', [0.05, 0.005, 0.4]),
  words('openai', 'gpt-5-mini', [0.25, 0.025, 2]),
  speech('openai', 'tts-1-hd', 30),
  speech('openai', 'tts-1', 15),
  vectors('openai', 'text-embedding-3-small', 0.02),
  vectors('openai', 'text-embedding-3-large', 0.13),
  words('anthropic', 'claude-haiku-4-5', [1, 0.1, 5]),
  talk(words('gemini', '', [0.5, 0.5, 2]), [3, 12]),
  words('gemini', 'gemini-2.5-flash-lite', [0.1, 0.025, 0.4]),
  words('gemini', 'gemini-2.5-flash', [0.3, 0.075, 2.5]),
  // Sold in credits, one a character.
  speech('cartesia', 'sonic', 39),
  // Sold in credits, half a one a character.
  speech('elevenlabs', 'eleven_flash', 50),
];

export class PriceTable {
  readonly #prices: readonly Price[];

  constructor(own: readonly Price[] = []) {
    this.#prices = [...own, ...LIST_PRICES];
  }

  /** Millionths of a US dollar, to a thousandth; 0 for what has no price. */
  priceOf(line: Usage): number {
    const found = this.#prices.find((entry) => fits(entry, line));
    return found === undefined ? 0 : Math.round(microsPerUnit(found, line.unit) * line.quantity * 1_000) / 1_000;
  }

  /** The line with its price. */
  priced(line: Usage): UsageLine {
    return { ...line, costMicros: this.priceOf(line) };
  }
}

function fits(entry: Price, line: Usage): boolean {
  const ours = line.provider === entry.provider || line.provider.startsWith(`${entry.provider}-`);
  return (
    ours && line.model.startsWith(entry.model) && (entry.stage === undefined || entry.stage === line.stage) && isPriced(entry, line.unit)
  );
}

const isPriced = ({ usdPerMinute, usdPerMillion }: Price, unit: Unit): boolean =>
  unit === 'seconds' ? usdPerMinute !== undefined : (usdPerMillion[unit] ?? usdPerMillion[instead(unit)]) !== undefined;

/** A cache that has no price of its own saves nothing. */
const instead = (unit: Unit): Unit => (unit === 'cached-tokens' ? 'input-tokens' : unit);

// A dollar a million is a millionth of a dollar each.
const microsPerUnit = ({ usdPerMinute = 0, usdPerMillion }: Price, unit: Unit): number =>
  unit === 'seconds' ? (usdPerMinute * 1_000_000) / 60 : (usdPerMillion[unit] ?? usdPerMillion[instead(unit)] ?? 0);

/** What an embedder made of so many tokens; `name` is the embedder's, `vendor/model` or the name of one built in. */
export function embedderUsage(name: string, tokens: number): Usage {
  const [provider, ...model] = name.split('/');
  return { stage: 'embedder', provider, model: model.join('/'), unit: 'input-tokens', quantity: tokens };
}

/** What a language model counted, as lines: tokens that a prompt cache served are not input tokens too. */
export function tokenUsage(
  head: Pick<Usage, 'stage' | 'provider' | 'model'>,
  { inputTokens, outputTokens, cachedTokens = 0 }: { inputTokens: number; outputTokens: number; cachedTokens?: number },
): Usage[] {
  const cached = Math.min(Math.max(0, cachedTokens), inputTokens);
  const lines: Usage[] = [
    { ...head, unit: 'input-tokens', quantity: inputTokens - cached },
    { ...head, unit: 'cached-tokens', quantity: cached },
    { ...head, unit: 'output-tokens', quantity: outputTokens },
  ];
  return lines.filter(({ quantity }) => quantity > 0);
}

/** Reads the file of own prices. Throws `setting-invalid` naming what is wrong in it. */
export async function readPrices(path: string | undefined): Promise<PriceTable> {
  if (path === undefined) return new PriceTable();
  try {
    return new PriceTable(prices.parse(JSON.parse(await readFile(path, 'utf8'))));
  } catch (thrown) {
    const issue = thrown instanceof z.ZodError ? thrown.issues[0] : undefined;
    const what = issue ? `${issue.path.join('.')}: ${issue.message}` : messageOf(thrown);
    throw new TandemError(
      'setting-invalid',
      `TANDEM_PRICES: ${path} is not a list of prices: ${what}`,
      { setting: 'TANDEM_PRICES' },
      thrown,
    );
  }
}
