/** Requests to the REST API under `/api/v1`: JSON in and out, problem documents (RFC 9457) thrown as `ApiError`. */
import type { Problem } from '@tandem/contract';
import { plainFault } from './plain-fault.ts';

const DEADLINE_MS = 15_000;

/** What went wrong, with the stable `code` of the problem document, or `offline` / `timeout` when no answer came. */
export class ApiError extends Error {
  readonly code: string;
  readonly status: number;
  /** Messages by the path of the field they belong to. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(code: string, message: string, status = 0, fields: Record<string, string> = {}) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.status = status;
    this.fields = fields;
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  return faultOfProblem(response.status, (await response.json().catch(() => undefined)) as Partial<Problem> | undefined);
}

/** The error that a problem document tells of; `body` may be anything that came in its place. */
export function faultOfProblem(status: number, body: Partial<Problem> | null | undefined): ApiError {
  const fields: Record<string, string> = {};
  for (const fault of body?.errors ?? [])
    fields[fault.path.replace(/^\/|^body[./]/, '').replaceAll('/', '.')] ??= plainFault(fault.message);
  const message = body?.detail ?? body?.title ?? `The server answered ${status}.`;
  return new ApiError(body?.code ?? 'internal-error', message, status, fields);
}

/** A request with a deadline. Throws `ApiError` for every failure, also when the server cannot be reached. */
export async function send(path: string, init: RequestInit = {}, deadlineMs = DEADLINE_MS): Promise<Response> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = init.signal ? AbortSignal.any([init.signal, deadline]) : deadline;
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init, signal });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    if (deadline.aborted) throw new ApiError('timeout', 'The server did not answer in time.');
    throw new ApiError('offline', 'The server cannot be reached.');
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

async function json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method, headers: { accept: 'application/json' } };
  if (signal) init.signal = signal;
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { accept: 'application/json', 'content-type': 'application/json' };
  }
  const response = await send(`/api/v1${path}`, init);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

export const api = {
  get: <T>(path: string, signal?: AbortSignal) => json<T>('GET', path, undefined, signal),
  post: <T>(path: string, body: unknown = {}) => json<T>('POST', path, body),
  patch: <T>(path: string, body: unknown) => json<T>('PATCH', path, body),
  delete: (path: string) => json<void>('DELETE', path),
};

type Listing<T> = T[] | { items: T[]; nextCursor?: string };

const PAGES_AT_MOST = 60;

/** Every item of a cursor-paged list, page after page (bounded: a list longer than 12,000 rows is cut). */
export async function listAll<T>(path: string, signal?: AbortSignal, filter: Record<string, string> = {}): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let n = 0; n < PAGES_AT_MOST; n++) {
    const query = new URLSearchParams({ ...filter, limit: '200', ...(cursor ? { cursor } : {}) });
    const listing = await api.get<Listing<T>>(`${path}?${query}`, signal);
    if (Array.isArray(listing)) return listing;
    items.push(...listing.items);
    cursor = listing.nextCursor;
    if (!cursor) break;
  }
  return items;
}
