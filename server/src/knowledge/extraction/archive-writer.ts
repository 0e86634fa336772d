/** A zip archive of stored files (APPNOTE 4.3): for a library that wants an archive, of parts that were checked already. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ArchiveFile {
  name: string;
  bytes: Uint8Array;
  /** Packed with DEFLATE; stored otherwise. */
  deflate?: boolean;
  /** What the directory says instead of the truth: for tests of those who read it. */
  declaredBytes?: number;
}

const UTF8_NAME = 0x0800; // general purpose bit 11
const EPOCH = 0x0021; // 1 January 1980, the first day of MS-DOS

export function writeArchive(files: readonly ArchiveFile[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes, deflate = false, declaredBytes = bytes.length } of files) {
    const packed = deflate ? deflateRawSync(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const label = Buffer.from(name);
    const shared = Buffer.alloc(26); // version to sizes and name length, the same in both headers
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(UTF8_NAME, 2);
    shared.writeUInt16LE(deflate ? 8 : 0, 4);
    shared.writeUInt16LE(EPOCH, 8);
    shared.writeUInt32LE(crc32(bytes), 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(declaredBytes, 18);
    shared.writeUInt16LE(label.length, 22);
    parts.push(Buffer.from('PK\x03\x04', 'latin1'), shared, label, packed);
    const tail = Buffer.alloc(14); // comment, disk, attributes, then the offset
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), shared, tail, label);
    offset += 4 + shared.length + label.length + packed.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1');
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(size, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...directory, end]);
}
