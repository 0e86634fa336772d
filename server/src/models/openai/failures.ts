/** Answers that are not the stream asked for, mapped to the shared categories. */
import type { IncomingHttpHeaders } from 'node:http';
import { type FailureCategory, VendorError } from '#kit/errors.ts';

const LONGEST_WAIT_MS = 10 * 60_000;

/** `Retry-After` (RFC 9110 §10.2.3: seconds or a date) in ms, or OpenAI's `retry-after-ms`. */
export function retryAfterMs(headers: IncomingHttpHeaders, wallMs: number): number | undefined {
  const exact = Number(headers['retry-after-ms']);
  if (Number.isFinite(exact) && exact > 0) return Math.min(exact, LONGEST_WAIT_MS);
  const value = headers['retry-after'];
  if (value === undefined) return undefined;
  const seconds = Number(value);
  const waitMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - wallMs;
  return Number.isFinite(waitMs) ? Math.min(Math.max(0, waitMs), LONGEST_WAIT_MS) : undefined;
}

function categoryOf(status: number, code: string): FailureCategory {
  if (status === 401 || status === 403) return 'auth';
  if (status === 429) return code === 'insufficient_quota' ? 'auth' : 'rate-limited';
  if (status === 408 || status === 409 || status === 425 || status >= 500) return 'retryable';
  if (status === 404) return 'permanent';
  return status >= 400 ? 'bad-input' : 'retryable';
}

/** The failure of a response that is no event stream. `body` is its beginning; a key never stands in it. */
export function responseError(vendor: string, status: number, headers: IncomingHttpHeaders, body: string, wallMs: number): VendorError {
  let message = '';
  let code = '';
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown; code?: unknown } | string };
    message = typeof error === 'string' ? error : typeof error?.message === 'string' ? error.message : '';
    code = typeof error === 'object' && typeof error.code === 'string' ? error.code : '';
  } catch {
    message = /^\s*</.test(body) ? 'a web page instead of an answer (is the base URL right?)' : '';
  }
  const category = status < 300 ? 'permanent' : categoryOf(status, code);
  const wait = category === 'rate-limited' ? retryAfterMs(headers, wallMs) : undefined;
  // Some providers quote the key they refuse.
  const safe = message.replace(/\b(sk|gsk|key)[-_][\w*-]{6,}/gi, '***').slice(0, 300);
  return new VendorError(vendor, category, `HTTP ${status}${safe ? `: ${safe}` : ''}`, wait === undefined ? {} : { retryAfterMs: wait });
}
