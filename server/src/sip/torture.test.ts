import { describe, expect, test } from 'vitest';
import { splitAddress } from './address.ts';
import { callId, contacts, cseq, from, fromTag, header, headerList, maxForwards, routeSet, to, toTag, vias } from './headers.ts';
import { inspectRequest } from './inspect.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { parseDatagram } from './parse.ts';
import { parseSdp } from './sdp.ts';
import { applicationMessages } from './torture/application.ts';
import type { TortureCase } from './torture/case.ts';
import { invalidMessages } from './torture/invalid.ts';
import { validMessages } from './torture/valid.ts';
import { bodyText, responseTo, writeMessage } from './write.ts';

const cases: TortureCase[] = [...validMessages, ...invalidMessages, ...applicationMessages];

function requestOf(name: string): SipRequest {
  const parsed = parseDatagram(cases.find((item) => item.name === name)?.bytes ?? new Uint8Array());
  if (parsed === 'keep-alive' || parsed.kind !== 'request') throw new Error(`${name} is no request`);
  return parsed;
}

function responseOf(name: string): SipResponse {
  const parsed = parseDatagram(cases.find((item) => item.name === name)?.bytes ?? new Uint8Array());
  if (parsed === 'keep-alive' || parsed.kind !== 'response') throw new Error(`${name} is no response`);
  return parsed;
}

describe('RFC 4475, each message treated as prescribed', () => {
  test('all 49 are here', () => expect(new Set(cases.map(({ name }) => name)).size).toBe(49));

  test.each(cases.map((item) => [item.section, item] as const))('%s', (_section, item) => {
    const parsed = parseDatagram(item.bytes);
    if (parsed === 'keep-alive') throw new Error('no message');
    if (item.parsed === 'accepted') {
      expect(parsed.kind).not.toBe('fault');
      const again = parseDatagram(writeMessage(parsed as SipRequest));
      expect(again).toMatchObject({ kind: parsed.kind });
      expect(Array.from((again as SipRequest).body)).toEqual(Array.from((parsed as SipRequest).body));
      if (parsed.kind === 'request') expect(inspectRequest(parsed)?.status).toBe(item.refused);
      return;
    }
    expect(parsed.kind).toBe('fault');
    if (parsed.kind !== 'fault') return;
    expect(parsed.respond).toBe(item.parsed === 'dropped' ? undefined : item.parsed);
    // A fault that is to be answered carries a request that can be.
    if (parsed.respond === undefined) return;
    const answer = responseTo(parsed.request as SipRequest, parsed.respond);
    expect(header(answer, 'via')).toBe(header(parsed.request as SipRequest, 'via'));
  });
});

describe('what the valid ones say', () => {
  test('wsinv: folding, spaces, lists and escapes', () => {
    const message = requestOf('wsinv');
    expect(message.uri?.params).toEqual(new Map([['unknownparam', undefined]]));
    expect(toTag(message)).toBe('1918181833n');
    expect(to(message)?.uri.user).toBe('vivekg');
    expect(from(message)).toMatchObject({ display: 'J Rosenberg \\"', uri: { user: 'jdrosen', host: 'example.com' } });
    expect(fromTag(message)).toBe('98asjd8');
    expect(maxForwards(message)).toBe(68);
    expect(cseq(message)).toEqual({ number: 9, method: 'INVITE' });
    expect(vias(message)).toMatchObject([
      { transport: 'UDP', host: '192.0.2.2', port: undefined, params: new Map([['branch', '390skdjuw']]) },
      { transport: 'TCP', host: 'spindle.example.com', params: new Map([['branch', 'z9hG4bK9ikj8']]) },
      { transport: 'UDP', host: '192.168.255.111', params: new Map([['branch', 'z9hG4bK30239']]) },
    ]);
    expect(header(message, 'Subject')).toBe('');
    expect(header(message, 'NewFangledHeader')).toBe('newfangled value continued newfangled value');
    expect(header(message, 'UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;');
    expect([...routeSet(message, 'route')[0].uri.params.keys()]).toEqual(['lr', 'unknownwith', 'unknown-no-value']);
    expect(contacts(message)).toMatchObject([{ display: 'Quoted string ""' }]);
    expect([...contacts(message)[0].params]).toEqual([
      ['newparam', 'newvalue'],
      ['secondparam', undefined],
      ['q', '0.33'],
    ]);
    expect(parseSdp(bodyText(message))?.connection).toEqual({ family: 'IP4', address: '192.0.2.4' });
  });

  test('intmeth: every character a token may hold', () => {
    const message = requestOf('intmeth');
    expect(message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    expect(message.uri).toMatchObject({
      user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
      password: "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
      host: 'example.com',
    });
    expect(to(message)?.display).toBe('BEL:\x07 NUL:\x00 DEL:\x7f');
    expect(from(message)?.display).toBe("token1~` token2'+_ token3*%!.-");
    expect(from(message)?.params.get("fromparam''~+*_!.-%")).toBe('работающий');
    expect(callId(message)).toBe('intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{');
    expect(header(message, "extensionHeader-!.%*+_`'~")).toBe('\ufeff大停電');
    expect(inspectRequest(message)?.headers.map(({ name }) => name)).toEqual(['allow']);
  });

  test('esc01, esc02, escnull: what an escape is and what it is not', () => {
    const escaped = requestOf('esc01');
    expect(escaped.uri).toMatchObject({ user: 'sips:user@example.com', host: 'example.net' });
    expect(to(escaped)?.uri.user).toBe('user');
    expect(from(escaped)?.uri.user).toBe('I have spaces');
    expect([...contacts(escaped)[0].uri.params]).toEqual([
      ['lr', undefined],
      ['name', 'v%61lue%25%34%31'],
    ]);
    const plain = requestOf('esc02');
    expect(plain.method).toBe('RE%47IST%45R');
    expect(to(plain)?.display).toBe('%Z%45');
    expect(contacts(plain).map(({ uri }) => uri.user)).toEqual(['alias1', 'alias3']);
    expect(contacts(requestOf('escnull')).map(({ uri }) => uri.user)).toEqual(['\0', '\0\0']);
  });

  test('dblreq, longreq, unreason, noreason', () => {
    expect(requestOf('dblreq').method).toBe('REGISTER');
    expect(requestOf('dblreq').body).toHaveLength(0);
    expect(vias(requestOf('longreq'))).toHaveLength(34);
    expect(responseOf('unreason')).toMatchObject({ status: 200, reason: '= 2**3 * 5**2 но сто девяносто девять - простое' });
    expect(responseOf('noreason')).toMatchObject({ status: 100, reason: '' });
  });

  test('unksm2: tags are read whatever the scheme', () => {
    const message = requestOf('unksm2');
    expect(from(message)).toBeUndefined();
    expect(fromTag(message)).toBe('3234233');
    expect(splitAddress(header(message, 'to') ?? '')?.uriText).toBe('isbn:2983792873');
  });

  test('cparam01 and cparam02: whose parameter it is', () => {
    expect([...contacts(requestOf('cparam01'))[0].params.keys()]).toEqual(['unknownparam']);
    expect([...contacts(requestOf('cparam02'))[0].uri.params.keys()]).toEqual(['unknownparam']);
  });

  test('bext01: the refusal names what is not supported, as written', () => {
    expect(inspectRequest(requestOf('bext01'))?.headers).toEqual([
      { name: 'unsupported', value: 'nothingSupportsThis, nothingSupportsThisEither' },
    ]);
    expect(headerList(requestOf('bext01'), 'proxy-require')).toHaveLength(2);
  });
});
