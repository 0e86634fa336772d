/** What was said in one call and what its tools returned, as evidence: each message is read once, however often it is in a prompt. */
import type { ModelMessage } from '#models/language-model.ts';
import type { Witness } from './evidence.ts';
import { ReadText } from './read-texts.ts';

export class CallWords {
  readonly #language: string;
  /** Of the prompt that was asked about last: what has left the history is forgotten. */
  #read = new Map<string, ReadText>();

  constructor(language: string) {
    this.#language = language;
  }

  /** Who knows what these messages hold. */
  witnesses(messages: readonly ModelMessage[]): Witness[] {
    const read = new Map<string, ReadText>();
    const witnesses = messages.map((message) => {
      const text = message.role === 'tool' ? message.result : message.text;
      const one = read.get(text) ?? this.#read.get(text) ?? new ReadText(text, this.#language);
      read.set(text, one);
      return message.role === 'tool' ? one.evidence.withCents : one.evidence;
    });
    this.#read = read;
    return witnesses;
  }
}
