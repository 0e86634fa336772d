import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testKit } from '#kit/testing.ts';
import { type ApiServer, startApi } from '../../test/api-server.ts';
import { isOurOrigin } from './auth.ts';
import { Sessions } from './sessions.ts';

const HALF_A_DAY_MS = 12 * 3_600_000;

describe('the value of a session', () => {
  const kit = testKit();
  const sessions = new Sessions(new Uint8Array(32).fill(7), kit);

  test('names its key until its time is up', async () => {
    const { value, maxAgeSeconds } = sessions.issue('key_1');
    expect([sessions.verify(value), maxAgeSeconds]).toEqual(['key_1', 43_200]);
    await kit.clock.advance(HALF_A_DAY_MS - 1);
    expect(sessions.verify(value)).toBe('key_1');
    await kit.clock.advance(1);
    expect(sessions.verify(value)).toBeUndefined();
  });

  test('is refused when forged in any part', () => {
    const { value } = sessions.issue('key_1');
    const [key, expiry, nonce, signature] = value.split('.');
    const later = String(Number(expiry) + 1);
    const forged = [`key_2.${expiry}.${nonce}.${signature}`, `${key}.${later}.${nonce}.${signature}`, `${key}.${expiry}.x.${signature}`];
    for (const bad of [...forged, `${key}.${expiry}.${nonce}`, `${value}x`, `${value}.x`, '', '...', 'é.1.2.3']) {
      expect(sessions.verify(bad), bad).toBeUndefined();
    }
    expect(new Sessions(new Uint8Array(32).fill(8), kit).verify(value)).toBeUndefined();
  });

  test('opens nothing after signing out; others go on', () => {
    const [first, second] = [sessions.issue('key_1'), sessions.issue('key_1')];
    sessions.revoke(first.value);
    expect([sessions.verify(first.value), sessions.verify(second.value)]).toEqual([undefined, 'key_1']);
  });
});

test('an origin is ours by host or by public URL', () => {
  const url = 'https://voice.example.com';
  expect(isOurOrigin({ host: 'a:1' }, url)).toBe(true);
  expect(isOurOrigin({ host: 'a:1', origin: 'http://a:1' }, url)).toBe(true);
  expect(isOurOrigin({ host: '127.0.0.1:3000', origin: 'https://voice.example.com' }, url)).toBe(true);
  for (const origin of ['null', 'http://a:2', 'http://voice.example.com', 'https://voice.example.com.evil.example']) {
    expect(isOurOrigin({ host: 'a:1', origin }, url), origin).toBe(false);
  }
});

describe('/api/v1/session', () => {
  let api: ApiServer;
  beforeAll(async () => {
    api = await startApi();
  }, 60_000);
  afterAll(() => api.close());
  const signIn = (key: string, headers = {}) => api.ask('POST', '/api/v1/session', { key: null, body: { key }, headers });

  test('sign in, work, sign out', async () => {
    const answer = await signIn(api.keys.alpha);
    expect(answer).toMatchObject({ status: 200, body: { business: { id: api.alpha.id }, permissions: ['read', 'write'] } });
    const set = String(answer.headers['set-cookie']);
    expect(set).toMatch(/^tandem_session=/);
    for (const flag of ['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=43200']) expect(set).toContain(flag);
    const cookie = set.split(';')[0];
    const asSession = { key: null, headers: { cookie, host: 'ours:1' } };
    expect((await api.ask('GET', '/api/v1/session', asSession)).status).toBe(200);
    expect((await api.ask('GET', '/api/v1/assistants', asSession)).status).toBe(200);
    const body = { name: 'A', slug: 'a', greeting: 'Hi.' };
    const from = (origin: string) => ({ key: null, headers: { ...asSession.headers, origin }, body });
    expect(await api.ask('POST', '/api/v1/assistants', from('http://evil.example'))).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    });
    expect((await api.ask('POST', '/api/v1/assistants', from('null'))).status).toBe(403);
    expect((await api.ask('POST', '/api/v1/assistants', from('http://ours:1'))).status).toBe(201);
    expect(
      (await api.ask('DELETE', '/api/v1/session', { key: null, headers: { ...asSession.headers, origin: 'http://evil.example' } })).status,
    ).toBe(403);
    const out = await api.ask('DELETE', '/api/v1/session', asSession);
    expect(out.status).toBe(204);
    expect(String(out.headers['set-cookie'])).toMatch(/tandem_session=;.*Expires=Thu, 01 Jan 1970/);
    expect((await api.ask('GET', '/api/v1/session', asSession)).status).toBe(401);
  });

  test('signing in is refused without a good key, from other pages, and when tried too often', async () => {
    expect(await signIn('wrong')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    expect((await signIn('')).status).toBe(422);
    expect((await signIn(api.keys.alpha, { origin: 'http://evil.example', host: 'ours:1' })).status).toBe(403);
    const statuses = [];
    for (let n = 0; n < 10; n++) statuses.push((await signIn('wrong')).status);
    expect(statuses).toContain(429);
    const refused = await signIn(api.keys.alpha);
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('the cookie is Secure where the console is reached over HTTPS', async () => {
    const secure = await startApi({ publicUrl: 'https://voice.example.com', mediaUrl: 'wss://voice.example.com' });
    const { headers } = await secure.ask('POST', '/api/v1/session', { key: null, body: { key: secure.keys.admin } });
    expect(String(headers['set-cookie'])).toContain('Secure');
    expect(headers['strict-transport-security']).toContain('max-age');
    await secure.close();
  });
});
