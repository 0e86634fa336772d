/** RTCP (RFC 3550 §6): compound packets of SR, RR, SDES with CNAME, and BYE, read and written. */

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const CNAME = 1;
/** Seconds from 1900 (NTP) to 1970 (Unix). */
const NTP_OFFSET_S = 2_208_988_800;

/** What a receiver says about one source (§6.4.1). */
export interface ReportBlock {
  ssrc: number;
  /** Lost since the report before, of 256. */
  fractionLost: number;
  /** 24 bits, signed. */
  lost: number;
  extendedHighest: number;
  /** Timestamp units. */
  jitter: number;
  /** Middle 32 bits of the NTP time of the last SR from that source, 0 if none. */
  lastReport: number;
  /** Since that SR arrived, in 1/65536 s. */
  delaySinceLastReport: number;
}

export interface SenderInfo {
  ntpSeconds: number;
  ntpFraction: number;
  timestamp: number;
  packets: number;
  octets: number;
}

/** A compound packet, as far as it means anything to us. */
export interface RtcpCompound {
  /** Of the reporter; undefined when there was only SDES or BYE. */
  ssrc: number | undefined;
  sender: SenderInfo | undefined;
  blocks: ReportBlock[];
  cname: string | undefined;
  /** Sources that say goodbye. */
  goodbye: number[];
}

/**
 * Reads a compound packet; undefined when it is malformed (A.2: version, lengths that add up). Unknown packet types
 * (APP, feedback, XR) are skipped. Packets of reduced size (RFC 5506) are accepted. Never throws.
 */
export function parseRtcp(bytes: Uint8Array): RtcpCompound | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const compound: RtcpCompound = { ssrc: undefined, sender: undefined, blocks: [], cname: undefined, goodbye: [] };
  let at = 0;
  if (bytes.length < 4) return undefined;
  while (at < bytes.length) {
    if (at + 4 > bytes.length || bytes[at] >> 6 !== 2) return undefined;
    const next = at + 4 + 4 * view.getUint16(at + 2);
    if (next > bytes.length) return undefined;
    let end = next;
    if (bytes[at] & 0x20) {
      const padding = bytes[next - 1];
      // Only the last packet of a compound may be padded (§6.4.1).
      if (next !== bytes.length || padding === 0 || padding > next - at - 4) return undefined;
      end -= padding;
    }
    if (!readPacket(view, at, end, compound)) return undefined;
    at = next;
  }
  return compound;
}

function readPacket(view: DataView, at: number, end: number, into: RtcpCompound): boolean {
  const count = view.getUint8(at) & 0x1f;
  switch (view.getUint8(at + 1)) {
    case SENDER_REPORT:
      if (end - at < 28 + 24 * count) return false;
      into.sender = {
        ntpSeconds: view.getUint32(at + 8),
        ntpFraction: view.getUint32(at + 12),
        timestamp: view.getUint32(at + 16),
        packets: view.getUint32(at + 20),
        octets: view.getUint32(at + 24),
      };
      return readBlocks(view, at, at + 28, count, into);
    case RECEIVER_REPORT:
      return end - at >= 8 + 24 * count && readBlocks(view, at, at + 8, count, into);
    case SOURCE_DESCRIPTION:
      return readDescriptions(view, at + 4, end, count, into);
    case GOODBYE:
      if (end - at < 4 + 4 * count) return false;
      for (let i = 0; i < count; i++) into.goodbye.push(view.getUint32(at + 4 + 4 * i));
      return true;
    default:
      return true;
  }
}

function readBlocks(view: DataView, at: number, first: number, count: number, into: RtcpCompound): boolean {
  into.ssrc = view.getUint32(at + 4);
  for (let i = 0; i < count; i++) {
    const block = first + 24 * i;
    const lost = view.getUint32(block + 4);
    into.blocks.push({
      ssrc: view.getUint32(block),
      fractionLost: lost >>> 24,
      lost: (lost << 8) >> 8,
      extendedHighest: view.getUint32(block + 8),
      jitter: view.getUint32(block + 12),
      lastReport: view.getUint32(block + 16),
      delaySinceLastReport: view.getUint32(block + 20),
    });
  }
  return true;
}

