import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { testKit } from '#kit/testing.ts';
import {
  answerChallenge,
  authorize,
  chooseChallenge,
  type DigestAccount,
  type DigestAlgorithm,
  digestResponse,
  ha1Of,
  parseChallenge,
  parseCredentials,
} from './digest.ts';
import { DigestServer } from './digest-server.ts';
import { header, setHeader } from './headers.ts';
import type { SipRequest } from './message.ts';
import { newRequest, responseTo } from './write.ts';

const EMPTY = new Uint8Array(0);

describe('published values', () => {
  const rfc7616 = {
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    qop: 'auth' as const,
    nc: '00000001',
    cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
    method: 'GET',
    uri: '/dir/index.html',
    body: EMPTY,
  };

  test.each<[DigestAlgorithm, string]>([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('RFC 7616 §3.9.1, %s', (algorithm, response) => {
    const ha1 = ha1Of(algorithm, 'Mufasa', 'http-auth@example.org', 'Circle of Life');
    expect(digestResponse({ ...rfc7616, algorithm, ha1 })).toBe(response);
  });

  test('RFC 2617 §3.5', () => {
    const ha1 = ha1Of('MD5', 'Mufasa', 'testrealm@host.com', 'Circle Of Life');
    const input = { ...rfc7616, algorithm: 'MD5' as const, ha1, nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093', cnonce: '0a4f113b' };
    expect(digestResponse(input)).toBe('6629fae49393a05397450978507c4ef1');
  });
});

describe('challenges and answers', () => {
  test('the topmost that we know is answered', () => {
    const values = [
      'Basic realm="a"',
      'Digest realm="a", nonce="n", algorithm=SHA-1024',
      'Digest realm="a, \\"b\\"", nonce="n1",opaque="", algorithm=SHA-256, qop="auth-int , auth", stale=TRUE',
      'Digest realm="a", nonce="n2"',
    ];
    expect(chooseChallenge(values)).toEqual({
      realm: 'a, "b"',
      nonce: 'n1',
      opaque: '',
      algorithm: 'SHA-256',
      qop: 'auth',
      stale: true,
    });
    expect(chooseChallenge(values.slice(0, 2))).toBeUndefined();
    expect(chooseChallenge(values.slice(3))).toMatchObject({ algorithm: 'MD5', qop: undefined });
  });

  test.each([
    '',
    'Digest',
    'Digest realm="a"',
    'Digest realm="a", nonce="b", qop="token"',
    'Digest a b',
    'Digest realm="a", realm="b", nonce="c"',
  ])('no challenge: %s', (value) => expect(parseChallenge(value)).toBeUndefined());

  test('what is answered can be read, whatever the names hold', () => {
    const text = fc.string({ maxLength: 20 }).filter((value) => !/[\r\n]/.test(value));
    fc.assert(
      fc.property(text, text, text, fc.integer({ min: 1, max: 0xffffffff }), (username, realm, opaque, nc) => {
        const challenge = { realm, nonce: 'n', algorithm: 'SHA-256' as const, opaque, qop: 'auth' as const, stale: false };
        const account = { username, password: 'p' };
        const value = answerChallenge(challenge, { account, method: 'INVITE', uri: 'sip:b', body: EMPTY, cnonce: 'c', nc });
        expect(parseCredentials(value ?? '')).toMatchObject({ username, realm, opaque, nc, uri: 'sip:b', qop: 'auth' });
      }),
    );
  });

  test('no value makes the readers throw', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (value) => {
        for (const text of [value, `Digest ${value}`]) {
          parseChallenge(text);
          parseCredentials(text);
        }
      }),
    );
  });
});

