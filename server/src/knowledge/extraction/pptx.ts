/** PPTX: slides in the order they are shown, their titles as headings, what is said with them (notes) below. */
import type { Archive } from './archive.ts';
import { ExtractionError } from './extraction.ts';
import { type Relationship, relationshipsOf, scanPart, titleOf } from './office.ts';
import { type Found, MarkdownWriter, oneLine, type Reading } from './reading.ts';
import { rowSentences } from './table.ts';

interface Shape {
  /** Kind of placeholder, such as `title`, `body`, `sldNum`; '' for a free shape. */
  placeholder: string;
  paragraphs: string[];
  table: string[][];
}

/** Numbers, dates and footers of the slide, and the small picture of it on its notes page. */
const FURNITURE = new Set(['sldNum', 'dt', 'ftr', 'hdr', 'sldImg']);

/** The shapes of a slide or a notes page, as they stand in the file. */
async function shapesOf(archive: Archive, part: string): Promise<Shape[]> {
  const shapes: Shape[] = [];
  let shape: Shape | undefined;
  let words = '';
  let row: string[] | undefined;
  let reading = false;
  await scanPart(archive, part, {
    open: (name, attribute) => {
      if (name === 'sp' || name === 'graphicFrame') shapes.push((shape = { placeholder: '', paragraphs: [], table: [] }));
      else if (name === 'ph' && shape) shape.placeholder = attribute('type') ?? 'body';
      else if (name === 'tr') shape?.table.push((row = []));
      else if (name === 'tc') row?.push('');
      else if (name === 'p') words = '';
      else if (name === 'br') words += ' ';
      reading = name === 't';
    },
    text: (text) => {
      if (reading) words += text;
    },
    close: (name) => {
      if (name === 't') reading = false;
      else if (name === 'tr') row = undefined;
      else if (name === 'p' && shape && oneLine(words)) {
        if (row) row[row.length - 1] = oneLine(`${row.at(-1) ?? ''} ${words}`);
        else shape.paragraphs.push(oneLine(words));
      }
    },
  });
  return shapes.filter(({ placeholder }) => !FURNITURE.has(placeholder));
}

async function slidesOf(archive: Archive, main: string): Promise<Relationship[]> {
  const relationships = new Map((await relationshipsOf(archive, main)).map((each) => [each.id, each]));
  const order: string[] = [];
  await scanPart(archive, main, {
    open: (name, attribute) => {
      if (name === 'sldId') order.push(attribute('r:id') ?? '');
    },
  });
  return order.flatMap((id) => relationships.get(id) ?? []).filter(({ target }) => archive.has(target));
}

function writeShapes(writer: MarkdownWriter, shapes: readonly Shape[]): void {
  for (const { paragraphs, table } of shapes) {
    // Several paragraphs of a shape are its bullet points, whether or not the theme draws the bullets.
    if (paragraphs.length > 1) writer.list(paragraphs);
    else if (paragraphs.length === 1) writer.paragraph(paragraphs[0]);
    if (table.length > 0) writer.list(rowSentences(table));
  }
}

export async function readPptx(archive: Archive, main: string, { limits, progress }: Reading): Promise<Found> {
  const slides = await slidesOf(archive, main);
  if (slides.length > limits.pages) throw new ExtractionError('too-many-pages', `It has ${slides.length} slides.`);
  const writer = new MarkdownWriter(limits);
  let title: string | undefined;
  for (const [index, { target }] of slides.entries()) {
    const shapes = await shapesOf(archive, target);
    const isTitle = ({ placeholder }: Shape) => placeholder === 'title' || placeholder === 'ctrTitle';
    const heading = shapes.find(isTitle)?.paragraphs.join(' ');
    title ??= heading;
    if (heading) writer.heading(2, heading);
    // A slide without a title begins something new all the same, and must not fall under the one before.
    else writer.heading(2, `${index + 1}`);
    writeShapes(
      writer,
      shapes.filter((shape) => !isTitle(shape)),
    );
    const notes = (await relationshipsOf(archive, target)).find(({ type }) => type === 'notesSlide')?.target;
    if (notes && archive.has(notes))
      for (const { paragraphs } of await shapesOf(archive, notes)) for (const line of paragraphs) writer.paragraph(line);
    progress((index + 1) / slides.length);
  }
  return { title: (await titleOf(archive)) ?? title, text: writer.text(), pages: slides.length };
}
