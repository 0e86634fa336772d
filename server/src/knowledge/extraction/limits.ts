/** What a document may cost. Beyond it the job fails with its reason; nothing else notices. */
import { ExtractionError, type ExtractionLimits } from './extraction.ts';

const MEGABYTE = 1024 * 1024;

/**
 * Generous for what a business hands in (a manual of 2,000 pages, a price list of 50,000 rows), small for a bomb: DEFLATE
 * packs zeros about 1,000 to 1, text and XML about 10 to 1.
 */
export const extractionLimits: Readonly<ExtractionLimits> = {
  bytes: 50 * MEGABYTE,
  pages: 2_000,
  entries: 10_000,
  ratio: 100,
  unpackedBytes: 300 * MEGABYTE,
  characters: 4_000_000,
  memoryMb: 512,
  timeMs: 60_000,
};

/** The ratio means nothing below this: a few empty cells pack as well as a bomb. Bytes. */
export const RATIO_FLOOR = MEGABYTE;

export const tooLarge = (limits: Pick<ExtractionLimits, 'bytes'>): ExtractionError =>
  new ExtractionError('too-large', `The file is larger than ${Math.floor(limits.bytes / MEGABYTE)} MB.`);
