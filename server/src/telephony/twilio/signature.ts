/**
 * X-Twilio-Signature: base64(HMAC-SHA1(auth token, URL + every POST parameter's name and value, sorted by name)). Twilio
 * is not consistent about the port and the encoding of the query, so four spellings of the URL count as the same.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { parse, stringify } from 'node:querystring';

/** Values of a form by name; a name may come more than once. */
export type FormParams = Record<string, string | string[] | undefined>;

export function parseForm(body: string): FormParams {
  return { ...parse(body, undefined, undefined, { maxKeys: 200 }) };
}

/** The one value of a parameter; of several, the first. */
export function param(params: FormParams, name: string): string {
  const value = Object.hasOwn(params, name) ? params[name] : undefined;
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

export function signatureOf(authToken: string, url: string, params: FormParams): string {
  let data = url;
  for (const name of Object.keys(params).sort()) {
    const value = params[name] ?? '';
    if (Array.isArray(value)) for (const each of [...new Set(value)].sort()) data += name + each;
    else data += name + value;
  }
  return createHmac('sha1', authToken).update(data, 'utf8').digest('base64');
}

/**
 * True when `signature` is right for one of the spellings of `url`. A body that is no form is covered by the URL's
 * `bodySHA256` instead: pass it as `body`.
 */
export function isSigned(authToken: string, signature: string, url: string, params: FormParams, body?: string): boolean {
  if (signature === '' || !URL.canParse(url)) return false;
  const digest = new URL(url).searchParams.get('bodySHA256');
  if (digest !== null && body !== undefined && !isSame(createHash('sha256').update(body, 'utf8').digest('hex'), digest)) return false;
  const signed = digest === null ? params : {};
  let found = false;
  // Every spelling is tried, whichever matches: the time taken tells nothing.
  for (const spelling of spellings(url)) found = isSame(signatureOf(authToken, spelling, signed), signature) || found;
  return found;
}

function spellings(url: string): string[] {
  const bare = new URL(url);
  bare.port = '';
  const standard = bare.protocol === 'https:' || bare.protocol === 'wss:' ? 443 : 80;
  const { protocol, hostname, pathname, search } = new URL(url);
  const ported = `${protocol}//${hostname}:${new URL(url).port || standard}${pathname}${search}`;
  return [bare.toString(), ported, recoded(bare.toString()), recoded(ported)];
}

/** The query as older parts of Twilio encode it. */
function recoded(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? url : `${url.slice(0, at)}?${stringify(parse(url.slice(at + 1)))}`;
}

function isSame(a: string, b: string): boolean {
  const left = Buffer.from(a, 'utf8');
  const right = Buffer.from(b, 'utf8');
  return left.length === right.length && timingSafeEqual(left, right);
}
