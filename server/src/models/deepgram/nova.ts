/**
 * Deepgram nova, `/v1/listen`: results that replace each other until one is final, stretch by stretch. Its own endpointing is
 * silence alone, so our voice activity ends the stretch (`Finalize`), which saves the wait.
 */
import { VendorError } from '#kit/errors.ts';
import type { Report, Wire } from '../socket-transcription.ts';
import { numberOf, recordOf, textOf, wordsOf } from '../vendor-words.ts';

const WORD = { text: 'word', written: 'punctuated_word', from: 'start', to: 'end' };
const FINALIZE = '{"type":"Finalize"}';
/** Ends of stretches are sums of rounded seconds. */
const SLACK_S = 0.005;

export interface NovaOptions {
  /** Its silence counts as the end of a turn: for a transcriber that promises to end turns, in a language that only nova knows. */
  endsTurns: boolean;
}

export class NovaWire implements Wire {
  readonly goodbye = '{"type":"CloseStream"}';
  readonly #endsTurns: boolean;
  /** Everything before this second of the stream is final. */
  #finalTo = 0;
  /** Words that are not final yet. */
  #pending = false;

  constructor({ endsTurns }: NovaOptions) {
    this.#endsTurns = endsTurns;
  }

  read(message: Record<string, unknown>, report: Report): void {
    if (message.type === 'Results') this.#results(message, report);
    else if (message.type === 'UtteranceEnd') {
      // Noise kept its endpointing from firing: what it holds is wanted now.
      if (this.#pending) report.send(FINALIZE);
      else if (this.#endsTurns) report.endOfTurn();
    } else if (message.type === 'Error') {
      const text = textOf(message.description) || textOf(message.message) || textOf(message.variant) || 'an error without a name';
      throw new VendorError('deepgram', 'retryable', text.slice(0, 300));
    }
  }

  speechEnded(): string {
    return FINALIZE;
  }

  #results(message: Record<string, unknown>, report: Report): void {
    const [alternative] = (recordOf(message.channel).alternatives as unknown[] | undefined) ?? [];
    const read = recordOf(alternative);
    const text = textOf(read.transcript);
    const words = wordsOf(read.words, 1000, WORD);
    const start = numberOf(message.start) ?? this.#finalTo;
    const to = start + (numberOf(message.duration) ?? 0);
    if (message.is_final !== true) {
      if (start < this.#finalTo - SLACK_S) return; // late
      this.#pending = text !== '';
      return report.partial(text, words);
    }
    // The same stretch twice, or an older one. A stretch of no length only says that Finalize was heard.
    if (to > this.#finalTo + SLACK_S) {
      this.#finalTo = to;
      this.#pending = false;
      report.final(text, words);
    }
    if (this.#endsTurns && message.speech_final === true && message.from_finalize !== true) report.endOfTurn();
  }
}
