/**
 * ChromaDB's HTTP API, version 2: JSON, every request with a deadline, and a budget of attempts for what may work in a moment.
 * (docs.trychroma.com, `/openapi.json` of a server; tried with the server of chromadb 1.0.)
 */
import { Cancelled, isCancelled } from '#kit/abort.ts';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';

export interface ChromaSettings {
  url: string;
  apiKey?: string | undefined;
  tenant: string;
  database: string;
}

/** What a request may cost: a search is waited for by a caller, a change by nobody. */
export interface Patience {
  deadlineMs: number;
  attempts: number;
}

export const forSearch: Patience = { deadlineMs: 1_500, attempts: 2 };
export const forChange: Patience = { deadlineMs: 30_000, attempts: 4 };

const FIRST_PAUSE_MS = 100;
const LONGEST_MESSAGE = 300;

/** The collection, or the database, is not there. */
export class ChromaNotFound extends Error {}

/** A refusal that another attempt may turn into an answer. */
class Passing extends Error {}

export class ChromaHttp {
  readonly #kit: Kit;
  readonly #settings: ChromaSettings;
  readonly #base: string;
  readonly #closing = new AbortController();

  constructor(kit: Kit, settings: ChromaSettings) {
    this.#kit = kit;
    this.#settings = settings;
    const { url, tenant, database } = settings;
    this.#base = `${url.replace(/\/+$/, '')}/api/v2/tenants/${encodeURIComponent(tenant)}/databases/${encodeURIComponent(database)}`;
  }

  /**
   * `path` is behind the database. Throws {@link ChromaNotFound}, `TandemError` `unavailable`, or the signal's reason.
   */
  async ask<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body: object | undefined,
    patience: Patience,
    signal?: AbortSignal,
  ): Promise<T> {
    const { clock, random } = this.#kit;
    const late = new AbortController();
    const timer = clock.after(patience.deadlineMs, () => late.abort(new Cancelled('deadline')));
    const signals = AbortSignal.any([late.signal, this.#closing.signal, ...(signal ? [signal] : [])]);
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return (await this.#once(method, path, body, signals)) as T;
        } catch (error) {
          if (!(error instanceof Passing) || attempt >= patience.attempts) throw error;
          // A full jitter, so that those who failed together do not return together.
          await clock.sleep(random.next() * FIRST_PAUSE_MS * 2 ** attempt, signals);
        }
      }
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (error instanceof ChromaNotFound || error instanceof TandemError) throw error;
      const why = late.signal.aborted ? `no answer within ${patience.deadlineMs} ms` : isCancelled(error) ? 'closed' : messageOf(error);
      throw new TandemError('unavailable', `Chroma: ${why}`, {}, error);
    } finally {
      timer.cancel();
    }
  }

  close(): void {
    this.#closing.abort(new Cancelled('shutdown'));
  }

  async #once(method: string, path: string, body: object | undefined, signal: AbortSignal): Promise<unknown> {
    const { apiKey } = this.#settings;
    let response: Response;
    let text: string;
    try {
      response = await fetch(this.#base + path, {
        method,
        signal,
        redirect: 'error',
        headers: {
          accept: 'application/json',
          ...(body ? { 'content-type': 'application/json' } : {}),
          ...(apiKey === undefined ? {} : { 'x-chroma-token': apiKey }),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      text = await response.text();
    } catch (error) {
      if (signal.aborted) throw error;
      // `fetch failed` hides what failed in its cause.
      throw new Passing(messageOf((error as Error).cause ?? error));
    }
    if (response.ok) return parse(text);
    const said = saidIn(text);
    if (response.status === 404) throw new ChromaNotFound(said);
    const message = `HTTP ${response.status}: ${apiKey === undefined ? said : said.replaceAll(apiKey, '***')}`;
    if (response.status === 429 || response.status === 408 || response.status >= 500) throw new Passing(message);
    throw new TandemError('unavailable', `Chroma refuses: ${message}`, { status: response.status });
  }
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw new TandemError('unavailable', 'Chroma: the answer is no JSON (is CHROMA_URL right?)');
  }
}

/** `{"error": "NotFoundError", "message": "…"}` */
function saidIn(text: string): string {
  try {
    const { error, message } = JSON.parse(text) as { error?: unknown; message?: unknown };
    return `${String(error)}: ${String(message)}`.slice(0, LONGEST_MESSAGE);
  } catch {
    return text.slice(0, LONGEST_MESSAGE);
  }
}
