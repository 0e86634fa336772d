/**
 * A file of blocks, each with its length and CRC-32, and an empty one at the end: what is damaged or cut off is never
 * read as something else. Written beside its name and renamed when it is on the disk. Little-endian.
 */
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';

/** Larger blocks would hold their thread for more than a millisecond while their checksum is taken. */
export const BLOCK_BYTES = 1 << 20;
const HEAD_BYTES = 8;

export class DamagedFile extends Error {
  constructor(what: string) {
    super(`damaged: ${what}`);
    this.name = 'DamagedFile';
  }
}

export interface BlockWriter {
  write(block: Uint8Array): Promise<void>;
}

/** Writes `path` as a whole or not at all. */
export async function writeBlocks(path: string, work: (writer: BlockWriter) => Promise<void>): Promise<void> {
  const draft = `${path}.new`;
  const file = await open(draft, 'w', 0o600);
  try {
    const write = async (block: Uint8Array) => {
      const head = Buffer.alloc(HEAD_BYTES);
      head.writeUInt32LE(block.length, 0);
      head.writeUInt32LE(crc32(block), 4);
      await file.writev([head, block]);
    };
    await work({ write });
    await write(new Uint8Array(0));
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(draft, { force: true });
    throw error;
  }
  await file.close();
  await rename(draft, path);
  await syncFolder(path);
}

export interface BlockReader {
  /** The next block. Throws {@link DamagedFile}. */
  read(): Promise<Buffer<ArrayBuffer>>;
}

/** Reads to the empty block at the end, which `work` must have come to. Throws {@link DamagedFile}, or what the file system throws. */
export async function readBlocks<T>(path: string, work: (reader: BlockReader) => Promise<T>): Promise<T> {
  const file = await open(path, 'r');
  try {
    const read = () => readBlock(file);
    const result = await work({ read });
    if ((await read()).length !== 0) throw new DamagedFile('more than was expected');
    return result;
  } finally {
    await file.close();
  }
}

/** The block a file begins with; nothing is said of the others. Throws {@link DamagedFile}, or what the file system throws. */
export async function readFirstBlock(path: string): Promise<Buffer<ArrayBuffer>> {
  const file = await open(path, 'r');
  try {
    return await readBlock(file);
  } finally {
    await file.close();
  }
}

/** Length and CRC-32 of a file, read in pieces. */
export async function checksumOf(path: string): Promise<{ bytes: number; crc: number }> {
  const file = await open(path, 'r');
  try {
    const piece = Buffer.alloc(BLOCK_BYTES);
    let [bytes, crc] = [0, 0];
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, piece.length);
      if (bytesRead === 0) return { bytes, crc };
      crc = crc32(piece.subarray(0, bytesRead), crc);
      bytes += bytesRead;
    }
  } finally {
    await file.close();
  }
}

async function readBlock(file: FileHandle): Promise<Buffer<ArrayBuffer>> {
  const head = await exactly(file, HEAD_BYTES);
  const length = head.readUInt32LE(0);
  if (length > BLOCK_BYTES * 2) throw new DamagedFile('a block longer than any that is written');
  const block = await exactly(file, length);
  if (crc32(block) !== head.readUInt32LE(4)) throw new DamagedFile('a checksum is wrong');
  return block;
}

async function exactly(file: FileHandle, bytes: number): Promise<Buffer<ArrayBuffer>> {
  const block = Buffer.alloc(bytes);
  let at = 0;
  while (at < bytes) {
    const { bytesRead } = await file.read(block, at, bytes - at);
    if (bytesRead === 0) throw new DamagedFile('it ends too early');
    at += bytesRead;
  }
  return block;
}

/** Makes a rename outlive a power cut, where folders can be synced. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(dirname(path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch {
    // Not every file system can: the file is whole all the same.
  }
}
