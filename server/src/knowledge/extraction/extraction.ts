/** The terms of extraction: a file's bytes become text that can be cut into passages, or a fault with its reason. */
import type { DocumentFault, DocumentFormat } from '@tandem/contract';

export interface ExtractionLimits {
  /** Of the file as it came. */
  bytes: number;
  pages: number;
  /** Files inside an archive (DOCX, PPTX and XLSX are archives). */
  entries: number;
  /** Bytes unpacked for each byte packed, and in total. */
  ratio: number;
  unpackedBytes: number;
  /** Of the text that comes out. */
  characters: number;
  memoryMb: number;
  timeMs: number;
}

export interface ExtractionRequest {
  bytes: Uint8Array;
  /** A hint only: the bytes decide. */
  fileName?: string;
  mediaType?: string;
}

export interface Extracted {
  format: DocumentFormat;
  /** Of the document itself, where it has one. */
  title?: string;
  /** Markdown: headings as `#`, paragraphs apart by a blank line, tables row by row as sentences of "column: value". */
  text: string;
  /** Pages, slides or sheets, where the format has them. */
  pages?: number;
}

export class ExtractionError extends Error {
  readonly fault: DocumentFault;

  constructor(fault: DocumentFault, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ExtractionError';
    this.fault = fault;
  }
}

/** Progress, 0…1, may be told often. Rejects with `ExtractionError`, or with the signal's reason. */
export type Extract = (
  request: ExtractionRequest,
  options: { signal: AbortSignal; progress?: (share: number) => void },
) => Promise<Extracted>;