/** Chunks of SSRC and items, each ended by a zero and padded to 32 bits (§6.5). */
function readDescriptions(view: DataView, from: number, end: number, count: number, into: RtcpCompound): boolean {
  let at = from;
  for (let chunk = 0; chunk < count; chunk++) {
    if (at + 4 > end) return false;
    at += 4;
    for (;;) {
      if (at >= end) return false;
      const type = view.getUint8(at);
      if (type === 0) break;
      if (at + 2 > end) return false;
      const length = view.getUint8(at + 1);
      if (at + 2 + length > end) return false;
      if (type === CNAME && into.cname === undefined) {
        into.cname = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 2, length));
      }
      at += 2 + length;
    }
    at += 4 - ((at - from) & 3);
    if (at > end) return false;
  }
  return true;
}

/** What one report of ours says. Without `sender` it is a receiver report. */
export interface Report {
  ssrc: number;
  cname: string;
  sender: SenderInfo | undefined;
  block: ReportBlock | undefined;
  goodbye: boolean;
}

/** Bytes that any report of ours fits in. */
export const MAX_REPORT_BYTES = 28 + 24 + 4 + 4 + 2 + 255 + 4 + 8;

/** Writes a compound packet (SR or RR, SDES, BYE if wanted) at the start of `out` and returns its length. */
export function writeReport(report: Report, out: Uint8Array): number {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const blocks = report.block ? 1 : 0;
  let at = 8;
  view.setUint32(4, report.ssrc);
  if (report.sender) {
    view.setUint32(8, report.sender.ntpSeconds);
    view.setUint32(12, report.sender.ntpFraction);
    view.setUint32(16, report.sender.timestamp);
    view.setUint32(20, report.sender.packets);
    view.setUint32(24, report.sender.octets);
    at = 28;
  }
  if (report.block) {
    const lost = Math.max(-0x800000, Math.min(0x7fffff, report.block.lost));
    view.setUint32(at, report.block.ssrc);
    view.setUint32(at + 4, ((report.block.fractionLost << 24) | (lost & 0xffffff)) >>> 0);
    view.setUint32(at + 8, report.block.extendedHighest);
    view.setUint32(at + 12, report.block.jitter);
    view.setUint32(at + 16, report.block.lastReport);
    view.setUint32(at + 20, report.block.delaySinceLastReport);
    at += 24;
  }
  writePrefix(view, 0, blocks, report.sender ? SENDER_REPORT : RECEIVER_REPORT, at);

  const described = at;
  const name = new TextEncoder().encode(report.cname).subarray(0, 255);
  view.setUint32(at + 4, report.ssrc);
  out[at + 8] = CNAME;
  out[at + 9] = name.length;
  out.set(name, at + 10);
  at += 10 + name.length;
  do out[at++] = 0;
  while ((at - described) & 3);
  writePrefix(view, described, 1, SOURCE_DESCRIPTION, at);

  if (report.goodbye) {
    view.setUint32(at + 4, report.ssrc);
    writePrefix(view, at, 1, GOODBYE, at + 8);
    at += 8;
  }
  return at;
}

function writePrefix(view: DataView, at: number, count: number, type: number, end: number): void {
  view.setUint8(at, 0x80 | count);
  view.setUint8(at + 1, type);
  view.setUint16(at + 2, (end - at) / 4 - 1);
}

/** NTP time of a wall-clock instant: seconds since 1900 and 1/2^32 s (§4). */
export function ntpOf(wallMs: number): { seconds: number; fraction: number } {
  const whole = Math.floor(wallMs / 1000);
  return { seconds: (whole + NTP_OFFSET_S) >>> 0, fraction: Math.floor(((wallMs - 1000 * whole) / 1000) * 2 ** 32) >>> 0 };
}

/** The middle 32 bits of an NTP time, as LSR carries it: 1/65536 s. */
export function compactNtp(seconds: number, fraction: number): number {
  return (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
}

/** Round trip (§6.4.1) from a block about us that arrived at `wallMs`; undefined when it names no report of ours. */
export function roundTripMs(block: ReportBlock, wallMs: number): number | undefined {
  if (block.lastReport === 0) return undefined;
  const now = ntpOf(wallMs);
  const units = (compactNtp(now.seconds, now.fraction) - block.lastReport - block.delaySinceLastReport) | 0;
  return units < 0 ? 0 : (units * 1000) / 65536;
}
