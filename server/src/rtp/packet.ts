/** RTP packets (RFC 3550 §5.1): a total parser that copies nothing and a writer into the caller's buffer. */

export const RTP_HEADER_BYTES = 12;

/** A parsed header. Reused from packet to packet: what must outlive the next `parseRtp` is copied. */
export interface RtpHeader {
  marker: boolean;
  payloadType: number;
  sequence: number;
  timestamp: number;
  ssrc: number;
  /** The payload is `bytes[payloadStart .. payloadEnd)`, without padding. */
  payloadStart: number;
  payloadEnd: number;
}

export function emptyRtpHeader(): RtpHeader {
  return { marker: false, payloadType: 0, sequence: 0, timestamp: 0, ssrc: 0, payloadStart: 0, payloadEnd: 0 };
}

const readUint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;

function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Reads `bytes` into `into`; false when it is not an RTP packet (version, CSRC list, extension or padding do not fit). */
export function parseRtp(bytes: Uint8Array, into: RtpHeader): boolean {
  const length = bytes.length;
  if (length < RTP_HEADER_BYTES || bytes[0] >> 6 !== 2) return false;
  let start = RTP_HEADER_BYTES + 4 * (bytes[0] & 0x0f);
  let end = length;
  if (bytes[0] & 0x10) {
    // §5.3.1: 16 bits defined by the profile, then the extension's length in 32-bit words
    if (start + 4 > length) return false;
    start += 4 + 4 * ((bytes[start + 2] << 8) | bytes[start + 3]);
  }
  if (bytes[0] & 0x20) {
    const padding = bytes[length - 1];
    if (padding === 0) return false;
    end -= padding;
  }
  if (start > end) return false;
  into.marker = bytes[1] >= 0x80;
  into.payloadType = bytes[1] & 0x7f;
  into.sequence = (bytes[2] << 8) | bytes[3];
  into.timestamp = readUint32(bytes, 4);
  into.ssrc = readUint32(bytes, 8);
  into.payloadStart = start;
  into.payloadEnd = end;
  return true;
}

/** Writes a header without CSRC, extension or padding at `out[offset..]`; the payload goes 12 bytes further on. */
export function writeRtpHeader(
  out: Uint8Array,
  offset: number,
  payloadType: number,
  marker: boolean,
  sequence: number,
  timestamp: number,
  ssrc: number,
): void {
  out[offset] = 0x80;
  out[offset + 1] = (marker ? 0x80 : 0) | payloadType;
  out[offset + 2] = sequence >>> 8;
  out[offset + 3] = sequence;
  writeUint32(out, offset + 4, timestamp);
  writeUint32(out, offset + 8, ssrc);
}

/** On a shared port (RFC 5761 §4): true when the second byte is that of an RTCP packet. */
export function looksLikeRtcp(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && bytes[1] >= 192 && bytes[1] <= 223;
}
