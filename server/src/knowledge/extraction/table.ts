/** Tables for the ear: each row is a sentence of its own, "Column: value; Column: value." */
import { oneLine } from './reading.ts';

const LONGEST_NAME = 60; // characters of a column's name; longer is a text, not a name

/** "Service: Filling; Price: 80." Empty cells are left out; without names the first of two cells names the second. */
export function rowSentence(names: readonly string[] | undefined, row: readonly string[]): string {
  const cells = row.map(oneLine);
  const filled = cells.filter(Boolean);
  let parts: string[];
  if (names) {
    parts = cells.flatMap((cell, column) => (cell ? [names[column] ? `${names[column].replace(/:$/, '')}: ${cell}` : cell] : []));
  } else if (filled.length === 2 && filled[0].length <= LONGEST_NAME) {
    parts = [`${filled[0].replace(/:$/, '')}: ${filled[1]}`];
  } else parts = filled;
  const sentence = parts.join('; ');
  return sentence && !/[.!?…。！？]$/.test(sentence) ? `${sentence}.` : sentence;
}

const hasDigit = (cell: string) => /\d/.test(cell);

/** A price or a count; a year can name a column. */
const isAmount = (cell: string) => /^[\d\s.,:%€$£+-]+$/.test(cell) && !/^(19|20)\d\d$/.test(cell);

/** A row that can name columns: words, each its own, none a number. */
export function couldBeNames(row: readonly string[]): boolean {
  const cells = row.map(oneLine).filter(Boolean);
  return cells.length > 1 && cells.every((cell) => cell.length <= LONGEST_NAME && !isAmount(cell)) && new Set(cells).size === cells.length;
}

/**
 * The names of the columns, when the first row holds them. Two columns are more often a name and its value ("Monday:
 * 9 to 5"), so that there the rows below must be of another kind (numbers).
 */
export function namesOf(rows: readonly (readonly string[])[]): string[] | undefined {
  const [first, ...others] = rows;
  if (!first || others.length === 0 || !couldBeNames(first)) return undefined;
  const width = Math.max(...rows.map((row) => row.length));
  const numbersBelow = first.some(
    (cell, column) => !hasDigit(cell) && others.filter((row) => hasDigit(row[column] ?? '')).length * 2 > others.length,
  );
  if (width <= 2 && !numbersBelow) return undefined;
  if (first.filter((cell) => oneLine(cell)).length < width - 1) return undefined; // one corner may be empty
  return first.map(oneLine);
}

/** A whole table, row by row. `names`: the columns' names when the document says which they are. */
export function rowSentences(rows: readonly (readonly string[])[], names?: readonly string[]): string[] {
  const columns = names?.map(oneLine) ?? namesOf(rows);
  const body = columns && !names ? rows.slice(1) : rows;
  return body.map((row) => rowSentence(columns, row)).filter(Boolean);
}
