/** What all Deepgram sockets share: the header, the refusals, and the names of encodings. developers.deepgram.com, 2026-08. */
import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Refusal } from './route.ts';
import type { Encoding, SoundShape } from './voice.ts';

export function sameKey(given: string | undefined | null, key: string): boolean {
  const a = Buffer.from(given ?? '');
  const b = Buffer.from(key);
  return a.length === b.length && timingSafeEqual(a, b);
}

/** `Authorization: Token KEY`, or `Bearer` for short-lived tokens. */
export function admitsDeepgram(request: IncomingMessage, _url: URL, key: string): boolean {
  const [, given] = /^(?:token|bearer)\s+(.+)$/i.exec(request.headers.authorization ?? '') ?? [];
  return sameKey(given, key);
}

const codes: Readonly<Record<number, string>> = { 400: 'Bad Request', 401: 'INVALID_AUTH', 429: 'TOO_MANY_REQUESTS' };

export function refuseDeepgram(status: number, why: string): Refusal {
  return { status, body: { err_code: codes[status] ?? 'INTERNAL_SERVER_ERROR', err_msg: why, request_id: randomUUID() } };
}

const encodings: Readonly<Record<string, Encoding>> = { mulaw: 'mulaw', alaw: 'alaw', linear16: 'pcm' };

/** The sound that a query asks for, or the sentence that refuses it. */
export function deepgramSound(url: URL): SoundShape | string {
  const encoding = encodings[url.searchParams.get('encoding') ?? 'linear16'];
  const rate = Number(url.searchParams.get('sample_rate') ?? '16000');
  if (!encoding) return `Unsupported encoding: ${url.searchParams.get('encoding')}`;
  if (!Number.isInteger(rate) || rate < 8000 || rate > 48_000) return 'sample_rate must be an integer between 8000 and 48000';
  return { encoding, rate };
}
