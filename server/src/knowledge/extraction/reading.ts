/** What every reader of a format is given, and the text it writes: bounded as it grows, not when it is done. */
import { type ExtractionError as Fault, ExtractionError, type ExtractionLimits } from './extraction.ts';

export interface Reading {
  bytes: Uint8Array;
  limits: ExtractionLimits;
  /** 0…1, may be told often. */
  progress: (share: number) => void;
}

/** What a reader found; the format is known already. */
export interface Found {
  title?: string;
  text: string;
  pages?: number;
}

export type Reader = (reading: Reading) => Promise<Found> | Found;

/** Thrown while reading: the words are for the person who handed the file in. */
export const damaged = (message: string, cause?: unknown): Fault => new ExtractionError('file-damaged', message, cause);

/** Markdown in the making: blocks apart by a blank line. Throws `too-large` as soon as the limit is passed. */
export class MarkdownWriter {
  readonly #limit: number;
  readonly #blocks: string[] = [];
  #characters = 0;

  constructor(limits: Pick<ExtractionLimits, 'characters'>) {
    this.#limit = limits.characters;
  }

  get characters(): number {
    return this.#characters;
  }

  heading(level: number, text: string): void {
    const line = oneLine(text).slice(0, 200);
    if (line) this.#add(`${'#'.repeat(Math.min(6, Math.max(1, level)))} ${line}`);
  }

  paragraph(text: string): void {
    const line = oneLine(text);
    if (line) this.#add(line);
  }

  /** Items stand line by line in one block, so that they stay one list. */
  list(items: readonly string[]): void {
    const lines = items.map(oneLine).filter(Boolean);
    if (lines.length > 0) this.#add(lines.map((line) => `- ${line}`).join('\n'));
  }

  /** Further items of the block above, for a table that is too long to be held at once. */
  item(text: string, first: boolean): void {
    const line = oneLine(text);
    if (!line) return;
    if (first || this.#blocks.length === 0) this.#add(`- ${line}`);
    else {
      this.#count(line.length + 3);
      this.#blocks.push(`\n- ${line}`);
    }
  }

  text(): string {
    return this.#blocks.join('').trim();
  }

  #add(block: string): void {
    this.#count(block.length + 2);
    this.#blocks.push(this.#blocks.length === 0 ? block : `\n\n${block}`);
  }

  #count(characters: number): void {
    this.#characters += characters;
    if (this.#characters > this.#limit) {
      throw new ExtractionError('too-large', `It holds more than ${this.#limit.toLocaleString('en')} characters of text.`);
    }
  }
}

/** Invisible characters that only steer a typesetter: soft hyphen, zero width, directions, byte order mark. */
const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]/g;

/** One line of clean text; control and invisible characters go, white space of every kind becomes one blank. */
export function oneLine(text: string): string {
  return (
    text
      .replace(INVISIBLE, '')
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      .replace(/[\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g, ' ')
      .trim()
  );
}
