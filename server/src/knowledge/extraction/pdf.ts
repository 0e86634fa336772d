/** PDF, page by page: text only, nothing drawn, no script run. */
import { getDocumentProxy, getResolvedPDFJS } from 'unpdf';
import { ExtractionError } from './extraction.ts';
import { blocksOf, bodySize, furnitureOf, headingSizes, type Line, linesOf, type TextItem, withoutFurniture } from './pdf-layout.ts';
import { damaged, type Found, MarkdownWriter, oneLine, type Reading } from './reading.ts';

type Pdf = Awaited<ReturnType<typeof getDocumentProxy>>;

/** pdf.js tells by the error's name. */
function faultOf(error: unknown): ExtractionError {
  if (error instanceof ExtractionError) return error;
  const name = error instanceof Error ? error.name : '';
  if (name === 'PasswordException') return new ExtractionError('file-encrypted', 'This PDF needs a password.');
  if (error instanceof RangeError && /array|buffer|string length/i.test(error.message)) {
    return new ExtractionError('too-much-memory', 'This PDF unpacks to more than fits into memory.', error);
  }
  return damaged('This PDF is damaged: its pages cannot be read.', error);
}

async function openPdf(bytes: Uint8Array): Promise<Pdf> {
  const { VerbosityLevel } = await getResolvedPDFJS();
  return getDocumentProxy(new Uint8Array(bytes), {
    verbosity: VerbosityLevel.ERRORS,
    disableFontFace: true,
    useSystemFonts: false,
    enableXfa: false,
    useWorkerFetch: false,
    maxImageSize: 1, // pictures are never decoded
  });
}

async function linesOfPage(pdf: Pdf, number: number, room: number): Promise<Line[]> {
  const page = await pdf.getPage(number);
  const items: TextItem[] = [];
  let characters = 0;
  // As a stream, so that a page without an end is noticed before it is whole.
  const reader = page.streamTextContent({ includeMarkedContent: false }).getReader();
  for (;;) {
    const { done, value } = (await reader.read()) as { done: boolean; value?: { items: PdfItem[] } };
    if (done || !value) break;
    for (const { str, transform, width, hasEOL } of value.items) {
      const [, , c, d, x, y] = transform;
      items.push({ text: str, x, y, width, size: Math.hypot(c, d), endOfLine: hasEOL });
      characters += str.length;
    }
    if (characters > room) throw new ExtractionError('too-large', 'Its pages hold more text than a document may.');
  }
  page.cleanup();
  return linesOf(items);
}

interface PdfItem {
  str: string;
  transform: [number, number, number, number, number, number];
  width: number;
  hasEOL: boolean;
}

async function titleOf(pdf: Pdf): Promise<string | undefined> {
  try {
    const { info } = (await pdf.getMetadata()) as { info: { Title?: unknown } };
    const title = typeof info.Title === 'string' ? oneLine(info.Title).slice(0, 300) : '';
    // What programs put there when nobody said anything.
    return title && !/^(untitled|microsoft word|document\d*|.*\.(docx?|pptx?|xlsx?|indd|tex|dvi|pdf|html?))\b/i.test(title)
      ? title
      : undefined;
  } catch {
    return undefined; // a document without metadata is a document
  }
}

export async function readPdf({ bytes, limits, progress }: Reading): Promise<Found> {
  try {
    const pdf = await openPdf(bytes);
    if (pdf.numPages > limits.pages) throw new ExtractionError('too-many-pages', `It has ${pdf.numPages.toLocaleString('en')} pages.`);
    const pages: Line[][] = [];
    let room = limits.characters;
    let broken = 0;
    for (let number = 1; number <= pdf.numPages; number++) {
      let lines: Line[] = [];
      try {
        lines = await linesOfPage(pdf, number, room);
      } catch (error) {
        const fault = faultOf(error);
        if (fault.fault !== 'file-damaged') throw fault;
        broken++; // the other pages may be whole
      }
      room -= lines.reduce((sum, { text }) => sum + text.length, 0);
      pages.push(lines);
      progress(number / pdf.numPages);
    }
    if (broken > 0 && broken === pdf.numPages) throw damaged('None of its pages can be read.');
    return { title: await titleOf(pdf), text: writePages(pages, limits), pages: pdf.numPages };
  } catch (error) {
    throw faultOf(error);
  }
}

const lengthOf = (pages: readonly (readonly Line[])[]) => pages.flat().reduce((sum, { text }) => sum + text.length, 0);

const CONTENTS = /^(?:table of )?contents$|^inhalt(?:sverzeichnis)?$|^sommaire$|^table des matières$|^[íi]ndice$|^inhoud(?:sopgave)?$/i;

/** A table of contents answers nothing, and finds everything: its lines, which end with a page's number, go. */
function withoutContents(lines: readonly Line[], pages: number): readonly Line[] {
  if (!lines.some(({ text }) => CONTENTS.test(text))) return lines;
  return lines.filter(({ text }) => {
    const number = /\s(\d{1,4})$/.exec(text)?.[1];
    return !CONTENTS.test(text) && !(number && Number(number) <= pages);
  });
}

function writePages(pages: readonly Line[][], limits: Reading['limits']): string {
  const writer = new MarkdownWriter(limits);
  const furniture = furnitureOf(pages);
  const bare = pages.map((page) => withoutFurniture(page, furniture));
  // Pages of a few lines are all edge, and pages that say the same (labels, slides) are not furniture.
  const clean = lengthOf(bare) * 2 < lengthOf(pages) ? pages : bare;
  const sizes = headingSizes(clean, bodySize(clean));
  for (const page of clean.map((lines) => withoutContents(lines, pages.length))) {
    for (const block of blocksOf(page, sizes)) {
      if (block.kind === 'heading') writer.heading(block.level, block.text);
      else if (block.kind === 'list') writer.list(block.items);
      else writer.paragraph(block.text);
    }
  }
  return writer.text();
}
