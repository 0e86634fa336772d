/**
 * Zip archives (DOCX, PPTX and XLSX are some) read without believing them: the central directory is checked before a byte
 * is unpacked, and what really comes out is counted while it does. Nothing is ever written to a disk, and an archive in
 * the archive is not opened.
 */
import { type Entry, fromBuffer, type ZipFile } from 'yauzl';
import { ExtractionError, type ExtractionLimits } from './extraction.ts';
import { RATIO_FLOOR } from './limits.ts';
import { damaged } from './reading.ts';

type ArchiveLimits = Pick<ExtractionLimits, 'entries' | 'ratio' | 'unpackedBytes'>;

const expandsTooMuch = () => new ExtractionError('expands-too-much', 'The archive unpacks to far more than a document would.');

function open(bytes: Uint8Array): Promise<ZipFile> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Promise((resolve, reject) => {
    fromBuffer(buffer, { lazyEntries: true, validateEntrySizes: true }, (error, zip) => (error ? reject(damagedBy(error)) : resolve(zip)));
  });
}

const damagedBy = (error: Error): ExtractionError =>
  error.message.includes('encrypt') ? encrypted() : damaged(`The archive is damaged: ${error.message.replace(/\.+$/, '')}.`, error);
const encrypted = () => new ExtractionError('file-encrypted', 'The file is protected with a password.');

function directoryOf(zip: ZipFile, limits: ArchiveLimits): Promise<Map<string, Entry>> {
  if (zip.entryCount > limits.entries) throw new ExtractionError('too-many-entries', `The archive holds ${zip.entryCount} files.`);
  const entries = new Map<string, Entry>();
  let declared = 0;
  return new Promise((resolve, reject) => {
    zip.on('error', (error: Error) => reject(damagedBy(error)));
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry: Entry) => {
      declared += entry.uncompressedSize;
      if (entries.has(entry.fileName)) return reject(damaged('The archive holds two files of the same name.'));
      if (declared > limits.unpackedBytes || beyondRatio(entry.uncompressedSize, entry.compressedSize, limits.ratio)) {
        return reject(expandsTooMuch());
      }
      // Two entries over the same packed bytes are how a small archive becomes a large one.
      if (beyondRatio(declared, zip.fileSize, limits.ratio)) return reject(expandsTooMuch());
      entries.set(entry.fileName, entry);
      zip.readEntry();
    });
    zip.readEntry();
  });
}

const beyondRatio = (unpacked: number, packed: number, ratio: number): boolean => unpacked > RATIO_FLOOR && unpacked > packed * ratio;

export class Archive {
  readonly #zip: ZipFile;
  readonly #entries: Map<string, Entry>;
  readonly #limits: ArchiveLimits;
  #unpacked = 0;

  private constructor(zip: ZipFile, entries: Map<string, Entry>, limits: ArchiveLimits) {
    this.#zip = zip;
    this.#entries = entries;
    this.#limits = limits;
  }

  /** @throws ExtractionError `file-damaged`, `file-encrypted`, `too-many-entries`, `expands-too-much` */
  static async open(bytes: Uint8Array, limits: ArchiveLimits): Promise<Archive> {
    const zip = await open(bytes);
    return new Archive(zip, await directoryOf(zip, limits), limits);
  }

  get names(): string[] {
    return [...this.#entries.keys()];
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** The chunks of one file. @throws ExtractionError when it is not there, damaged, encrypted, or grows beyond the limits */
  async *chunks(name: string): AsyncGenerator<Buffer, void, undefined> {
    const entry = this.#entries.get(name);
    if (!entry) throw damaged(`The file lacks its part ${name}.`);
    if (entry.isEncrypted()) throw encrypted();
    let own = 0;
    try {
      for await (const chunk of await this.#stream(entry)) {
        const bytes = chunk as Buffer;
        own += bytes.length;
        this.#unpacked += bytes.length;
        if (this.#unpacked > this.#limits.unpackedBytes || beyondRatio(own, entry.compressedSize, this.#limits.ratio))
          throw expandsTooMuch();
        yield bytes;
      }
    } catch (error) {
      throw error instanceof ExtractionError ? error : damagedBy(error as Error);
    }
  }

  async bytes(name: string): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.chunks(name)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Chunks of text of an XML part: UTF-8, or UTF-16 by its mark (the only encodings of Office parts). */
  async *text(name: string): AsyncGenerator<string, void, undefined> {
    let decoder: InstanceType<typeof TextDecoder> | undefined;
    for await (const chunk of this.chunks(name)) {
      decoder ??= new TextDecoder(
        chunk[0] === 0xff && chunk[1] === 0xfe ? 'utf-16le' : chunk[0] === 0xfe && chunk[1] === 0xff ? 'utf-16be' : 'utf-8',
      );
      yield decoder.decode(chunk, { stream: true });
    }
    if (decoder) yield decoder.decode();
  }

  #stream(entry: Entry): Promise<NodeJS.ReadableStream> {
    return new Promise((resolve, reject) => {
      this.#zip.openReadStream(entry, (error, stream) => (error ? reject(error) : resolve(stream)));
    });
  }
}
