/** Bodies of answers from strangers: bounded as they come, and again as they unpack. */
import { promisify, TextDecoder } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { VendorError } from '#kit/errors.ts';

export class TooLarge extends Error {}

/** `cut` keeps the beginning of what is longer; else it rejects with `TooLarge`. */
export async function bodyOf(response: Response, maxBytes: number, longer?: 'cut'): Promise<Buffer> {
  if (!longer && Number(response.headers.get('content-length') ?? 0) > maxBytes) throw new TooLarge();
  const pieces: Uint8Array[] = [];
  let size = 0;
  if (response.body) {
    for await (const piece of response.body as AsyncIterable<Uint8Array>) {
      pieces.push(piece);
      size += piece.length;
      if (size <= maxBytes) continue;
      if (!longer) throw new TooLarge();
      break;
    }
  }
  const encoding = response.headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity';
  return unpack(Buffer.concat(pieces).subarray(0, maxBytes), encoding, maxBytes);
}

const UNPACK = { gzip: promisify(gunzip), 'x-gzip': promisify(gunzip), deflate: promisify(inflate), br: promisify(brotliDecompress) };

/** Some servers compress what they were asked to send as it is. Rejects with `TooLarge` for what swells beyond the limit. */
export async function unpack(bytes: Buffer, encoding: string, maxBytes: number): Promise<Buffer> {
  if (encoding === 'identity' || encoding === '') return bytes;
  const unpackWith = UNPACK[encoding as keyof typeof UNPACK] as
    | ((data: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>)
    | undefined;
  if (!unpackWith) throw new VendorError('crawl', 'permanent', `an answer packed with ${encoding.slice(0, 20)} is not read`);
  try {
    return await unpackWith(bytes, { maxOutputLength: maxBytes });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw new TooLarge();
    throw new VendorError('crawl', 'permanent', 'the answer is damaged', { cause: thrown });
  }
}

export function typeOf(header: string): [mediaType: string, charset: string | undefined] {
  const [type, ...parameters] = header.split(';');
  const charset = parameters.map((one) => /^\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(one)?.[1]).find(Boolean);
  return [type.trim().toLowerCase(), charset];
}

const MAX_META_BYTES = 2_048;

/** Bytes as text: by the byte order mark, the header's charset, the page's own `<meta charset>`, else UTF-8. */
export function textOf(bytes: Uint8Array, charset: string | undefined): string {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, MAX_META_BYTES)).toString('latin1');
  const declared = charset ?? /<meta[^>]{0,200}charset\s*=\s*["']?([\w.:-]{1,40})/i.exec(head)?.[1] ?? 'utf-8';
  return decoderOf(markOf(head) ?? declared).decode(bytes);
}

function markOf(head: string): string | undefined {
  if (head.startsWith('\xEF\xBB\xBF')) return 'utf-8';
  if (head.startsWith('\xFF\xFE')) return 'utf-16le';
  return head.startsWith('\xFE\xFF') ? 'utf-16be' : undefined;
}

function decoderOf(label: string): TextDecoder {
  try {
    return new TextDecoder(label);
  } catch {
    return new TextDecoder();
  }
}
