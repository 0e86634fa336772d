/**
 * What one answer may rest on: the passages and results of tools it was given, what was said in the call, and what the
 * assistant was told of itself. Read when the first claim is to be checked.
 */
import type { ModelMessage, ModelPassage } from '#models/language-model.ts';
import { sentencesOf } from '../script.ts';
import { type Source, type SupportedSentence, supportOf } from '../support.ts';
import type { CallWords } from './call-words.ts';
import { unknownClaims } from './claims.ts';
import type { Witness } from './evidence.ts';
import type { OwnWords } from './own-words.ts';
import { readPassages, ReadText } from './read-texts.ts';

/** Beyond these nothing is read; passages are a tenth of it. */
const MOST_PASSAGES = 10;
const PASSAGE_CHARACTERS = 8_000;

export class Grounds {
  readonly #own: OwnWords;
  readonly #call: CallWords;
  readonly #messages: readonly ModelMessage[];
  readonly #passages: Source[] = [];
  readonly #results: Source[] = [];
  /** All of it, since something was given last. */
  #witnesses: Witness[] | undefined;

  /** `messages`: what was said before, the caller's last words and the results of tools among it. */
  constructor(own: OwnWords, call: CallWords, messages: readonly ModelMessage[]) {
    this.#own = own;
    this.#call = call;
    this.#messages = messages;
  }

  found(passages: readonly ModelPassage[]): void {
    this.#witnesses = undefined;
    for (const { id, title, text, answer } of passages.slice(0, MOST_PASSAGES)) {
      const whole = `${title}. ${text.slice(0, PASSAGE_CHARACTERS)} ${answer ?? ''}`;
      this.#passages.push({ id, text: readPassages.of(whole, this.#own.language) });
    }
  }

  /** Results of tools among `messages`. */
  returned(messages: readonly ModelMessage[]): void {
    this.#witnesses = undefined;
    for (const message of messages) {
      if (message.role !== 'tool') continue;
      this.#results.push({ id: message.toolCallId, text: new ReadText(message.result, this.#own.language) });
    }
  }

  /** The claims of a clause that none of it holds, as they are written. */
  unknown(clause: string): string[] {
    return unknownClaims(clause, this.#own.language, () => (this.#witnesses ??= this.#allWitnesses()));
  }

  /** The sentences of a text with what they rest on. */
  support(heard: string): SupportedSentence[] {
    return supportOf(sentencesOf(heard), [...this.#passages, ...this.#results], this.#own.language);
  }

  #allWitnesses(): Witness[] {
    return [
      ...this.#call.witnesses(this.#messages),
      ...this.#passages.map(({ text }) => text.evidence),
      ...this.#results.map(({ text }) => text.evidence.withCents),
      this.#own.read(),
    ];
  }
}
