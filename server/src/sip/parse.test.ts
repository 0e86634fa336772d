import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { header, headerList } from './headers.ts';
import type { SipFault, SipMessage, SipRequest } from './message.ts';
import { MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_HEADERS, parseDatagram, type SipStreamItem, SipStreamParser } from './parse.ts';
import { applicationMessages } from './torture/application.ts';
import { wire } from './torture/case.ts';
import { invalidMessages } from './torture/invalid.ts';
import { validMessages } from './torture/valid.ts';
import { bodyText, newRequest, responseTo, writeMessage } from './write.ts';

const HEADERS = `Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1
From: <sip:a@example.com>;tag=1
To: <sip:b@example.com>
Call-ID: 1
CSeq: 1 OPTIONS
`;

function options(more: string, body = ''): Uint8Array {
  return wire(`OPTIONS sip:b@example.com SIP/2.0\n${HEADERS}${more}\n${body}`);
}

function faultOf(bytes: Uint8Array): SipFault {
  const parsed = parseDatagram(bytes);
  if (parsed === 'keep-alive' || parsed.kind !== 'fault') throw new Error('no fault');
  return parsed;
}

describe('datagrams', () => {
  test('the body ends at Content-Length, or with the datagram', () => {
    expect(bodyText(parseDatagram(options('Content-Length: 2\n', 'abcd')) as SipRequest)).toBe('ab');
    expect(bodyText(parseDatagram(options('', 'abcd')) as SipRequest)).toBe('abcd');
  });

  test('leading line ends are skipped, nothing else is a keep-alive', () => {
    const message = options('l: 0\n');
    expect(parseDatagram(new Uint8Array([13, 10, 13, 10, ...message]))).toMatchObject({ kind: 'request' });
    for (const bytes of [[], [13, 10], [13, 10, 13, 10], [0], [0, 0, 0, 0], [32, 13, 10]])
      expect(parseDatagram(new Uint8Array(bytes))).toBe('keep-alive');
    expect(faultOf(new Uint8Array([0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42])).respond).toBeUndefined();
  });

  test('lines may end in a bare LF; a bare CR inside a value is refused', () => {
    expect(parseDatagram(new TextEncoder().encode(`OPTIONS sip:b@example.com SIP/2.0\n${HEADERS}\n`))).toMatchObject({ kind: 'request' });
    expect(faultOf(options('Subject: a\rVia: b\n')).respond).toBe(400);
  });

  test('a fold at the very first header line belongs to nothing', () => {
    expect(faultOf(wire(`OPTIONS sip:b@example.com SIP/2.0\n Via: x\n${HEADERS}\n`)).kind).toBe('fault');
  });

  test('compact and long names are one', () => {
    const message = parseDatagram(options('k: a, b\nSUPPORTED: c\n')) as SipRequest;
    expect(headerList(message, 'Supported')).toEqual(['a', 'b', 'c']);
    expect(header(message, 'K')).toBe('a, b');
  });

  test('bounds: header fields, header bytes, body bytes', () => {
    const fields = (count: number) => options(Array.from({ length: count }, (_, i) => `X-${i}: 1\n`).join(''));
    expect(parseDatagram(fields(MAX_HEADERS - 5))).toMatchObject({ kind: 'request' });
    expect(faultOf(fields(MAX_HEADERS - 4)).respond).toBe(513);
    expect(faultOf(options(`X: ${'a'.repeat(MAX_HEAD_BYTES)}\n`)).respond).toBe(513);
    expect(faultOf(options('', 'a'.repeat(MAX_BODY_BYTES + 1))).respond).toBe(513);
  });

  test('an ACK and a request without Via are never answered', () => {
    const ack = `ACK sip:b@example.com SIP/2.0\n${HEADERS.replace('OPTIONS', 'ACK')}`;
    expect(faultOf(wire(`${ack}Content-Length: x\n\n`)).respond).toBeUndefined();
    expect(faultOf(wire('OPTIONS sip:b@example.com SIP/2.0\nFrom: <sip:a@example.com>\n\n')).respond).toBeUndefined();
    expect(faultOf(wire(`OPTIONS sip:b@example.com SIP/2.0\n${HEADERS}`)).respond).toBe(400);
  });
});

describe('streams', () => {
  const first = writeMessage(parseDatagram(options('', 'body')) as SipRequest);
  const second = writeMessage(responseTo(parseDatagram(options('')) as SipRequest, 200));

  function pushAll(bytes: Uint8Array, sizes: readonly number[]): SipStreamItem[] {
    const parser = new SipStreamParser();
    const items: SipStreamItem[] = [];
    let at = 0;
    for (let i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length];
      items.push(...parser.push(bytes.slice(at, at + size)));
      at += size;
    }
    return items;
  }

  test('the same messages come out however the bytes arrive', () => {
    const bytes = new Uint8Array([13, 10, ...first, 13, 10, 13, 10, ...second, ...first, 13, 10, 13, 10, 13, 10, ...first]);
    const whole = pushAll(bytes, [bytes.length]);
    expect(whole.map(({ kind }) => kind)).toEqual(['request', 'keep-alive', 'response', 'request', 'keep-alive', 'request']);
    expect(bodyText(whole[0] as SipRequest)).toBe('body');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 }), (sizes) => {
        expect(pushAll(bytes, sizes)).toEqual(whole);
      }),
    );
  });

  test('a broken message with sound framing costs only itself', () => {
    const broken = options('Max-Forwards: many\nContent-Length: 3\n', 'abc');
    const items = pushAll(new Uint8Array([...broken, ...first]), [7]);
    expect(items).toMatchObject([{ kind: 'fault', respond: 400, fatal: false }, { kind: 'request' }]);
  });

  test.each([
    ['no Content-Length', options(''), 400],
    ['a malformed Content-Length', options('Content-Length: -1\n'), 400],
    ['differing Content-Lengths', options('l: 1\nl: 2\n'), 400],
    ['a huge body', options(`Content-Length: ${MAX_BODY_BYTES + 1}\n`), 513],
    ['another protocol', wire('GET / HTTP/1.1\nHost: example.com\n\n'), undefined],
  ])('%s ends the stream', (_what, bytes, respond) => {
    const parser = new SipStreamParser();
    expect(parser.push(bytes)).toMatchObject([{ kind: 'fault', fatal: true, respond }]);
    expect(parser.push(first)).toEqual([]);
  });

  test('a header section that never ends is cut off at its bound', () => {
    const parser = new SipStreamParser();
    let fatal: SipStreamItem | undefined;
    let pushed = 0;
    while (!fatal && pushed < 3 * MAX_HEAD_BYTES) {
      [fatal] = parser.push(wire('X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n'));
      pushed += 70;
    }
    expect(fatal).toMatchObject({ kind: 'fault', fatal: true });
    expect(pushed).toBeLessThan(MAX_HEAD_BYTES + 200);
  });
});

