/**
 * Soniox real time: pieces of words ("tokens"). Final ones come once and are kept here until the utterance is complete;
 * the others come again each time. `<end>`: its model heard the utterance end. `<fin>`: what we asked to finalize is final.
 */
import { VendorError } from '#kit/errors.ts';
import type { Clock } from '#kit/clock.ts';
import { categoryOfStatus } from '../provider-failures.ts';
import type { Report, Wire } from '../socket-transcription.ts';
import { type HeardWord, numberOf, recordOf, textOf } from '../vendor-words.ts';

interface Token {
  text: string;
  fromMs: number;
  toMs: number;
  confidence: number | undefined;
}

/** Documented: asking often ends the connection; "every few seconds is fine". */
const FINALIZE_EVERY_MS = 2_000;
/** Of one utterance; the longest of real ones has a few hundred. */
const MOST_TOKENS = 5_000;

export class TokensWire implements Wire {
  readonly greeting: string;
  /** An empty message ends the stream. */
  readonly goodbye = '';
  readonly #clock: Clock;
  #final: Token[] = [];
  /** Everything before this time of the stream is final: what comes again of it is a repetition. */
  #finalToMs = 0;
  #finalizedMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, configuration: Record<string, unknown>) {
    this.#clock = clock;
    this.greeting = JSON.stringify(configuration);
  }

  read(message: Record<string, unknown>, report: Report): void {
    const failed = numberOf(message.error_code);
    if (failed !== undefined) {
      throw new VendorError('soniox', categoryOfStatus(failed), `${failed} ${textOf(message.error_message).slice(0, 300)}`.trim());
    }
    if (message.finished === true) throw new VendorError('soniox', 'retryable', 'the session was ended by the vendor');
    const open: Token[] = [];
    for (const entry of Array.isArray(message.tokens) ? message.tokens : []) {
      const read = recordOf(entry);
      const text = typeof read.text === 'string' ? read.text : '';
      if (text === '<end>' || text === '<fin>') {
        this.#complete(report);
        if (text === '<end>') report.endOfTurn();
        continue;
      }
      if (text === '') continue;
      const fromMs = Math.max(0, numberOf(read.start_ms) ?? this.#final.at(-1)?.toMs ?? 0);
      const token = { text, fromMs, toMs: Math.max(fromMs, numberOf(read.end_ms) ?? fromMs), confidence: numberOf(read.confidence) };
      if (read.is_final !== true) open.push(token);
      else if ((fromMs >= this.#finalToMs || token.toMs > this.#finalToMs) && this.#final.length < MOST_TOKENS) {
        this.#final.push(token);
        this.#finalToMs = Math.max(this.#finalToMs, token.toMs);
      }
    }
    const all = [...this.#final, ...open];
    report.partial(written(all), wordsFrom(all));
  }

  speechEnded(): string | undefined {
    const now = this.#clock.now();
    if (now - this.#finalizedMs < FINALIZE_EVERY_MS) return undefined;
    this.#finalizedMs = now;
    return '{"type":"finalize"}';
  }

  #complete(report: Report): void {
    const tokens = this.#final;
    this.#final = [];
    report.final(written(tokens), wordsFrom(tokens));
  }
}

const written = (tokens: readonly Token[]): string =>
  tokens
    .map(({ text }) => text)
    .join('')
    .replace(/\s+/g, ' ')
    .trim();

/** A word begins where a token begins with a space. Its confidence is its least sure token's. */
function wordsFrom(tokens: readonly Token[]): HeardWord[] {
  const words: HeardWord[] = [];
  for (const { text, fromMs, toMs, confidence } of tokens) {
    const last = words.at(-1);
    const piece = text.trim();
    if (piece === '') continue;
    if (!last || /^\s/.test(text)) words.push({ text: piece, fromMs, toMs, confidence });
    else {
      last.text += piece;
      last.toMs = Math.max(last.toMs, toMs);
      if (confidence !== undefined) last.confidence = Math.min(last.confidence ?? 1, confidence);
    }
  }
  return words;
}
