/** What a file is, by its bytes; its name and media type only settle what the bytes leave open. */
import type { DocumentFormat } from '@tandem/contract';
import { csvShape } from './csv.ts';
import { textOf } from './encoding.ts';
import { ExtractionError, type ExtractionRequest } from './extraction.ts';

/** `office` is a zip archive, whose parts tell which. */
export type FileKind = Exclude<DocumentFormat, 'docx' | 'pptx' | 'xlsx'> | 'office';

const SAMPLE = 65_536; // bytes of a text that are looked at

const startsWith = (bytes: Uint8Array, magic: string): boolean => Buffer.from(magic, 'latin1').every((byte, at) => bytes[at] === byte);

const unknown = (message: string): ExtractionError => new ExtractionError('format-unknown', message);

/** Old Office files, and new ones with a password, are compound files (MS-CFB); the names inside are UTF-16. */
function compoundFault(bytes: Uint8Array): ExtractionError {
  const isEncrypted = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(Buffer.from('EncryptedPackage', 'utf16le'));
  return isEncrypted
    ? new ExtractionError('file-encrypted', 'This Office file needs a password.')
    : unknown('This is an old Office file; saved as DOCX, PPTX or XLSX it can be read.');
}

/** @throws ExtractionError `format-unknown`, `file-encrypted`, `no-text` for an empty file */
export function kindOf({ bytes, fileName = '', mediaType = '' }: ExtractionRequest): FileKind {
  if (bytes.length === 0) throw new ExtractionError('no-text', 'The file is empty.');
  if (startsWith(bytes, 'PK\x03\x04') || startsWith(bytes, 'PK\x05\x06')) return 'office';
  if (startsWith(bytes, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')) throw compoundFault(bytes);
  // ISO 32000 wants it first, readers look for it in the first 1,024 bytes.
  if (Buffer.from(bytes.subarray(0, 1_024)).includes('%PDF-')) return 'pdf';
  if (startsWith(bytes, '{\\rtf')) throw unknown('This is rich text (RTF); saved as DOCX it can be read.');
  return textKind(textOf(bytes.subarray(0, SAMPLE)), fileName.toLowerCase(), mediaType.toLowerCase());
}

function textKind(sample: string, fileName: string, mediaType: string): FileKind {
  const named = (...endings: string[]) => endings.some((ending) => fileName.endsWith(ending));
  const start = sample.slice(0, 4_000).replace(/^\s*(?:<\?xml[^>]{0,200}\?>|<!--[\s\S]{0,2000}?-->|\s)*/, '');
  if (/^<!doctype html|^<html[\s>]/i.test(start) || /<(?:head|body)[\s>]/i.test(start)) return 'html';
  const tags = sample.match(/<\/?(?:p|div|span|table|tr|td|ul|ol|li|h[1-6]|a|br|article|section)\b[^<>]{0,300}>/gi)?.length ?? 0;
  if (tags > 0 && (named('.html', '.htm', '.xhtml') || mediaType.includes('html') || (start.startsWith('<') && tags > 4))) return 'html';
  const marks = sample.match(/^\s{0,3}#{1,6} \S|^\|?(?:\s*:?-{3,}:?\s*\|)+|^```|\]\(https?:/gm)?.length ?? 0;
  if (named('.md', '.markdown') || mediaType.includes('markdown')) return 'markdown';
  const shape = marks === 0 ? csvShape(sample) : undefined;
  if ((named('.csv', '.tsv') || /csv|tab-separated/.test(mediaType)) && shape) return 'csv';
  // Without a name it must be a table beyond doubt: prose has commas too.
  if (shape && shape.rows > 2 && shape.regular === 1 && shape.columns > (shape.delimiter === ',' ? 2 : 1) && !/[.!?]\s*$/m.test(sample))
    return 'csv';
  return marks > 0 ? 'markdown' : 'text';
}
