/**
 * RIFF/WAVE files: 16-bit linear, A-law and µ-law, any number of channels (the stereo recording of a call is µ-law,
 * caller left, assistant right). Headers are of a fixed size per encoding, so that a file can be written as the call
 * goes and its sizes be put right afterwards, also after a crash.
 */
import { ALAW_TO_LINEAR, MULAW_TO_LINEAR } from './g711.ts';

export type WavEncoding = 'linear-16' | 'alaw' | 'mulaw';

export interface WavFormat {
  encoding: WavEncoding;
  /** Samples per second and channel. */
  rate: number;
  channels: number;
}

export interface WavFile extends WavFormat {
  /** Where the sound begins and how many bytes of it are really there. */
  dataOffset: number;
  dataBytes: number;
  /** Sample frames (one sample of every channel). */
  frames: number;
}

/** Format tags of RFC 2361. */
const TAGS: Record<WavEncoding, number> = { 'linear-16': 1, alaw: 6, mulaw: 7 };
/** Sizes are 32 bits; a header of a longer file says this much. */
const MAX_BYTES = 0xffffffff;

const bytesPerSample = (encoding: WavEncoding): number => (encoding === 'linear-16' ? 2 : 1);

/** 44 bytes for linear; 58 with the longer `fmt ` and the `fact` chunk that every other encoding must have. */
export function wavHeaderLength(encoding: WavEncoding): number {
  return encoding === 'linear-16' ? 44 : 58;
}

/** A header for `dataBytes` of sound. Sound of an odd length is to be followed by one padding byte. */
export function writeWavHeader(format: WavFormat, dataBytes: number): Uint8Array {
  const length = wavHeaderLength(format.encoding);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const block = bytesPerSample(format.encoding) * format.channels;
  const fmtLength = format.encoding === 'linear-16' ? 16 : 18;
  writeTag(bytes, 0, 'RIFF');
  view.setUint32(4, Math.min(MAX_BYTES, length - 8 + dataBytes + (dataBytes & 1)), true);
  writeTag(bytes, 8, 'WAVE');
  writeTag(bytes, 12, 'fmt ');
  view.setUint32(16, fmtLength, true);
  view.setUint16(20, TAGS[format.encoding], true);
  view.setUint16(22, format.channels, true);
  view.setUint32(24, format.rate, true);
  view.setUint32(28, format.rate * block, true);
  view.setUint16(32, block, true);
  view.setUint16(34, 8 * bytesPerSample(format.encoding), true);
  if (format.encoding !== 'linear-16') {
    writeTag(bytes, 38, 'fact');
    view.setUint32(42, 4, true);
    view.setUint32(46, Math.floor(dataBytes / block), true);
  }
  writeTag(bytes, length - 8, 'data');
  view.setUint32(length - 4, Math.min(MAX_BYTES, dataBytes), true);
  return bytes;
}

/**
 * Reads the chunks of a file's beginning; `fileBytes` is the whole file's size when `bytes` is only a part of it.
 * Undefined when it is not a WAVE file of an encoding we know. Never throws. A `data` size that says more than the
 * file holds (a recording cut off) is taken as what is there.
 */
export function parseWav(bytes: Uint8Array, fileBytes = bytes.length): WavFile | undefined {
  if (readTag(bytes, 0) !== 'RIFF' || readTag(bytes, 8) !== 'WAVE') return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let format: WavFormat | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const tag = readTag(bytes, at);
    const size = view.getUint32(at + 4, true);
    if (tag === 'fmt ' && at + 24 <= bytes.length) format = readFormat(view, at + 8, Math.min(size, bytes.length - at - 8));
    if (tag === 'data') {
      if (!format) return undefined;
      const dataOffset = at + 8;
      const block = bytesPerSample(format.encoding) * format.channels;
      const there = Math.max(0, Math.min(size, fileBytes - dataOffset));
      const frames = Math.floor(there / block);
      return { ...format, dataOffset, dataBytes: frames * block, frames };
    }
    at += 8 + size + (size & 1);
  }
  return undefined;
}

/**
 * The header that a file of `fileBytes` should have, when a crash left it with the sizes of its beginning: `header`
 * holds the file's first bytes (58 are enough), written by {@link writeWavHeader}. Undefined when they are not. A
 * last sample frame that was cut in two is left out.
 */
export function repairWavHeader(fileBytes: number, header: Uint8Array): Uint8Array | undefined {
  // The size in the header may still be 0, so ask for the layout with the size taken from the file.
  const probe = header.slice(0, 58);
  const found = layoutOf(probe);
  if (!found || fileBytes < found.length) return undefined;
  const block = bytesPerSample(found.format.encoding) * found.format.channels;
  const dataBytes = Math.floor((fileBytes - found.length) / block) * block;
  return writeWavHeader(found.format, dataBytes);
}

/** Decodes a file's sound into one linear array per channel. */
export function decodeWav(bytes: Uint8Array, file: WavFile): Int16Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table = file.encoding === 'mulaw' ? MULAW_TO_LINEAR : ALAW_TO_LINEAR;
  return Array.from({ length: file.channels }, (_, channel) => {
    const out = new Int16Array(file.frames);
    for (let i = 0; i < file.frames; i++) {
      const sample = i * file.channels + channel;
      out[i] = file.encoding === 'linear-16' ? view.getInt16(file.dataOffset + 2 * sample, true) : table[bytes[file.dataOffset + sample]];
    }
    return out;
  });
}

/** The whole file of linear channels, all of the same length. */
export function encodeWav(channels: readonly Int16Array[], rate: number): Uint8Array {
  const frames = channels[0]?.length ?? 0;
  const dataBytes = 2 * frames * channels.length;
  const header = writeWavHeader({ encoding: 'linear-16', rate, channels: channels.length }, dataBytes);
  const bytes = new Uint8Array(header.length + dataBytes);
  bytes.set(header);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < frames; i++) {
    for (let c = 0; c < channels.length; c++) view.setInt16(header.length + 2 * (i * channels.length + c), channels[c][i], true);
  }
  return bytes;
}

function layoutOf(header: Uint8Array): { format: WavFormat; length: number } | undefined {
  if (header.length < 44 || readTag(header, 0) !== 'RIFF' || readTag(header, 8) !== 'WAVE' || readTag(header, 12) !== 'fmt ')
    return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const format = readFormat(view, 20, Math.min(18, header.length - 20));
  if (!format) return undefined;
  const length = wavHeaderLength(format.encoding);
  return header.length >= length && readTag(header, length - 8) === 'data' ? { format, length } : undefined;
}

/** `fmt ` chunk at `at`; WAVE_FORMAT_EXTENSIBLE is read by the tag that its sub-format begins with. */
function readFormat(view: DataView, at: number, size: number): WavFormat | undefined {
  if (size < 16) return undefined;
  const written = view.getUint16(at, true);
  const tag = written === 0xfffe && size >= 26 ? view.getUint16(at + 24, true) : written;
  const encoding = tag === 1 ? 'linear-16' : tag === 6 ? 'alaw' : tag === 7 ? 'mulaw' : undefined;
  const channels = view.getUint16(at + 2, true);
  const rate = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  if (!encoding || bits !== 8 * bytesPerSample(encoding) || channels === 0 || rate === 0) return undefined;
  return { encoding, rate, channels };
}

function readTag(bytes: Uint8Array, at: number): string {
  return at + 4 <= bytes.length ? String.fromCharCode(bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]) : '';
}

function writeTag(bytes: Uint8Array, at: number, tag: string): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = tag.charCodeAt(i);
}
