/** A file becomes text, in this very process. Only the child does this: see `extract-in-child.ts`. */
import { Archive } from './archive.ts';
import { type Extracted, ExtractionError, type ExtractionLimits, type ExtractionRequest } from './extraction.ts';
import { kindOf } from './format.ts';
import { tooLarge } from './limits.ts';
import type { Found, Reader, Reading } from './reading.ts';

/** Libraries are loaded for the format that needs them: a text is read in the time that pdf.js takes to start. */
const readers: Record<'pdf' | 'html' | 'csv' | 'markdown' | 'text', () => Promise<Reader>> = {
  pdf: async () => (await import('./pdf.ts')).readPdf,
  html: async () => (await import('./html.ts')).readHtml,
  csv: async () => (await import('./csv.ts')).readCsv,
  markdown: async () => (await import('./markdown.ts')).readMarkdown,
  text: async () => (await import('./markdown.ts')).readText,
};

async function readOffice(reading: Reading): Promise<Found & Pick<Extracted, 'format'>> {
  const { mainPartOf } = await import('./office.ts');
  const archive = await Archive.open(reading.bytes, reading.limits);
  const main = await mainPartOf(archive);
  if (!main) throw new ExtractionError('format-unknown', 'This archive is no Word, PowerPoint or Excel document.');
  const { kind, part } = main;
  switch (kind) {
    case 'docx':
      return { format: kind, ...(await (await import('./docx.ts')).readDocx(archive, reading)) };
    case 'pptx':
      return { format: kind, ...(await (await import('./pptx.ts')).readPptx(archive, part, reading)) };
    default:
      return { format: kind, ...(await (await import('./xlsx.ts')).readXlsx(archive, part, reading)) };
  }
}

/** What a library throws is a damaged file, unless memory is what it lacked. */
export function faultOf(error: unknown): ExtractionError {
  if (error instanceof ExtractionError) return error;
  if (error instanceof RangeError && /array buffer|array length|string length|allocation/i.test(error.message)) {
    return new ExtractionError('too-much-memory', 'The document unpacks to more than fits into memory.', error);
  }
  return new ExtractionError('file-damaged', 'The file is damaged, or not what it says it is.', error);
}

/** @throws ExtractionError and nothing else */
export async function readDocument(
  request: ExtractionRequest,
  limits: ExtractionLimits,
  progress: (share: number) => void = () => {},
): Promise<Extracted> {
  if (request.bytes.length > limits.bytes) throw tooLarge(limits);
  const kind = kindOf(request);
  const reading: Reading = { bytes: request.bytes, limits, progress };
  let extracted: Extracted;
  try {
    extracted = kind === 'office' ? await readOffice(reading) : { format: kind, ...(await (await readers[kind]())(reading)) };
  } catch (error) {
    throw faultOf(error);
  }
  if (!/[\p{L}\p{N}]/u.test(extracted.text)) {
    const why = kind === 'pdf' ? 'Its pages hold no text; it may be a scan.' : 'There is no text in it.';
    throw new ExtractionError('no-text', why);
  }
  return extracted;
}
