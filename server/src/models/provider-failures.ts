/** Answers of an HTTP vendor that are not what was asked for, mapped to the shared categories. */
import type { IncomingHttpHeaders } from 'node:http';
import { type FailureCategory, VendorError } from '#kit/errors.ts';

const LONGEST_WAIT_MS = 10 * 60_000;
const LONGEST_MESSAGE = 300;

/** What a refusal said of itself, as far as it was JSON. */
export interface Refusal {
  status: number;
  /** `error.code`, `error.status` or `error.type`, joined by a space: vendors use one or several of them. */
  words: string;
  message: string;
  /** The parsed body; undefined when it was no JSON. */
  body: unknown;
}

export interface Judgement {
  category?: FailureCategory;
  retryAfterMs?: number;
}

/** What only this vendor means by a refusal; undefined (or a field left out) leaves it to the status. */
export type JudgeRefusal = (refusal: Refusal) => Judgement | undefined;

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

/** The category of an HTTP status without any word of the vendor. */
export function categoryOfStatus(status: number): FailureCategory {
  if (status === 401 || status === 402 || status === 403) return 'auth';
  if (status === 429) return 'rate-limited';
  if (status === 408 || status === 409 || status === 425 || status >= 500) return 'retryable';
  // A success that is no answer, a redirect and a wrong path are settings to be mended, not moments to wait for.
  return status >= 400 && status !== 404 ? 'bad-input' : 'permanent';
}

const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');

function readRefusal(status: number, text: string): Refusal {
  try {
    const body = JSON.parse(text) as unknown;
    // Gemini may wrap its one error in an array; ElevenLabs says `detail`, Cartesia `message`.
    const first = (Array.isArray(body) ? body[0] : body) as Record<string, unknown> | null;
    const error = first?.error ?? first?.detail ?? first;
    if (typeof error === 'string') return { status, words: '', message: error, body };
    const { code, type, status: state, message } = (error ?? {}) as Record<string, unknown>;
    return { status, words: [code, state, type].map(textOf).filter(Boolean).join(' '), message: textOf(message), body };
  } catch {
    const message = /^\s*</.test(text) ? 'a web page instead of an answer (is the base URL right?)' : '';
    return { status, words: '', message, body: undefined };
  }
}

/** A vendor's own words, short, without keys: some providers quote the key they refuse. */
export function safeMessage(message: string, key?: string): string {
  const masked = key === undefined || key.length < 6 ? message : message.replaceAll(key, '***');
  return masked.replace(/\b(?:(?:sk|gsk|key|xi)[-_][\w*-]{6,}|AIza[\w-]{6,})/gi, '***').slice(0, LONGEST_MESSAGE);
}

/** The failure of a response that is not what was asked for. `body` is its beginning; no key ever stands in the message. */
export function refusalError(
  vendor: string,
  response: { status: number; headers: IncomingHttpHeaders; body: string },
  wallMs: number,
  options: { key?: string; judge?: JudgeRefusal } = {},
): VendorError {
  const refusal = readRefusal(response.status, response.body);
  const judged = options.judge?.(refusal);
  const category = judged?.category ?? categoryOfStatus(response.status);
  const mayWait = category === 'rate-limited' || category === 'retryable';
  const wait = mayWait ? (judged?.retryAfterMs ?? retryAfterMs(response.headers, wallMs)) : undefined;
  const said = safeMessage(refusal.message, options.key);
  return new VendorError(
    vendor,
    category,
    `HTTP ${response.status}${said ? `: ${said}` : ''}`,
    wait === undefined ? {} : { retryAfterMs: wait },
  );
}
