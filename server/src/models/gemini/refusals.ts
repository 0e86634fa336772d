/** Google's errors (google.rpc.Status): their words, and the wait that their details name. */
import { VendorError } from '#kit/errors.ts';
import { categoryOfStatus, type Judgement, type JudgeRefusal, safeMessage } from '../provider-failures.ts';

/** The same status as text, for errors in a stream. */
const STATUS: Record<string, number> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** A wrong key is a 400 here, told apart by its reason; a wait is a `retryDelay` of seconds such as `7s` or `0.5s`. */
export const judgeRefusal: JudgeRefusal = ({ body, message }): Judgement => {
  const text = JSON.stringify(body ?? '');
  const delay = /"retryDelay":"(\d+(?:\.\d+)?)s"/.exec(text);
  return {
    ...(text.includes('API_KEY_INVALID') || /API key (?:not valid|expired)/i.test(message) ? { category: 'auth' } : {}),
    ...(delay ? { retryAfterMs: Math.min(Number(delay[1]) * 1000, 10 * 60_000) } : {}),
  };
};

/** An error that came instead of the next piece of an answer. */
export function refusalOf(
  vendor: string,
  body: {
    error?:
      | { code?: number | null | undefined; status?: string | null | undefined; message?: string | null | undefined }
      | null
      | undefined;
  },
): VendorError {
  const { code, status, message } = body.error ?? {};
  const said = message ?? status ?? '';
  const judged = judgeRefusal({ status: code ?? 0, words: status ?? '', message: said, body });
  const category = judged?.category ?? categoryOfStatus(code ?? STATUS[status ?? ''] ?? 500);
  const wait = judged?.retryAfterMs;
  return new VendorError(
    vendor,
    category,
    `error in the stream: ${safeMessage(said)}`,
    wait === undefined || category !== 'rate-limited' ? {} : { retryAfterMs: wait },
  );
}
