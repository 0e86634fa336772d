import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { compactNtp, MAX_REPORT_BYTES, ntpOf, parseRtcp, type Report, roundTripMs, writeReport } from './rtcp.ts';

const word = fc.integer({ min: 0, max: 0xffffffff });
const sender = fc.record({ ntpSeconds: word, ntpFraction: word, timestamp: word, packets: word, octets: word });
const block = fc.record({
  ssrc: word,
  fractionLost: fc.nat(255),
  lost: fc.integer({ min: -0x800000, max: 0x7fffff }),
  extendedHighest: word,
  jitter: word,
  lastReport: word,
  delaySinceLastReport: word,
});
const report: fc.Arbitrary<Report> = fc.record({
  ssrc: word,
  cname: fc.stringMatching(/^[a-z0-9@.]{1,40}$/),
  sender: fc.option(sender, { nil: undefined }),
  block: fc.option(block, { nil: undefined }),
  goodbye: fc.boolean(),
});

test('reports are read as they were written', () => {
  fc.assert(
    fc.property(report, (written) => {
      const out = new Uint8Array(MAX_REPORT_BYTES);
      const length = writeReport(written, out);
      expect(length % 4).toBe(0);
      const read = parseRtcp(out.subarray(0, length));
      expect(read).toEqual({
        ssrc: written.ssrc,
        sender: written.sender,
        blocks: written.block ? [written.block] : [],
        cname: written.cname,
        goodbye: written.goodbye ? [written.ssrc] : [],
      });
    }),
  );
});

test('the longest name fits', () => {
  const out = new Uint8Array(MAX_REPORT_BYTES);
  const written: Report = {
    ssrc: 1,
    cname: 'n'.repeat(400),
    sender: { ntpSeconds: 1, ntpFraction: 2, timestamp: 3, packets: 4, octets: 5 },
    block: { ssrc: 9, fractionLost: 1, lost: 1, extendedHighest: 1, jitter: 1, lastReport: 1, delaySinceLastReport: 1 },
    goodbye: true,
  };
  const length = writeReport(written, out);
  expect(parseRtcp(out.subarray(0, length))?.cname).toBe('n'.repeat(255));
});

test('lengths that do not add up are refused; any bytes give an answer', () => {
  const out = new Uint8Array(MAX_REPORT_BYTES);
  const length = writeReport({ ssrc: 1, cname: 'a@b', sender: undefined, block: undefined, goodbye: true }, out);
  for (let cut = 1; cut < 4; cut++) expect(parseRtcp(out.subarray(0, length - cut))).toBeUndefined();
  expect(parseRtcp(new Uint8Array())).toBeUndefined();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200, size: 'max' }), fc.integer({ min: 200, max: 204 }), fc.nat(31), (bytes, type, count) => {
      parseRtcp(bytes);
      if (bytes.length < 4) return;
      bytes[0] = 0x80 | count;
      bytes[1] = type;
      bytes[2] = 0;
      bytes[3] = (bytes.length >> 2) - 1;
      const read = parseRtcp(bytes.subarray(0, bytes.length & ~3));
      if (read) expect(read.blocks.length).toBeLessThanOrEqual(31);
    }),
    { numRuns: 3000 },
  );
});

test('round trip from a block about us', () => {
  const sent = 1_790_000_000_000;
  const ntp = ntpOf(sent);
  const about = {
    ssrc: 1,
    fractionLost: 0,
    lost: 0,
    extendedHighest: 0,
    jitter: 0,
    lastReport: compactNtp(ntp.seconds, ntp.fraction),
    delaySinceLastReport: 65536 * 2,
  };
  expect(roundTripMs(about, sent + 2000 + 87)).toBeCloseTo(87, 0);
  expect(roundTripMs({ ...about, lastReport: 0 }, sent)).toBeUndefined();
  expect(roundTripMs(about, sent + 1000)).toBe(0);
});
