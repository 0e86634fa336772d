import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyRtpHeader, looksLikeRtcp, parseRtp, RTP_HEADER_BYTES, writeRtpHeader } from './packet.ts';

test('what is written is read', () => {
  fc.assert(
    fc.property(
      fc.nat(127),
      fc.boolean(),
      fc.nat(0xffff),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.integer({ min: 0, max: 0xffffffff }),
      fc.nat(480),
      (payloadType, marker, sequence, timestamp, ssrc, length) => {
        const bytes = new Uint8Array(4 + RTP_HEADER_BYTES + length);
        writeRtpHeader(bytes, 4, payloadType, marker, sequence, timestamp, ssrc);
        const header = emptyRtpHeader();
        expect(parseRtp(bytes.subarray(4), header)).toBe(true);
        expect(header).toEqual({ payloadType, marker, sequence, timestamp, ssrc, payloadStart: 12, payloadEnd: 12 + length });
      },
    ),
  );
});

test('CSRC list, extension and padding are taken off the payload', () => {
  const fixed = [0xb2, 0x80, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
  const sources = [1, 1, 1, 1, 2, 2, 2, 2];
  const extension = [0xbe, 0xde, 0, 1, 9, 9, 9, 9];
  const bytes = Uint8Array.from([fixed, sources, extension, [7, 8, 0, 0, 3]].flat());
  const header = emptyRtpHeader();
  expect(parseRtp(bytes, header)).toBe(true);
  expect([...bytes.subarray(header.payloadStart, header.payloadEnd)]).toEqual([7, 8]);
});

test('broken packets are refused', () => {
  const header = emptyRtpHeader();
  const valid = new Uint8Array(172);
  writeRtpHeader(valid, 0, 0, false, 1, 2, 3);
  const broken = (change: (bytes: Uint8Array) => void, length = 172) => {
    const bytes = valid.slice(0, length);
    change(bytes);
    return parseRtp(bytes, header);
  };
  expect(broken(() => {})).toBe(true);
  expect(broken(() => {}, 11)).toBe(false);
  expect(broken((bytes) => (bytes[0] = 0x40))).toBe(false);
  expect(broken((bytes) => (bytes[0] = 0x8f), 60)).toBe(false);
  expect(broken((bytes) => (bytes[0] = 0xa0))).toBe(false); // padding of 0
  expect(
    broken((bytes) => {
      bytes[0] = 0xa0;
      bytes[171] = 200;
    }),
  ).toBe(false);
  expect(
    broken((bytes) => {
      bytes[0] = 0x90;
      bytes.fill(0xff, 12);
    }),
  ).toBe(false);
});

test('any bytes: an answer, and bounds within the packet', () => {
  const header = emptyRtpHeader();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300, size: 'max' }), (bytes) => {
      looksLikeRtcp(bytes);
      if (bytes.length > 0) bytes[0] = 0x80 | (bytes[0] & 0x3f);
      if (!parseRtp(bytes, header)) return;
      expect(header.payloadStart).toBeGreaterThanOrEqual(12);
      expect(header.payloadEnd).toBeGreaterThanOrEqual(header.payloadStart);
      expect(header.payloadEnd).toBeLessThanOrEqual(bytes.length);
    }),
    { numRuns: 2000 },
  );
});
