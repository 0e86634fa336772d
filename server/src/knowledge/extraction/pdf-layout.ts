/**
 * A PDF has no paragraphs, only glyphs at places. Here they become lines, tables, headings and paragraphs again, in the
 * order in which the file draws them, which is the reading order of nearly every program that writes PDFs.
 */
import { oneLine } from './reading.ts';
import { rowSentences } from './table.ts';

/** As pdf.js gives it; places in points, `y` upwards. */
export interface TextItem {
  text: string;
  x: number;
  y: number;
  width: number;
  size: number;
  /** The file says that a line ends here. */
  endOfLine: boolean;
}

export interface Line {
  /** Pieces apart by a gap as wide as of a table's columns. */
  cells: { text: string; x: number }[];
  text: string;
  x: number;
  /** Right end. */
  right: number;
  y: number;
  size: number;
}

const COLUMN_GAP = 1.6; // of the size: wider than any blank between words
const WORD_GAP = 0.15;
const SAME_LINE = 0.4;

export function linesOf(items: readonly TextItem[]): Line[] {
  const lines: Line[] = [];
  let line: Line | undefined;
  for (const item of items) {
    const blank = item.text.trim() === '';
    if (
      line &&
      (Math.abs(item.y - line.y) > Math.max(line.size, item.size || line.size) * SAME_LINE || item.x < line.right - line.size * 4)
    )
      line = undefined;
    if (!blank) {
      if (!line) lines.push((line = { cells: [], text: '', x: item.x, right: item.x, y: item.y, size: 0 }));
      append(line, item);
    } else if (line && item.text && item.width < line.size * COLUMN_GAP) {
      line.cells[line.cells.length - 1].text += ' ';
      line.right = Math.max(line.right, item.x + item.width);
    }
  }
  for (const each of lines) {
    // Dots that lead the eye to a price are a gap.
    each.cells = each.cells
      .flatMap(({ text, x }) => text.split(/\s*(?:\.\s?){4,}\s*/).map((piece) => ({ text: oneLine(piece), x })))
      .filter(({ text }) => text);
    each.text = each.cells.map(({ text }) => text).join(' ');
  }
  return lines.filter(({ text }) => text);
}

function append(line: Line, item: TextItem): void {
  const gap = item.x - line.right;
  const last = line.cells.at(-1);
  const unit = item.size || line.size;
  if (!last || gap > unit * COLUMN_GAP) line.cells.push({ text: item.text, x: item.x });
  else last.text += `${gap > unit * WORD_GAP && !last.text.endsWith(' ') ? ' ' : ''}${item.text}`;
  line.right = Math.max(line.right, item.x + item.width);
  line.size = Math.max(line.size, item.size);
}

