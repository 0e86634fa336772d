/** CSV and its kin (RFC 4180, and what is really out there): the delimiter is guessed, each row becomes a sentence. */
import { type Parser, parse } from 'csv-parse';
import { parse as parseSync } from 'csv-parse/sync';
import { textOf } from './encoding.ts';
import { damaged, type Found, MarkdownWriter, type Reading } from './reading.ts';
import { SheetWriter } from './sheet-writer.ts';

const DELIMITERS = [',', ';', '\t', '|'] as const;
const SAMPLE_LINES = 50;
const CHUNK = 65_536; // characters given to the parser at a time

const options = (delimiter: string, quote: '"' | null) => ({
  delimiter,
  quote,
  bom: true,
  relax_quotes: true,
  relax_column_count: true,
  skip_empty_lines: true,
  max_record_size: 1_000_000,
});

function sampleRows(text: string, delimiter: string): string[][] {
  const sample = text.slice(0, 20_000);
  const lines = sample.split(/\r?\n/).slice(0, SAMPLE_LINES);
  // The last line of a cut sample may be half of one.
  const whole = lines.length === SAMPLE_LINES || sample.length < text.length ? lines.slice(0, -1) : lines;
  try {
    return parseSync(whole.join('\n'), options(delimiter, '"'));
  } catch {
    return whole.filter(Boolean).map((line) => line.split(delimiter));
  }
}

export interface CsvShape {
  delimiter: string;
  columns: number;
  rows: number;
  /** Share of the rows that have exactly so many columns. */
  regular: number;
}

/** The delimiter that cuts the most regular table, `undefined` when none makes two columns. */
export function csvShape(text: string): CsvShape | undefined {
  let best: CsvShape | undefined;
  for (const delimiter of DELIMITERS) {
    const rows = sampleRows(text, delimiter);
    if (rows.length === 0) continue;
    const widths = new Map<number, number>();
    for (const { length } of rows) widths.set(length, (widths.get(length) ?? 0) + 1);
    const [columns, count] = [...widths].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0];
    const shape = { delimiter, columns, rows: rows.length, regular: count / rows.length };
    const worth = (each: CsvShape) => each.regular * Math.min(each.columns, 6);
    if (columns > 1 && (!best || worth(shape) > worth(best))) best = shape;
  }
  return best;
}

/** Rows as they come; the parser is a stream so that a large file is never there twice. */
async function* rowsOf(text: string, delimiter: string, quote: '"' | null): AsyncGenerator<string[], void, undefined> {
  const parser: Parser = parse(options(delimiter, quote));
  const feed = async () => {
    for (let at = 0; at < text.length && !parser.destroyed; at += CHUNK) {
      if (!parser.write(text.slice(at, at + CHUNK))) {
        await new Promise<void>((resolve) => {
          parser.once('drain', resolve).once('close', resolve);
        });
      }
    }
    if (!parser.destroyed) parser.end();
  };
  const fed = feed();
  for await (const row of parser) yield row as string[];
  await fed;
}

export async function readCsv({ bytes, limits, progress }: Reading): Promise<Found> {
  const text = textOf(bytes);
  const delimiter = csvShape(text)?.delimiter ?? ',';
  // A quote that never closes swallows the rest of the file: then quotes are mere characters.
  for (const quote of ['"', null] as const) {
    const writer = new MarkdownWriter(limits);
    const sheet = new SheetWriter(writer);
    let read = 0;
    try {
      for await (const row of rowsOf(text, delimiter, quote)) {
        sheet.row(row);
        read += row.reduce((sum, cell) => sum + cell.length + 1, 0);
        progress(Math.min(1, read / text.length));
      }
    } catch (error) {
      if (error instanceof Error && 'code' in error && String(error.code).startsWith('CSV_') && quote) continue;
      throw error;
    }
    sheet.end();
    return { text: writer.text() };
  }
  throw damaged('The rows of the table cannot be told apart.');
}
