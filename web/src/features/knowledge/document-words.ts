/** Where a document or a site stands, and why it could not be read, as a manager would say it. */
import type { DocumentFault, DocumentFormat, DocumentState, KnowledgeDocument } from '@tandem/contract';
import { plural, sizeOf } from '../../lib/format.ts';

export const formatNames: Record<DocumentFormat, string> = {
  text: 'Text',
  markdown: 'Text',
  html: 'Web page',
  pdf: 'PDF',
  docx: 'Word',
  pptx: 'PowerPoint',
  xlsx: 'Excel',
  csv: 'Table (CSV)',
};

/** What the API takes; the server looks at the bytes, whatever the name says. */
export const ACCEPTED_FILES = '.pdf,.docx,.pptx,.xlsx,.csv,.tsv,.html,.htm,.md,.markdown,.txt';
export const MOST_FILE_BYTES = 25 * 1024 * 1024;

/** The first part of the way: the file is being sent. */
export const SENDING_SHARE = 0.2;

/** Where each state begins and ends on the way from upload to ready, and what happens in it. */
const ways: Record<Exclude<DocumentState, 'ready' | 'failed'>, { from: number; to: number; words: string }> = {
  waiting: { from: SENDING_SHARE, to: 0.25, words: 'Waiting to be read' },
  extracting: { from: 0.25, to: 0.55, words: 'Reading the file' },
  cutting: { from: 0.55, to: 0.6, words: 'Cutting into passages' },
  embedding: { from: 0.6, to: 1, words: 'Making it searchable' },
};

/** Share of the whole way, and what happens now; undefined once it has arrived or failed. */
export function wayOf({ state, progress }: Pick<KnowledgeDocument, 'state' | 'progress'>): { share: number; words: string } | undefined {
  if (state === 'ready' || state === 'failed') return undefined;
  const { from, to, words } = ways[state];
  return { share: from + (to - from) * Math.min(1, Math.max(0, progress)), words };
}

const faults: Record<DocumentFault, { reason: string; advice: string; again: boolean }> = {
  'format-unknown': { reason: 'This kind of file cannot be read.', advice: 'Save it as PDF, DOCX, PPTX, XLSX, CSV or text.', again: false },
  'file-damaged': {
    reason: 'The file is damaged.',
    advice: 'Open it in its own program, save it again, and replace it here.',
    again: false,
  },
  'file-encrypted': {
    reason: 'The file is protected with a password.',
    advice: 'Save a copy without one and replace it here.',
    again: false,
  },
  'no-text': {
    reason: 'There is no text in it.',
    advice: 'A scan is only pictures of words: run text recognition (OCR) over it, or write down what callers need.',
    again: false,
  },
  'too-large': { reason: 'It is too large.', advice: 'Split it into several files.', again: false },
  'too-many-pages': { reason: 'It has too many pages.', advice: 'Split it, or leave out what callers never ask about.', again: false },
  'too-many-entries': {
    reason: 'It holds far more parts than a document does.',
    advice: 'Save it again as a plain document.',
    again: false,
  },
  'expands-too-much': {
    reason: 'It unpacks to far more than a document would.',
    advice: 'Save it again as a plain document.',
    again: false,
  },
  'too-slow': { reason: 'Reading it took too long.', advice: 'Try again; if it happens again, split it.', again: true },
  'too-much-memory': { reason: 'Reading it took too much memory.', advice: 'Split it, or make its pictures smaller.', again: true },
  unreachable: { reason: 'The address could not be reached.', advice: 'See whether it opens in a browser, then try again.', again: true },
  forbidden: { reason: 'The site does not allow it to be read.', advice: 'Its robots.txt or a sign-in keeps readers out.', again: true },
  'embedding-failed': {
    reason: 'It was read, but could not be made searchable.',
    advice: 'The provider of embeddings did not answer. Try again in a while.',
    again: true,
  },
  'internal-error': { reason: 'Something failed on our side.', advice: 'Try again.', again: true },
};

/** Why it failed, what to do about it, and whether the same once more may help. */
export const faultInWords = (fault: DocumentFault | undefined): { reason: string; advice: string; again: boolean } =>
  faults[fault ?? 'internal-error'];

/** What its pages are called. */
export const pageNoun = (format: DocumentFormat): string => (format === 'pptx' ? 'slide' : format === 'xlsx' ? 'sheet' : 'page');

/** What kind of thing it is: before it was read, as its name says. */
export function kindInWords({ format, fileName, url, state, passages }: KnowledgeDocument): string {
  if (fileName === undefined) return url ? 'Web page' : 'Written here';
  const [, ending] = /\.([a-z0-9]{1,8})$/i.exec(fileName) ?? [];
  return ending && passages === 0 && state !== 'ready' ? ending.toUpperCase() : formatNames[format];
}

/** `PDF · 2.4 MB · 14 pages · 61 passages`: what is known of it. */
export function sizeInWords(document: KnowledgeDocument): string {
  const { format, bytes, pages, passages, fileName } = document;
  return [
    kindInWords(document),
    bytes > 0 && fileName ? sizeOf(bytes) : undefined,
    pages === undefined ? undefined : plural(pages, pageNoun(format)),
    passages > 0 ? plural(passages, 'passage') : undefined,
  ]
    .filter(Boolean)
    .join(' · ');
}

/** The host and path of an address, as people say it. */
export const placeOf = (url: string): string => url.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, '');
