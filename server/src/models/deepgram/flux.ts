/** Deepgram Flux, `/v2/listen`: one message for everything that happens in a turn, and turns end by the model's own ear. */
import { VendorError } from '#kit/errors.ts';
import type { Report, Wire } from '../socket-transcription.ts';
import { numberOf, textOf, wordsOf } from '../vendor-words.ts';

const WORD = { text: 'word', from: 'start', to: 'end' };

export class FluxWire implements Wire {
  readonly goodbye = '{"type":"CloseStream"}';
  #sequence = -1;
  /** Turns before this one have ended: what still comes of them is late. */
  #turn = 0;

  read(message: Record<string, unknown>, report: Report): void {
    if (message.type === 'Error') throw fluxFailure(message);
    if (message.type !== 'TurnInfo') return;
    const sequence = numberOf(message.sequence_id);
    if (sequence !== undefined) {
      if (sequence <= this.#sequence) return;
      this.#sequence = sequence;
    }
    const turn = numberOf(message.turn_index) ?? this.#turn;
    if (turn < this.#turn) return;
    this.#turn = turn;
    const text = textOf(message.transcript);
    const words = wordsOf(message.words, 1000, WORD);
    switch (message.event) {
      case 'EndOfTurn':
        this.#turn = turn + 1;
        if (text === '') report.turnResumed();
        report.final(text, words);
        return report.endOfTurn();
      case 'EagerEndOfTurn':
        report.partial(text, words);
        return report.eagerEndOfTurn();
      case 'TurnResumed':
        report.turnResumed();
        return report.partial(text, words);
      default: // Update, StartOfTurn
        report.partial(text, words);
    }
  }
}

/** Wrong parameters are told by upgrade; an error inside the stream is the vendor's trouble, or a key that lost its right. */
function fluxFailure(message: Record<string, unknown>): VendorError {
  const code = textOf(message.code);
  const text = [code, textOf(message.description)].filter(Boolean).join(': ').slice(0, 300);
  const category = /AUTH|FORBIDDEN|PERMISSION/i.test(code)
    ? 'auth'
    : /RATE|LIMIT|TOO_MANY/i.test(code)
      ? 'rate-limited'
      : /UNPARSABLE|INVALID|BAD_REQUEST|DATA/i.test(code)
        ? 'bad-input'
        : 'retryable';
  return new VendorError('deepgram', category, text || 'an error without a name');
}