describe('a client and a server', () => {
  const account = { username: 'alice', password: 'wonderland' };
  const lookup = (username: string, algorithm: DigestAlgorithm) =>
    username === 'alice' ? ha1Of(algorithm, 'alice', 'tandem', 'wonderland') : undefined;

  function invite(): SipRequest {
    return newRequest({
      method: 'INVITE',
      uri: 'sip:+4930123456@example.com',
      from: '<sip:alice@example.com>;tag=1',
      to: '<sip:+4930123456@example.com>',
      callId: 'x',
      cseq: 1,
      via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx',
    });
  }

  function house(options: { maxNonces?: number; algorithms?: DigestAlgorithm[] } = {}) {
    const { clock, random } = testKit();
    const server = new DigestServer({ clock, random, realm: 'tandem', ...options });
    return { clock, server, client: new SeededRandom(9) };
  }

  function answered(server: DigestServer, client: SeededRandom, who: DigestAccount = account, nc = 1, status: 401 | 407 = 401): SipRequest {
    const request = invite();
    const name = status === 401 ? 'www-authenticate' : 'proxy-authenticate';
    const result = authorize(responseTo(request, status, undefined, { headers: server.challenge({ name }) }), request, who, client, nc);
    if (!result) throw new Error('not answered');
    setHeader(request, result.header.name, result.header.value);
    return request;
  }

  test.each<[DigestAlgorithm]>([['MD5'], ['SHA-256'], ['SHA-512-256']])('%s', (algorithm) => {
    const { server, client } = house({ algorithms: [algorithm] });
    const request = answered(server, client);
    expect(header(request, 'authorization')).toContain(`algorithm=${algorithm}`);
    expect(server.check(request, lookup)).toEqual({ outcome: 'ok', username: 'alice' });
  });

  test('a stored HA1 will do, and 407 asks and answers in its own fields', () => {
    const { server, client } = house();
    const request = answered(server, client, { username: 'alice', ha1: (algorithm) => lookup('alice', algorithm) }, 1, 407);
    expect(server.check(request, lookup)).toEqual({ outcome: 'none' });
    expect(server.check(request, lookup, 'proxy-authorization')).toMatchObject({ outcome: 'ok' });
  });

  test('wrong secret, unknown user, other number, other method', () => {
    const { server, client } = house();
    expect(server.check(answered(server, client, { username: 'alice', password: 'looking-glass' }), lookup).outcome).toBe('wrong');
    expect(server.check(answered(server, client, { username: 'bob', password: 'x' }), lookup).outcome).toBe('unknown-user');
    const dialled = answered(server, client);
    dialled.uri = { ...(dialled.uri as NonNullable<SipRequest['uri']>), user: '+882123' };
    dialled.uriText = 'sip:+882123@example.com';
    expect(server.check(dialled, lookup).outcome).toBe('wrong');
    const hungUp = answered(server, client);
    hungUp.method = 'BYE';
    expect(server.check(hungUp, lookup).outcome).toBe('wrong');
    expect(server.check(invite(), lookup).outcome).toBe('none');
  });

  test('a replay is stale; the next count of the same nonce is not', () => {
    const { server, client } = house();
    const request = invite();
    const response = responseTo(request, 401, undefined, { headers: server.challenge() });
    const outcomes = [1, 1, 2, 2, 1, 3].map((nc) => {
      const result = authorize(response, request, account, client, nc);
      if (result) setHeader(request, 'authorization', result.header.value);
      return server.check(request, lookup).outcome;
    });
    expect(outcomes).toEqual(['ok', 'stale', 'ok', 'stale', 'stale', 'ok']);
  });

  test('a nonce lives 30 seconds, and only in the server that made it', async () => {
    const { server, client, clock } = house();
    const request = answered(server, client);
    await clock.advance(30_001);
    expect(server.check(request, lookup).outcome).toBe('stale');
    expect(header({ headers: server.challenge({ stale: true }) }, 'www-authenticate')).toContain('stale=true');
    const other = new DigestServer({ clock, random: new SeededRandom(99), realm: 'tandem' });
    expect(server.check(answered(other, client), lookup).outcome).toBe('stale');
  });

  test('memory is bounded, and what was forgotten cannot be replayed', async () => {
    const { server, client, clock } = house({ maxNonces: 2 });
    const requests: SipRequest[] = [];
    for (let i = 0; i < 4; i++) {
      requests.push(answered(server, client));
      expect(server.check(requests[i], lookup).outcome).toBe('ok');
      await clock.advance(10);
    }
    for (const request of requests) expect(server.check(request, lookup).outcome).toBe('stale');
  });
});
