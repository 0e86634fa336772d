import { describe, expect, test } from 'vitest';
import {
  addHeader,
  contact,
  contentType,
  expires,
  header,
  headerList,
  isStarContact,
  maxForwards,
  parseCSeq,
  prependHeader,
  removeHeader,
  replaceTopVia,
  requireTags,
  setHeader,
  topVia,
  vias,
  type WithHeaders,
} from './headers.ts';
import { inspectRequest } from './inspect.ts';
import type { SipRequest } from './message.ts';
import { newRequest, reasonPhrase, responseTo, writeMessage } from './write.ts';

function withHeaders(...fields: [string, string][]): WithHeaders {
  const message: WithHeaders = { headers: [] };
  for (const [name, value] of fields) addHeader(message, name, value);
  return message;
}

describe('header fields', () => {
  test('lists are split at commas outside quotes and brackets', () => {
    const message = withHeaders(['Contact', '"a,b" <sip:a,b@example.com>, sip:c@example.com'], ['m', '<sip:d@example.com;x=",">']);
    expect(headerList(message, 'contact')).toEqual(['"a,b" <sip:a,b@example.com>', 'sip:c@example.com', '<sip:d@example.com;x=",">']);
    expect(contact(message)?.uri.user).toBe('a,b');
  });

  test('set keeps the place of the first, drops the others; remove takes all', () => {
    const message = withHeaders(['Via', 'a'], ['X-A', '1'], ['To', 'b'], ['x-a', '2']);
    setHeader(message, 'x-a', 3);
    expect(message.headers).toEqual([
      { name: 'via', value: 'a' },
      { name: 'x-a', value: '3' },
      { name: 'to', value: 'b' },
    ]);
    removeHeader(message, 'X-A');
    prependHeader(message, 'v', 'c');
    expect(message.headers.map(({ value }) => value)).toEqual(['c', 'a', 'b']);
  });

  test('the topmost Via is rewritten alone', () => {
    const message = withHeaders(['Via', 'SIP/2.0/UDP a;branch=1, SIP/2.0/TCP b'], ['Via', 'SIP/2.0/UDP c']);
    const via = topVia(message);
    if (!via) throw new Error('no Via');
    via.params.set('received', '192.0.2.1');
    replaceTopVia(message, via);
    expect(vias(message).map(({ host, params }) => [host, params.get('received')])).toEqual([
      ['a', '192.0.2.1'],
      ['b', undefined],
      ['c', undefined],
    ]);
  });

  test('numbers', () => {
    const message = withHeaders(['Max-Forwards', '256'], ['Expires', '99999999999999999999'], ['Contact', '*'], ['Require', '100REL']);
    expect(maxForwards(message)).toBeUndefined();
    expect(expires(message)).toBe(0xffffffff);
    expect(isStarContact(message)).toBe(true);
    expect(requireTags(message)).toEqual(['100rel']);
    expect(parseCSeq('4294967295 ACK')).toEqual({ number: 4294967295, method: 'ACK' });
    for (const bad of ['4294967296 ACK', '1', ' ACK', '-1 ACK', '1 A CK', '']) expect(parseCSeq(bad)).toBeUndefined();
  });

  test('media types', () => {
    expect(contentType(withHeaders(['c', 'Application / SDP ; charset=utf-8']))).toBe('application/sdp');
    expect(contentType(withHeaders(['c', 'sdp']))).toBeUndefined();
  });
});

function request(method: string, ...fields: [string, string][]): SipRequest {
  return newRequest({
    method,
    uri: 'sip:b@example.com',
    from: '<sip:a@example.com>;tag=1',
    to: '<sip:b@example.com>',
    callId: 'x',
    cseq: 1,
    via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx',
    headers: fields.map(([name, value]) => ({ name, value })),
    body: method === 'INVITE' ? 'v=0' : undefined,
    contentType: method === 'INVITE' ? 'application/sdp' : undefined,
  });
}

describe('responses (§8.2.6)', () => {
  const invite = request('INVITE', ['Via', 'SIP/2.0/TCP b'], ['Record-Route', '<sip:p;lr=on;ftag=1>'], ['Timestamp', '54']);

  test('copy what identifies the request, and the route of what may make a dialog', () => {
    const ringing = responseTo(invite, 180, undefined, { toTag: 'mine' });
    expect(ringing.reason).toBe('Ringing');
    expect(ringing.headers).toEqual([
      { name: 'via', value: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx' },
      { name: 'via', value: 'SIP/2.0/TCP b' },
      { name: 'record-route', value: '<sip:p;lr=on;ftag=1>' },
      { name: 'from', value: '<sip:a@example.com>;tag=1' },
      { name: 'to', value: '<sip:b@example.com>;tag=mine' },
      { name: 'call-id', value: 'x' },
      { name: 'cseq', value: '1 INVITE' },
    ]);
  });

  test('100 gets no tag but the timestamp; a tag that is there stays', () => {
    const trying = responseTo(invite, 100, undefined, { toTag: 'mine' });
    expect(header(trying, 'to')).toBe('<sip:b@example.com>');
    expect(header(trying, 'timestamp')).toBe('54');
    const bye = request('BYE');
    setHeader(bye, 'to', '<sip:b@example.com>;tag=theirs');
    expect(header(responseTo(bye, 200, 'Fine', { toTag: 'mine' }), 'to')).toBe('<sip:b@example.com>;tag=theirs');
  });

  test('names are written as people know them', () => {
    const text = new TextDecoder().decode(
      writeMessage(responseTo(invite, 401, undefined, { headers: [{ name: 'www-authenticate', value: 'x' }] })),
    );
    expect(text).toContain('\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nWWW-Authenticate: x\r\nContent-Length: 0\r\n\r\n');
    expect(text.startsWith('SIP/2.0 401 Unauthorized\r\nVia: ')).toBe(true);
    expect(reasonPhrase(499)).toBe('Request Failed');
  });
});

describe('inspection (§8.2)', () => {
  test.each<[string, SipRequest, number | undefined]>([
    ['a call', request('INVITE', ['Accept', 'application/isup, application/*;q=0.5']), undefined],
    ['a call with timers', request('INVITE', ['Require', 'Timer']), undefined],
    ['a call that insists on PRACK', request('INVITE', ['Require', '100rel']), 420],
    ['a CANCEL whatever it requires', request('CANCEL', ['Require', '100rel']), undefined],
    ['an ACK whatever it is', request('ACK', ['Require', '100rel']), undefined],
    ['a compressed body', request('INVITE', ['Content-Encoding', 'gzip']), 415],
    ['a transfer', request('REFER'), 405],
    ['a made-up method', request('FOO'), 501],
    ['an empty Accept', request('INVITE', ['Accept', '']), undefined],
    ['no SDP wanted', request('INVITE', ['Accept', 'text/plain']), 406],
  ])('%s', (_what, message, status) => expect(inspectRequest(message)?.status).toBe(status));

  test('a body that may be ignored is', () => {
    const invite = request('INVITE', ['Content-Disposition', 'render; handling=optional']);
    setHeader(invite, 'content-type', 'application/unknown');
    expect(inspectRequest(invite)).toBeUndefined();
    removeHeader(invite, 'content-disposition');
    expect(inspectRequest(invite)).toMatchObject({ status: 415, headers: [{ name: 'accept', value: 'application/sdp' }] });
  });
});
