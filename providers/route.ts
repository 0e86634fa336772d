/**
 * How a provider's protocol is written here: a list of routes, each one path with its stage, its way to refuse, and a handler.
 * A new protocol is a file that exports `Route`s and a line in routes.ts; server.ts does keys, limits, faults at connect, and logging.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import type { Fault, ProviderEvent, ProviderName, Scenario, Stage } from './scenario.ts';

/** A refusal in the provider's own words. */
export interface Refusal {
  status: number;
  /** Sent as JSON. */
  body: unknown;
  headers?: Record<string, string>;
  /** Providers that refuse inside an accepted WebSocket: an optional message, then this close. HTTP routes ignore it. */
  socket?: { message?: unknown; code: number; reason: string };
}

/** The provider's own error message inside a stream, and the close that follows it on a WebSocket (none: the socket stays). */
export interface Failure {
  message: string;
  code?: number;
  reason?: string;
}

export interface Route {
  /** Matched against the path behind the provider's prefix, e.g. `/v1/listen`; named groups become `context.params`. */
  readonly path: RegExp;
  readonly stage: Fault['stage'];
  /** Whether the request carries this key in the header (or query) that the provider documents. */
  admits(request: IncomingMessage, url: URL, key: string): boolean;
  /** `status` is 400, 401, 404, 429, 500 …; `why` is a sentence. `Retry-After` is added by the server. */
  refuse(status: number, why: string): Refusal;
  /** What `error-message` faults send (for SSE with its `data:` frame). */
  failure(): Failure;
  /** Answers a POST whose body has been read (`context.body`). A rejection ends the response. */
  http?(request: IncomingMessage, response: ServerResponse, context: RouteContext): void | Promise<void>;
  /** Checks the query before the upgrade is accepted: a sentence refuses it with 400. */
  check?(context: RouteContext): string | undefined;
  /** Called once, synchronously, when the WebSocket is open: attach its listeners here. */
  socket?(webSocket: WebSocket, request: IncomingMessage, context: RouteContext): void;
}

/** `atMs` only when the event happened earlier than it is known. */
export type LogDetails = Partial<Pick<ProviderEvent, 'detail' | 'declaredMs' | 'mark' | 'body' | 'atMs'>>;

/** One HTTP request or one WebSocket, and what its handler may use. */
export interface RouteContext {
  readonly provider: ProviderName;
  /** Counts connections and requests. */
  readonly connection: number;
  readonly route: Route;
  /** As asked, the provider's prefix removed. */
  readonly url: URL;
  /** Named groups of the path, as they stand in it. */
  readonly params: Readonly<Record<string, string>>;
  /** As told by now; read it anew each time. */
  readonly scenario: Scenario;
  /** The JSON body of an HTTP request; undefined when it is no JSON. */
  readonly body: unknown;
  /** The body as it came. */
  readonly bodyText: string;
  /** Aborts when the request or the socket has gone; the timers of `after` end with it. */
  readonly signal: AbortSignal;
  /** The fault that this stream or request meets from its start or middle on; call it once for each (see outlet.ts). */
  takeFault(): Fault | undefined;
  /** The next delay of this provider's stage, in ms; `orMs` when the scenario names none (0 unless said otherwise). */
  draw(stage: Stage, orMs?: number): number;
  /** 0 ≤ x < 1, from the seed. */
  random(): number;
  /** `stage` is the route's. */
  log(event: ProviderEvent['event'], more?: LogDetails): void;
  /** Runs once in `ms` (at once when 0 or less, still asynchronously); the answer cancels it. Nothing runs after the connection has gone. */
  after(ms: number, run: () => void): () => void;
  /** False when the connection has gone meanwhile: stop then. */
  pause(ms: number): Promise<boolean>;
  /** The next watermark number, 0…15, of this provider. */
  nextMark(): number;
}
