/** `/api/v1/documents`: what the business has, as text or as files. Each is read in the background; its state tells how far. */
import { documentInput } from '@tandem/contract';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { TandemError } from '#kit/errors.ts';
import { ExtractionError } from '#knowledge/extraction/extraction.ts';
import { kindOf } from '#knowledge/extraction/format.ts';
import {
  createDocument,
  createUploadedDocument,
  deleteDocument,
  type DocumentMetadata,
  type DocumentWithText,
  listDocuments,
  readDocument,
  readDocumentFile,
  replaceDocumentFile,
  retryDocument,
  type TextDocumentInput,
  updateDocument,
  type Upload,
} from '#store/documents.ts';
import type { JobSender } from '#store/queue.ts';
import { partialOf, resourceRoutes } from '../resource.ts';
import { idParams, shapes } from '../schemas.ts';
import { MOST_FILE_BYTES, readUpload } from '../upload.ts';
import type { ResourceOptions } from './resources.ts';

export interface DocumentOptions extends ResourceOptions {
  queue: JobSender;
}

/** A million characters of the longest kind (3 bytes in UTF-8), and their escapes in JSON. */
const MOST_TEXT_BYTES = 4 * 1024 * 1024;

const metadata = documentInput.omit({ text: true });
const newFields = metadata.extend({ title: metadata.shape.title.optional().describe("the file's name when absent") }).strict();
const changedFields = partialOf(metadata) as unknown as z.ZodType<Partial<DocumentMetadata>>;
const file = z
  .string()
  .meta({ format: 'binary' })
  .describe(`at most ${MOST_FILE_BYTES / (1024 * 1024)} MB`);
const repeated = 'tags: comma separated, or one field each';
/** For the description only: what a form holds is read in {@link readUpload}. */
const form = (fields: z.ZodObject) => ({ 'multipart/form-data': { schema: fields.extend({ file }).describe(repeated).nullish() } });

export function documentRoutes(plain: FastifyInstance, { database, kit, queue, changed }: DocumentOptions): void {
  const app = plain.withTypeProvider<ZodTypeProvider>();
  const tags = ['documents'];
  const path = '/api/v1/documents';
  const params = idParams;

  /** Its newest version is to be read. */
  const ingest = async (document: DocumentWithText): Promise<DocumentWithText> => {
    const { businessId, id: documentId, version } = document;
    changed(businessId);
    await queue.send('ingest-document', { businessId, documentId, version }, { singletonKey: `${documentId}:${version}` });
    return document;
  };

  resourceRoutes(plain, {
    name: 'documents',
    noun: 'document',
    item: shapes.document,
    detail: shapes.documentWithText,
    input: documentInput,
    mostBytes: MOST_TEXT_BYTES,
    list: (businessId, page) => listDocuments(database, businessId, page),
    read: (businessId, id) => readDocument(database, businessId, id),
    update: async (businessId, id, change: Partial<TextDocumentInput>) => {
      const { document, fresh } = await updateDocument(database, kit, businessId, id, change);
      return fresh ? ingest(document) : document;
    },
    remove: (businessId, id) => deleteDocument(database, businessId, id),
    changed,
  });

  const create = {
    tags,
    summary: 'Create: document, from text or from a file',
    description: 'It is read in the background: `state` tells how far, `fault` and `detail` why it could not be.',
    body: { content: { 'application/json': { schema: documentInput.strict() }, ...form(newFields) } },
    response: { 201: shapes.documentWithText },
  };
  app.post(path, { bodyLimit: MOST_TEXT_BYTES, schema: create }, async (request, reply) => {
    const { businessId } = request;
    if (!request.isMultipart()) {
      if (!request.body) throw new TandemError('invalid-input', 'A title and a text, or a file, are needed');
      // Plain text has a parser, and no schema.
      if (typeof request.body !== 'object') throw new TandemError('bad-request', 'Send JSON, or a file as multipart/form-data');
      const made = await createDocument(database, kit, businessId, request.body as TextDocumentInput);
      return reply.code(201).send(await ingest(made));
    }
    const { upload, fields } = await readUpload(request, newFields);
    refuseUnknown(upload);
    const input = { ...fields, title: fields.title ?? titleOf(upload) };
    return reply.code(201).send(await ingest(await createUploadedDocument(database, kit, businessId, input, upload)));
  });

  const replace = {
    tags,
    summary: 'Replace the file of a document',
    description:
      'A new version, in use as soon as it was read; until then, and when it cannot be read, the one before it is. The same file again changes nothing.',
    params,
    body: { content: form(partialOf(metadata)) },
    response: { 200: shapes.documentWithText },
  };
  app.put(`${path}/:id/file`, { schema: replace }, async (request) => {
    const { businessId, params: named } = request;
    await readDocument(database, businessId, named.id);
    const { upload, fields } = await readUpload(request, changedFields);
    refuseUnknown(upload);
    const { document, fresh } = await replaceDocumentFile(database, kit, businessId, named.id, upload, fields);
    if (fresh) return ingest(document);
    changed(businessId);
    return document;
  });

  const bytes = { description: 'The file as it came', content: { 'application/octet-stream': { schema: z.unknown() } } };
  app.get(
    `${path}/:id/file`,
    { schema: { tags, summary: 'The file of a document, as it came', params, response: { 200: bytes } } },
    async (request, reply) => {
      const kept = await readDocumentFile(database, request.businessId, request.params.id);
      if (!kept) throw new TandemError('not-found', 'There is no such document, or it was written as text');
      // Never shown in the page's own name: it is whatever somebody uploaded.
      reply
        .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(kept.fileName).replace(/['()*]/g, escapeMark)}`)
        .header('content-security-policy', "default-src 'none'; sandbox")
        .header('x-content-type-options', 'nosniff')
        .header('cache-control', 'private, no-store');
      return reply.type('application/octet-stream').send(Buffer.from(kept.bytes.buffer, kept.bytes.byteOffset, kept.bytes.byteLength));
    },
  );

  const retry = { tags, summary: 'Read a document again that could not be read', params, response: { 202: shapes.documentWithText } };
  app.post(`${path}/:id/retry`, { schema: retry }, async (request, reply) => {
    return reply.code(202).send(await ingest(await retryDocument(database, kit, request.businessId, request.params.id)));
  });
}

/** RFC 5987 allows fewer marks than `encodeURIComponent` leaves. */
const escapeMark = (mark: string): string => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`;

const titleOf = ({ fileName }: Upload): string =>
  fileName
    .replace(/\.[a-z0-9]{1,10}$/i, '')
    .replace(/[_\s]+/g, ' ')
    .trim() || fileName;

/** What can be told from the first bytes is told at once; the rest is the job's to find. Throws `format-unknown`. */
function refuseUnknown(upload: Upload): void {
  try {
    kindOf(upload);
  } catch (thrown) {
    if (thrown instanceof ExtractionError && thrown.fault === 'format-unknown')
      throw new TandemError('format-unknown', thrown.message, { path: 'file' }, thrown);
  }
}
