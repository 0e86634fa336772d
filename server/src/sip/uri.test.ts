import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isAddress, parseNameAddr, parseVia, writeNameAddr, writeVia } from './address.ts';
import type { SipUri } from './message.ts';
import { parseUri, sameUri, sipUri, writeUri } from './uri.ts';

function uri(text: string): SipUri {
  const parsed = parseUri(text);
  if (!parsed) throw new Error(`no URI: ${text}`);
  return parsed;
}

describe('reading and writing', () => {
  test.each([
    'sip:alice@atlanta.com',
    'sip:alice:secretword@atlanta.com;transport=tcp',
    'sips:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:+1-212-555-1212:1234@gateway.com;user=phone',
    'sips:1212@gateway.com',
    'sip:alice@192.0.2.4',
    'sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com',
    'sip:alice;day=tuesday@atlanta.com',
    'sip:[2001:db8::1]:5070;lr',
    'sip:hop.example.com;lr=on;ftag=a1b2',
    'tel:+1-201-555-0123',
    'tel:7042;phone-context=example.com',
  ])('%s', (text) => expect(writeUri(uri(text))).toBe(text));

  test.each([
    '',
    'sip:',
    'sip:@example.com',
    'sip:a@',
    'sip:a@b@c',
    'sip:a@example.com:',
    'sip:a@example.com:99999',
    'sip:a@[::1',
    'sip:a@[zz]',
    'sip:a@::1',
    'sip:a@ex ample.com',
    'sip:%4@example.com',
    'sip:a@example.com;',
    'tel:+',
    'tel:call-me',
    'mailto:a@example.com',
    'http://example.com',
    'example.com',
  ])('no SIP URI: %s', (text) => expect(parseUri(text)).toBeUndefined());

  test('the host of an IPv6 reference has no brackets', () => {
    expect(uri('sip:a@[2001:db8::1]:5070')).toMatchObject({ user: 'a', host: '2001:db8::1', port: 5070 });
  });

  test('every user survives writing and reading', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (user) => {
        expect(parseUri(writeUri(sipUri(user, 'example.com')))?.user).toBe(user);
      }),
    );
  });

  test('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), (text) => {
        for (const candidate of [text, `sip:${text}`, `tel:${text}`, `sip:a@example.com${text}`]) {
          const parsed = parseUri(candidate);
          if (parsed) expect(sameUri(uri(writeUri(parsed)), parsed)).toBe(true);
        }
      }),
    );
  });
});

describe('comparison (§19.1.4)', () => {
  test.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtlanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    ['sip:alice@atlanta.com?subject=project%20x&priority=urgent', 'sip:alice@atlanta.com?priority=urgent&subject=project%20x'],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
  ])('%s = %s', (a, b) => {
    expect(sameUri(uri(a), uri(b))).toBe(true);
    expect(sameUri(uri(b), uri(a))).toBe(true);
  });

  test.each([
    ['SIP:ALICE@AtlanTa.CoM;Transport=udp', 'sip:alice@AtlanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:carol@chicago.com;maddr=239.255.255.1', 'sip:carol@chicago.com'],
    ['tel:7042;phone-context=a.example', 'tel:7042;phone-context=b.example'],
  ])('%s is not %s', (a, b) => expect(sameUri(uri(a), uri(b))).toBe(false));
});

describe('name-addr and Via', () => {
  test('parameters inside brackets are the URI’s, outside the header field’s', () => {
    expect(parseNameAddr('<sip:a@example.com;x=1>;tag=2')).toMatchObject({
      uri: { params: new Map([['x', '1']]) },
      params: new Map([['tag', '2']]),
    });
    expect(parseNameAddr('sip:a@example.com;tag=2')).toMatchObject({ uri: { params: new Map() }, params: new Map([['tag', '2']]) });
  });

  test.each([
    '"a <sip:b@c>',
    '"a" sip:b@c',
    '<sip:b@c',
    'a "b" <sip:b@c>',
    '<sip:b@c> x',
    '<>',
    '<sip:b@c>;',
    '<sip:b@c>;=1',
    '<sip:b@c>;a="',
    'b@c',
  ])('no address: %s', (text) => expect(isAddress(text)).toBe(false));

  test('a display name survives writing, whatever it holds', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40 }), (display) => {
        const written = writeNameAddr({ display, uri: sipUri('a', 'example.com'), params: new Map([['tag', 'x']]) });
        expect(parseNameAddr(written)?.display).toBe(display.replaceAll(/[\r\n]/g, ' '));
      }),
    );
  });

  test('Via with IPv6, port, flag and quoted parameters', () => {
    const text = 'SIP/2.0/UDP [2001:db8::9]:5061;branch=z9hG4bKx;rport;received=[2001:db8::1]';
    expect(parseVia(text)).toMatchObject({ transport: 'UDP', host: '2001:db8::9', port: 5061 });
    expect(writeVia(parseVia(text) as NonNullable<ReturnType<typeof parseVia>>)).toBe(text);
    expect(parseVia('SIP / 2.0 / tcp  host.example : 5070 ; rport = 9')).toMatchObject({
      transport: 'TCP',
      host: 'host.example',
      port: 5070,
    });
    for (const bad of ['', 'SIP/2.0', 'SIP/2.0/UDP', 'HTTP/2.0/UDP a', 'SIP/2.0/UDP a b', 'SIP/2.0/UDP a:', 'SIP/2.0/UDP a;;'])
      expect(parseVia(bad)).toBeUndefined();
  });
});
