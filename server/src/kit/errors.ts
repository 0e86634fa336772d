/** One error type with a stable code from the contract's catalogue, and the shared categories of a vendor's failures. */
import { type ErrorCode, errorCatalogue } from '@tandem/contract';

export class TandemError extends Error {
  readonly code: ErrorCode;
  /** Facts for the reader of the problem document; never a secret. */
  readonly detail: Record<string, unknown>;

  constructor(code: ErrorCode, message?: string, detail: Record<string, unknown> = {}, cause?: unknown) {
    super(message ?? errorCatalogue[code].title, cause === undefined ? undefined : { cause });
    this.name = 'TandemError';
    this.code = code;
    this.detail = detail;
  }
}

/**
 * What a caller may do about a vendor's failure. Each vendor maps its own failures to these once, at its own door.
 * `retryable`: the same request may work soon; `rate-limited`: after `retryAfterMs`; `auth`: never with this key;
 * `bad-input`: never with this input; `permanent`: never.
 */
export type FailureCategory = 'retryable' | 'rate-limited' | 'auth' | 'bad-input' | 'permanent';

export class VendorError extends Error {
  readonly vendor: string;
  readonly category: FailureCategory;
  readonly retryAfterMs: number | undefined;

  constructor(vendor: string, category: FailureCategory, message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(`${vendor}: ${message}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'VendorError';
    this.vendor = vendor;
    this.category = category;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
