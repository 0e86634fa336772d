/**
 * XLSX, read as it streams: a sheet of a million rows needs the memory of one. (Libraries build the whole tree first.)
 * ECMA-376 part 1, chapter 18.
 */
import type { Archive } from './archive.ts';
import { builtInFormat, type CellFormat, cellFormat, showNumber } from './cell-format.ts';
import { ExtractionError } from './extraction.ts';
import { relationshipsOf, scanPart, titleOf } from './office.ts';
import { type Found, MarkdownWriter, type Reading } from './reading.ts';
import { SheetWriter } from './sheet-writer.ts';

const MOST_COLUMNS = 200; // of a row; what lies beyond is no table for the ear

interface Workbook {
  sheets: { name: string; part: string }[];
  from1904: boolean;
  strings: string[];
  formats: CellFormat[];
}

/** "C5" is column 2. */
function columnOf(reference: string | undefined, otherwise: number): number {
  const letters = /^[A-Z]{1,3}/.exec(reference ?? '')?.[0];
  if (!letters) return otherwise;
  return letters.split('').reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 64, 0) - 1;
}

/** `si` elements; phonetic hints (`rPh`) are not text. */
async function stringsOf(archive: Archive, part: string): Promise<string[]> {
  const strings: string[] = [];
  let words = '';
  let [reading, hint] = [false, false];
  await scanPart(archive, part, {
    open: (name) => {
      if (name === 'si') words = '';
      else if (name === 'rPh') hint = true;
      reading = name === 't' && !hint;
    },
    text: (text) => {
      if (reading) words += text;
    },
    close: (name) => {
      if (name === 'si') strings.push(words);
      else if (name === 'rPh') hint = false;
      else if (name === 't') reading = false;
    },
  });
  return strings;
}

/** A format for each index that a cell's `s` may have. */
async function formatsOf(archive: Archive, part: string): Promise<CellFormat[]> {
  const declared = new Map<number, CellFormat>();
  const formats: CellFormat[] = [];
  let inside = false;
  await scanPart(archive, part, {
    open: (name, attribute) => {
      if (name === 'numFmt') declared.set(Number(attribute('numFmtId')), cellFormat(attribute('formatCode') ?? ''));
      else if (name === 'cellXfs') inside = true;
      else if (name === 'xf' && inside) {
        const id = Number(attribute('numFmtId') ?? 0);
        formats.push(declared.get(id) ?? builtInFormat(id));
      }
    },
    close: (name) => {
      if (name === 'cellXfs') inside = false;
    },
  });
  return formats;
}

async function workbookOf(archive: Archive, main: string): Promise<Workbook> {
  const relationships = await relationshipsOf(archive, main);
  const targets = new Map(relationships.map(({ id, target }) => [id, target]));
  const partOf = (type: string) => relationships.find((each) => each.type === type && archive.has(each.target))?.target;
  const sheets: Workbook['sheets'] = [];
  let from1904 = false;
  await scanPart(archive, main, {
    open: (name, attribute) => {
      if (name === 'workbookPr') from1904 = ['1', 'true'].includes(attribute('date1904') ?? '');
      if (name !== 'sheet') return;
      const part = targets.get(attribute('r:id') ?? '');
      // What is hidden from a reader is not meant for callers either.
      if (part && archive.has(part) && (attribute('state') ?? 'visible') === 'visible')
        sheets.push({ name: attribute('name') ?? '', part });
    },
  });
  const [strings, styles] = [partOf('sharedStrings'), partOf('styles')];
  return {
    sheets,
    from1904,
    strings: strings ? await stringsOf(archive, strings) : [],
    formats: styles ? await formatsOf(archive, styles) : [],
  };
}

/** One sheet's rows, told as they come. */
async function scanSheet(archive: Archive, part: string, book: Workbook, row: (cells: string[]) => void): Promise<void> {
  let cells: string[] = [];
  let column = -1;
  let type = '';
  let format: CellFormat | undefined;
  let words = '';
  let reading = false;
  const value = (): string => {
    if (type === 's') return book.strings[Number(words)] ?? '';
    if (type === 'b') return words === '1' ? 'yes' : 'no';
    if (type === 'e') return ''; // #REF! and its kin say nothing
    if (type === 'n' || type === '') return format ? showNumber(words, format, book.from1904) : showNumber(words, builtInFormat(0), false);
    return words; // inline string, formula's string, ISO date
  };
  await scanPart(archive, part, {
    open: (name, attribute) => {
      if (name === 'row') [cells, column] = [[], -1];
      else if (name === 'c') {
        column = columnOf(attribute('r'), column + 1);
        type = attribute('t') ?? '';
        format = book.formats[Number(attribute('s') ?? 0)];
        words = '';
      }
      reading = name === 'v' || name === 't';
    },
    text: (text) => {
      if (reading) words += text;
    },
    close: (name) => {
      if (name === 'v' || name === 't') reading = false;
      else if (name === 'c' && words && column < MOST_COLUMNS) {
        while (cells.length < column) cells.push('');
        cells[column] = value();
      } else if (name === 'row') row(cells);
    },
  });
}

/** "Sheet1", "Tabelle1", "Feuil1": the name that nobody gave. */
const NAMELESS = /^(sheet|tabelle|feuil|feuille|hoja|foglio|planilha|blad|arkusz|лист)\s?\d+$/i;

export async function readXlsx(archive: Archive, main: string, { limits, progress }: Reading): Promise<Found> {
  const book = await workbookOf(archive, main);
  if (book.sheets.length > limits.pages) throw new ExtractionError('too-many-pages', `It has ${book.sheets.length} sheets.`);
  const writer = new MarkdownWriter(limits);
  for (const [index, { name, part }] of book.sheets.entries()) {
    if (book.sheets.length > 1 || !NAMELESS.test(name)) writer.heading(2, name);
    const sheet = new SheetWriter(writer);
    await scanSheet(archive, part, book, (cells) => sheet.row(cells));
    sheet.end();
    progress((index + 1) / book.sheets.length);
  }
  return { title: await titleOf(archive), text: writer.text(), pages: book.sheets.length };
}
