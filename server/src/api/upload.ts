/** A file that comes as `multipart/form-data` (RFC 7578), with fields beside it: read into memory, within bounds. */
import type { MultipartFile, MultipartValue } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { Upload } from '#store/documents.ts';

export const MOST_FILE_BYTES = 25 * 1024 * 1024;
const MOST_FIELD_BYTES = 8_000;
/** Uploads held in memory at once; the next is told to come again. */
const MOST_AT_ONCE = 6;
const MOST_NAME = 200;

let atOnce = 0;

/**
 * The file of the field `file`, and the other fields as `schema` makes them; `tags` may come several times, or in one field
 * with commas. Throws `bad-request`, `invalid-input`, `too-large`, `unavailable` when too many come at once.
 */
export async function readUpload<T>(request: FastifyRequest, schema: z.ZodType<T>): Promise<{ upload: Upload; fields: T }> {
  if (!request.isMultipart()) throw new TandemError('bad-request', 'A file comes as multipart/form-data');
  if (Number(request.headers['content-length'] ?? 0) > MOST_FILE_BYTES + 64 * 1024) throw tooLarge();
  if (atOnce >= MOST_AT_ONCE) throw new TandemError('unavailable', 'Too many files are being uploaded; try again in a moment');
  atOnce++;
  try {
    const { upload, values } = await collect(request);
    const read = schema.safeParse(values);
    if (!read.success) {
      const [issue] = read.error.issues;
      const field = issue.code === 'unrecognized_keys' ? issue.keys[0] : issue.path.join('/');
      throw new TandemError('invalid-input', issue.message, { path: field });
    }
    if (!upload) throw new TandemError('invalid-input', 'There is no file', { path: 'file' });
    return { upload, fields: read.data };
  } finally {
    atOnce--;
  }
}

const tooLarge = () => new TandemError('too-large', `A file may have ${MOST_FILE_BYTES / (1024 * 1024)} MB at most`);

async function collect(request: FastifyRequest): Promise<{ upload: Upload | undefined; values: Record<string, unknown> }> {
  const limits = { fileSize: MOST_FILE_BYTES, files: 1, fields: 60, fieldSize: MOST_FIELD_BYTES, headerPairs: 40 };
  const values: Record<string, unknown> = {};
  let upload: Upload | undefined;
  try {
    for await (const part of request.parts({ limits })) {
      if (part.type === 'file') upload = await readFile(part);
      else addField(values, part);
    }
  } catch (thrown) {
    if (thrown instanceof TandemError) throw thrown;
    if ((thrown as { statusCode?: number }).statusCode === 413) throw tooLarge();
    // The parser's own words: a boundary that is missing, an end that never came.
    throw new TandemError('bad-request', messageOf(thrown), {}, thrown);
  }
  return { upload, values };
}

async function readFile(part: MultipartFile): Promise<Upload> {
  if (part.fieldname !== 'file') throw new TandemError('invalid-input', 'The file belongs into the field `file`', { path: part.fieldname });
  const bytes = await part.toBuffer();
  if (bytes.length === 0) throw new TandemError('invalid-input', 'The file is empty', { path: 'file' });
  return { fileName: plainName(part.filename), mediaType: part.mimetype.slice(0, 120), bytes };
}

/** No folders and nothing that is not shown. */
function plainName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? '';
  return last.replace(/\p{C}/gu, '').trim().slice(-MOST_NAME) || 'file';
}

function addField(values: Record<string, unknown>, { fieldname, value, valueTruncated }: MultipartValue): void {
  if (valueTruncated || typeof value !== 'string') throw new TandemError('invalid-input', 'is too long', { path: fieldname });
  if (fieldname === '__proto__') throw new TandemError('invalid-input', 'is not a field', { path: fieldname });
  if (fieldname !== 'tags') {
    values[fieldname] = value;
    return;
  }
  const tags = value.split(',').map((tag) => tag.trim());
  values.tags = [...((values.tags as string[] | undefined) ?? []), ...tags.filter(Boolean)];
}
