/** What went wrong with a vendor's WebSocket, in the shared categories. Keys never stand in a message. */
import type { IncomingHttpHeaders } from 'node:http';
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import { categoryOfStatus, retryAfterMs } from './provider-failures.ts';

const LONGEST_TEXT = 300;

/** RFC 6455 §7.4.1 and the registry's 1012-1014. Codes of the vendor's own (from 3000 on) count as retryable. */
export function categoryOfClose(code: number): FailureCategory {
  if (code === 1003 || code === 1007 || code === 1009) return 'bad-input';
  if (code === 1008) return 'auth';
  if (code === 1013) return 'rate-limited';
  return code === 1002 || code === 1010 ? 'permanent' : 'retryable';
}

/** The values of headers that name a key, to be blotted out wherever a vendor quotes them. */
export function secretsOf(headers: Readonly<Record<string, string>>): string[] {
  return Object.values(headers)
    .map((value) => value.replace(/^(Bearer|Token|Basic)\s+/i, ''))
    .filter((value) => value.length >= 4);
}

/** One line without control characters or secrets, at most 300 characters. */
export function safeText(text: string, secrets: readonly string[]): string {
  let safe = text;
  for (const secret of secrets) safe = safe.replaceAll(secret, '***');
  return safe
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, LONGEST_TEXT);
}

/** The sentence in an error body, wherever the vendor puts it. */
function sentenceOf(body: string): string {
  if (/^\s*</.test(body)) return 'a web page instead of a WebSocket (is the base URL right?)';
  try {
    const read = JSON.parse(body) as Record<string, unknown>;
    const error = read.error as Record<string, unknown> | string | undefined;
    const inner = typeof error === 'object' && error !== null ? error.message : error;
    const found = [inner, read.err_msg, read.message, read.error_message, read.reason, read.detail].find(
      (text) => typeof text === 'string',
    );
    return typeof found === 'string' ? found : body;
  } catch {
    return body;
  }
}

/** A refused upgrade. `body` is its beginning. */
export function upgradeFailure(
  vendor: string,
  answer: { status: number; headers: IncomingHttpHeaders; body: string },
  wallMs: number,
  secrets: readonly string[],
): VendorError {
  const category = answer.status < 300 ? 'permanent' : categoryOfStatus(answer.status);
  const waitMs = category === 'rate-limited' || answer.status === 503 ? retryAfterMs(answer.headers, wallMs) : undefined;
  const text = safeText(sentenceOf(answer.body), secrets);
  return new VendorError(
    vendor,
    category,
    `HTTP ${answer.status}${text ? `: ${text}` : ''}`,
    waitMs === undefined ? {} : { retryAfterMs: waitMs },
  );
}
