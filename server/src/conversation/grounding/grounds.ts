/**
 * What one answer may rest on: the passages and results of tools it was given, what was said in the call, and what the
 * assistant was told of itself. Read when the first claim is to be checked.
 */
import type { ModelMessage, ModelPassage, ModelTool } from '#models/language-model.ts';
import { sentencesOf } from '../script.ts';
import { type Source, type SupportedSentence, supportOf } from '../support.ts';
import { unknownClaims } from './claims.ts';
import { Evidence } from './evidence.ts';

/** Beyond these nothing is read; passages are a tenth of it. */
const MOST_PASSAGES = 10;
const PASSAGE_CHARACTERS = 8_000;
const PIECE_CHARACTERS = 1_000;

/** What holds for every answer of a call. */
export class OwnWords {
  readonly language: string;
  #unread: string[];
  readonly #evidence: Evidence;

  constructor(language: string, texts: readonly string[]) {
    this.language = language;
    this.#unread = texts.flatMap((text) => text.split('\n')).filter((line) => line.trim() !== '');
    this.#evidence = new Evidence(language);
  }

  /** Reads them while the greeting is heard, in pieces of a millisecond or two with `pause` in between. */
  async prepare(pause: () => Promise<void>): Promise<void> {
    while (this.#unread.length > 0) {
      this.#readNext(PIECE_CHARACTERS);
      await pause();
    }
  }

  /** With whatever is still unread. */
  read(): Evidence {
    this.#readNext(Infinity);
    return this.#evidence;
  }

  #readNext(characters: number): void {
    let read = 0;
    let count = 0;
    for (; count < this.#unread.length && read < characters; count++) {
      this.#evidence.add(this.#unread[count]);
      read += this.#unread[count].length;
    }
    this.#unread = this.#unread.slice(count);
  }
}

export const toolText = ({ name, description, parameters }: ModelTool): string => `${name}: ${description} ${JSON.stringify(parameters)}`;

export class Grounds {
  readonly #own: OwnWords;
  readonly #sources: Source[] = [];
  #messages: readonly ModelMessage[];
  /** What was given and is not read yet. */
  #unread: { text: string; cents: boolean }[] = [];
  #evidence: Evidence | undefined;

  /** `messages`: what was said before, the caller's last words and the results of tools among it. */
  constructor(own: OwnWords, messages: readonly ModelMessage[]) {
    this.#own = own;
    this.#messages = messages;
  }

  found(passages: readonly ModelPassage[]): void {
    for (const { id, title, text, answer } of passages.slice(0, MOST_PASSAGES)) {
      this.#give(id, `${title}. ${text.slice(0, PASSAGE_CHARACTERS)} ${answer ?? ''}`, false);
    }
  }

  /** Results of tools among `messages`. */
  returned(messages: readonly ModelMessage[]): void {
    for (const message of messages) if (message.role === 'tool') this.#give(message.toolCallId, message.result, true);
  }

  /** The claims of a clause that none of it holds, as they are written. */
  unknown(clause: string): string[] {
    return unknownClaims(clause, this.#own.language, () => [this.#read(), this.#own.read()]);
  }

  /** The sentences of a text with what they rest on. */
  support(heard: string): SupportedSentence[] {
    return supportOf(sentencesOf(heard), this.#sources, this.#own.language);
  }

  #give(id: string, text: string, cents: boolean): void {
    this.#sources.push({ id, text });
    this.#unread.push({ text, cents });
  }

  #read(): Evidence {
    const evidence = (this.#evidence ??= new Evidence(this.#own.language));
    for (const message of this.#messages) {
      if (message.role === 'tool') evidence.add(message.result, { cents: true });
      else evidence.add(message.text);
    }
    this.#messages = [];
    for (const { text, cents } of this.#unread) evidence.add(text, { cents });
    this.#unread = [];
    return evidence;
  }
}
