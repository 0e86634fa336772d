/** AssemblyAI streaming v3: a message for a turn each time it grows, numbered, and a last one that ends it. */
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import { categoryOfStatus } from '../provider-failures.ts';
import type { Report, Wire } from '../socket-transcription.ts';
import { numberOf, textOf, wordsOf } from '../vendor-words.ts';

const WORD = { text: 'text', from: 'start', to: 'end' };

export class TurnsWire implements Wire {
  readonly goodbye = '{"type":"Terminate"}';
  readonly #forceEndpoint: boolean;
  /** Turns before this one have ended. A turn that is told again, formatted, is one of them. */
  #turn = 0;

  constructor(options: { forceEndpoint: boolean }) {
    this.#forceEndpoint = options.forceEndpoint;
  }

  read(message: Record<string, unknown>, report: Report): void {
    if (message.type === 'Error' || (message.type === undefined && message.error !== undefined)) throw failureOf(message);
    if (message.type === 'Termination') throw new VendorError('assemblyai', 'retryable', 'the session was ended by the vendor');
    if (message.type !== 'Turn') return;
    const turn = numberOf(message.turn_order) ?? this.#turn;
    if (turn < this.#turn) return;
    this.#turn = turn;
    const words = wordsOf(message.words, 1, WORD);
    // `transcript` holds only the words that are final; the newest stand in `words` alone.
    const newest = words.map(({ text }) => text).join(' ');
    if (message.end_of_turn !== true) return report.partial(newest || textOf(message.transcript), words);
    this.#turn = turn + 1;
    report.final(textOf(message.transcript) || newest, words);
    report.endOfTurn();
  }

  speechEnded(): string | undefined {
    return this.#forceEndpoint ? '{"type":"ForceEndpoint"}' : undefined;
  }
}

function failureOf(message: Record<string, unknown>): VendorError {
  const code = numberOf(message.error_code) ?? 0;
  const text = textOf(message.error).slice(0, 300) || 'an error without a name';
  return new VendorError('assemblyai', categoryOfSession(code, text) ?? 'retryable', `${code || ''} ${text}`.trim());
}

/** The codes of a session that was ended, as close codes and in error messages. */
export function categoryOfSession(code: number, reason: string): FailureCategory | undefined {
  if (/too many concurrent|rate exceeded|rate limit/i.test(reason)) return 'rate-limited';
  if (/not authorized|unauthorized|missing authorization|insufficient (account )?(funds|balance)/i.test(reason)) return 'auth';
  if (code === 3005 || code === 3008) return 'retryable'; // the server's trouble; the longest session is over
  if (code === 3006 || code === 3007) return 'bad-input'; // a message it cannot read; chunks too short or too long
  if (code === 3009) return 'rate-limited';
  return code >= 400 && code < 600 ? categoryOfStatus(code) : undefined;
}
