/** Rows of a sheet or a CSV file, one after the other, as sentences under the names of their columns. */
import type { MarkdownWriter } from './reading.ts';
import { couldBeNames, rowSentence } from './table.ts';

const LONGEST_WAIT = 20; // rows looked at before it is sure that none of them names the columns

/**
 * Sheets often begin with a title or a note in one cell: those are paragraphs. The first row that can name columns does;
 * when there is none in the first rows, the rows stand without names.
 */
export class SheetWriter {
  readonly #writer: MarkdownWriter;
  #names: string[] | undefined;
  #waiting: string[][] | undefined = [];
  #written = 0;

  constructor(writer: MarkdownWriter) {
    this.#writer = writer;
  }

  /** Rows with a sentence so far. */
  get rows(): number {
    return this.#written;
  }

  row(cells: readonly string[]): void {
    if (!cells.some((cell) => cell.trim())) return;
    if (!this.#waiting) {
      this.#write(cells);
    } else if (couldBeNames(cells)) {
      this.#settle();
      this.#names = cells.map((cell) => cell.trim());
    } else {
      this.#waiting.push([...cells]);
      if (this.#waiting.length >= LONGEST_WAIT || cells.filter((cell) => cell.trim()).length > 1) this.#settle();
    }
  }

  end(): void {
    this.#settle();
    // Names without a row below them are a row.
    if (this.#names && this.#written === 0) this.#writer.paragraph(rowSentence(undefined, this.#names));
  }

  #settle(): void {
    const rows = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const row of rows) {
      const filled = row.filter((cell) => cell.trim());
      if (filled.length === 1) this.#writer.paragraph(filled[0]);
      else this.#write(row);
    }
  }

  #write(cells: readonly string[]): void {
    const sentence = rowSentence(this.#names, cells);
    if (!sentence) return;
    this.#writer.item(sentence, this.#written === 0);
    this.#written++;
  }
}