describe('strangers', () => {
  const samples = [...validMessages, ...invalidMessages, ...applicationMessages].map(({ bytes }) => bytes);
  const acceptable = (parsed: SipMessage | SipFault | 'keep-alive') =>
    parsed === 'keep-alive' || ['request', 'response', 'fault'].includes(parsed.kind);
  const tokens = ['\r\n', ' ', '\t', '"', '\\', '<', '>', ';', ',', '=', ':', '%', '@', '\0', 'é', 'Via', 'SIP/2.0', '0', '-1', '['];
  const soup = fc.array(fc.constantFrom(...tokens), { maxLength: 200 }).map((parts) => new TextEncoder().encode(parts.join('')));
  const mutated = fc
    .record({
      sample: fc.constantFrom(...samples),
      edits: fc.array(fc.record({ at: fc.nat(), bytes: fc.uint8Array({ maxLength: 6 }), cut: fc.nat({ max: 40 }) }), { maxLength: 8 }),
    })
    .map(({ sample, edits }) => {
      let bytes = Array.from(sample);
      for (const { at, bytes: inserted, cut } of edits) {
        const index = at % (bytes.length + 1);
        bytes = [...bytes.slice(0, index), ...inserted, ...bytes.slice(index + cut)];
      }
      return new Uint8Array(bytes);
    });
  const anything = fc.oneof(fc.uint8Array({ maxLength: 2000 }), soup, mutated);

  test('whatever the bytes, there is a message or a fault, and what was accepted can be written and read again', () => {
    fc.assert(
      fc.property(anything, (bytes) => {
        const parsed = parseDatagram(bytes);
        expect(acceptable(parsed)).toBe(true);
        for (const item of new SipStreamParser().push(bytes)) expect(item.kind).toBeTypeOf('string');
        if (parsed === 'keep-alive') return;
        if (parsed.kind === 'fault') {
          if (parsed.respond !== undefined) writeMessage(responseTo(parsed.request as SipRequest, parsed.respond));
          return;
        }
        const again = parseDatagram(writeMessage(parsed));
        expect(again).toMatchObject({ kind: parsed.kind });
      }),
      { numRuns: 2000 },
    );
  });

  test('time is linear: the worst 64 KB are read in little time', () => {
    const fill = (text: string) => text.repeat(Math.ceil(60_000 / text.length)).slice(0, 60_000);
    const values = ['a ', ' ', '"', '\\"', '<', '>,<', ';', ';a=', ',', ', ', '"a",', '%41', ':', '\t', '\n ', 'a"b<', '<">,'].map(fill);
    const started = performance.now();
    for (const value of values) {
      for (const name of ['Via', 'From', 'To', 'Contact', 'Record-Route', 'CSeq', 'Call-ID', 'Content-Type', 'X'])
        parseDatagram(
          wire(`OPTIONS sip:b@example.com SIP/2.0\n${name}: ${value}\n${name === 'X' ? HEADERS : HEADERS.replace(`${name}:`, 'X:')}\n`),
        );
      parseDatagram(wire(`OPTIONS sip:${value} SIP/2.0\n${HEADERS}\n`));
      parseDatagram(wire(`OPTIONS ${value}\n`));
      parseDatagram(options(`Via: SIP/2.0/UDP a${value}b\n`));
    }
    // 200 messages of 60 KB; quadratic work on one of them alone would take longer.
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('one byte at a time is linear too', () => {
    const parser = new SipStreamParser();
    const started = performance.now();
    for (let i = 0; i < MAX_HEAD_BYTES; i++) parser.push(Uint8Array.of(i % 70 === 0 ? 10 : 97));
    expect(performance.now() - started).toBeLessThan(3000);
  });
});

test('what is written has its true length and no line of a stranger', () => {
  const request = newRequest({
    method: 'INFO',
    uri: 'sip:b@example.com',
    from: '<sip:a@example.com>;tag=1',
    to: '<sip:b@example.com>',
    callId: 'x',
    cseq: 7,
    via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx',
    headers: [
      { name: 'Subject', value: 'a\r\nVia: SIP/2.0/UDP evil' },
      { name: 'content-length', value: '99' },
    ],
    body: 'häh',
    contentType: 'text/plain',
  });
  const again = parseDatagram(writeMessage(request)) as SipRequest;
  expect(again.kind).toBe('request');
  expect(header(again, 'content-length')).toBe('4');
  expect(header(again, 'subject')).toBe('a Via: SIP/2.0/UDP evil');
  expect(headerList(again, 'via')).toHaveLength(1);
});