/** The size in which most of the text is set. */
export function bodySize(pages: readonly (readonly Line[])[]): number {
  const characters = new Map<number, number>();
  for (const page of pages)
    for (const { size, text } of page)
      characters.set(Math.round(size * 2) / 2, (characters.get(Math.round(size * 2) / 2) ?? 0) + text.length);
  return [...characters].sort((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

const withoutNumbers = (text: string) => text.replace(/\d+/g, '#');
const EDGE_LINES = 2; // at the top and at the bottom of a page

/** Lines that stand at the edge of most pages: titles of the whole, page numbers. */
export function furnitureOf(pages: readonly (readonly Line[])[]): Set<string> {
  const counts = new Map<string, number>();
  for (const page of pages)
    for (const key of new Set(edgesOf(page).map(({ text }) => withoutNumbers(text)))) counts.set(key, (counts.get(key) ?? 0) + 1);
  const often = Math.max(3, pages.length / 3);
  return new Set([...counts].filter(([, count]) => count >= often).map(([key]) => key));
}

const edgesOf = (page: readonly Line[]): Line[] => {
  const sorted = [...page].sort((a, b) => b.y - a.y);
  return [...sorted.slice(0, EDGE_LINES), ...sorted.slice(-EDGE_LINES)];
};

export function withoutFurniture(page: readonly Line[], furniture: ReadonlySet<string>): Line[] {
  const edges = new Set(edgesOf(page));
  return page.filter(
    (line) =>
      !edges.has(line) || (!furniture.has(withoutNumbers(line.text)) && !/^(page\s*)?\d{1,4}(\s*(of|\/)\s*\d{1,4})?$/i.test(line.text)),
  );
}

export type Block =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; items: string[] };

const BULLET = /^[•◦▪●○■–*·‣-]\s+|^\(?\d{1,2}[.)]\s+(?=\S)/;
const MOST_HEADING = 120; // characters

/** Sizes above the body's, largest first: the place in it is the heading's level. */
export function headingSizes(pages: readonly (readonly Line[])[], body: number): number[] {
  const sizes = new Set<number>();
  for (const page of pages)
    for (const line of page) if (line.size > body * 1.12 && line.text.length <= MOST_HEADING) sizes.add(Math.round(line.size * 2) / 2);
  return [...sizes].sort((a, b) => b - a).slice(0, 6);
}

/** The blocks of one page, in order. */
export function blocksOf(lines: readonly Line[], sizes: readonly number[]): Block[] {
  const blocks: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const table = tableAt(lines, at);
    const level = line.text.length <= MOST_HEADING && /\p{L}/u.test(line.text) ? sizes.indexOf(Math.round(line.size * 2) / 2) + 1 : 0;
    if (level > 0) {
      const last = blocks.at(-1);
      // A heading over two lines.
      if (last?.kind === 'heading' && last.level === level && isNext(lines[at - 1], line)) last.text += ` ${line.text}`;
      else blocks.push({ kind: 'heading', level, text: line.text });
      at++;
    } else if (table > 1) {
      blocks.push({ kind: 'list', items: rowSentences(lines.slice(at, at + table).map(({ cells }) => cells.map(({ text }) => text))) });
      at += table;
    } else {
      const last = blocks.at(-1);
      const bullet = BULLET.test(line.text);
      const before = at > 0 ? lines[at - 1] : undefined;
      const goesOn = before !== undefined && isNext(before, line);
      const text = line.text.replace(/^[•◦▪●○■–*·‣-]\s+/, '');
      if (bullet && last?.kind === 'list' && goesOn) last.items.push(text);
      else if (bullet) blocks.push({ kind: 'list', items: [text] });
      else if (last?.kind === 'list' && goesOn && before && line.x > before.x - 1 && tableAt(lines, at - 1) < 2)
        last.items[last.items.length - 1] = joined(last.items.at(-1) ?? '', text);
      else if (last?.kind === 'paragraph' && goesOn && before && !endsParagraph(before, lines)) last.text = joined(last.text, text);
      else blocks.push({ kind: 'paragraph', text });
      at++;
    }
  }
  return blocks;
}

/** The next line of the same block: below, not far, in letters of the same size. */
const isNext = (before: Line, line: Line): boolean => {
  const step = before.y - line.y;
  return step > 0 && step < Math.max(before.size, line.size) * 1.75 && Math.abs(before.size - line.size) < 1;
};

/** A sentence that ends well before the right margin ends its paragraph. */
const endsParagraph = (line: Line, page: readonly Line[]): boolean => {
  const margin = Math.max(...page.slice(0, 200).map(({ right }) => right));
  return /[.!?:…]["'”’)]?$/.test(line.text) && line.right - line.x < (margin - line.x) * 0.6;
};

/** A word cut at the end of a line is whole again. */
const joined = (text: string, next: string): string =>
  /\p{Ll}-$/u.test(text) && /^\p{Ll}/u.test(next) ? text.slice(0, -1) + next : `${text} ${next}`;

/** How many lines from here on are rows of one table: as many cells each, or fewer, at the same places. */
function tableAt(lines: readonly Line[], at: number): number {
  const places = lines[at].cells.map(({ x }) => x);
  if (places.length < 2 || places.length > 12) return 1;
  let rows = 1;
  while (at + rows < lines.length) {
    const line = lines[at + rows];
    const step = lines[at + rows - 1].y - line.y;
    if (line.cells.length !== places.length || step <= 0 || step > line.size * 4) break;
    // Numbers may be set flush right, so that only the first column must stand under itself.
    if (Math.abs(line.cells[0].x - places[0]) > line.size) break;
    rows++;
  }
  return rows;
}
