/** What an assistant was told of itself: it holds for every answer of every call that it takes. */
import type { ModelTool } from '#models/language-model.ts';
import { Evidence } from './evidence.ts';

const PIECE_CHARACTERS = 1_000;
/** Assistants whose own words stay read. */
const MOST_KEPT = 64;

export const toolText = ({ name, description, parameters }: ModelTool): string => `${name}: ${description} ${JSON.stringify(parameters)}`;

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

/** In order of use, the newest last. */
const kept = new Map<string, OwnWords>();

/** The same for all calls whose assistant was told the same: it is read in the first of them. */
export function ownWordsOf(language: string, texts: readonly string[]): OwnWords {
  const key = [language, ...texts].join('\n');
  const own = kept.get(key) ?? new OwnWords(language, texts);
  kept.delete(key);
  kept.set(key, own);
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    kept.delete(oldest);
  }
  return own;
}
