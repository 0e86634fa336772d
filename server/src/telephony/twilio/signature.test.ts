import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { isSigned, param, parseForm, signatureOf } from './signature.ts';

const params = { CallSid: 'CA1234567890ABCDE', Caller: '+14158675309', Digits: '1234', From: '+14158675309', To: '+18005551212' };
const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';

test("is Twilio's own example", () => {
  expect(signatureOf('12345', url, params)).toBe('RSOYDt4T1cUTdK1PDd93/VVr8B8=');
  expect(isSigned('12345', 'RSOYDt4T1cUTdK1PDd93/VVr8B8=', url, params)).toBe(true);
});

test('holds with and without the port, with the query as it is and re-encoded', () => {
  const signed = (spelling: string) => isSigned('12345', signatureOf('12345', spelling, params), `${url}&name=O'Neil`, params);
  expect(signed("https://mycompany.com:443/myapp.php?foo=1&bar=2&name=O'Neil")).toBe(true);
  expect(signed(`https://mycompany.com/myapp.php?foo=1&bar=2&name=O'Neil`)).toBe(true);
  expect(signed('https://mycompany.com/myapp.php?foo=1&bar=2&name=O%27Neil')).toBe(true);
  expect(signed('https://mycompany.com:8443/myapp.php?foo=1&bar=2')).toBe(false);
});

test('fails when anything differs', () => {
  const signature = signatureOf('12345', url, params);
  expect(isSigned('54321', signature, url, params)).toBe(false);
  expect(isSigned('12345', signature, url, { ...params, Digits: '1235' })).toBe(false);
  expect(isSigned('12345', signature, 'https://mycompany.com/other', params)).toBe(false);
  expect(isSigned('12345', '', url, params)).toBe(false);
  expect(isSigned('12345', signature, 'not a url', params)).toBe(false);
});

test('a body that is no form is covered by its hash in the URL', () => {
  const body = '{"a":1}';
  const covered = `https://mycompany.com/hook?bodySHA256=${createHash('sha256').update(body).digest('hex')}`;
  const signature = signatureOf('12345', covered, {});
  expect(isSigned('12345', signature, covered, {}, body)).toBe(true);
  expect(isSigned('12345', signature, covered, {}, '{"a":2}')).toBe(false);
});

test('a repeated parameter counts each value once, sorted; names of the prototype are no parameters', () => {
  const form = parseForm('b=2&a=1&b=1&b=2');
  expect(signatureOf('k', 'https://x/', form)).toBe(signatureOf('k', 'https://x/', { a: '1', b: ['1', '2'] }));
  expect(param(form, 'b')).toBe('2');
  expect(param(form, 'constructor')).toBe('');
});
