/** Server-sent events (WHATWG HTML section 9.2) as language models stream them, and whole answers as JSON. */
import type { ServerResponse } from 'node:http';
import { httpOutlet, type Outlet } from './outlet.ts';
import type { Failure, Refusal, RouteContext } from './route.ts';

const COMMENT_EVERY_MS = 1000;

/** One event; Gemini ends its lines with CRLF. */
export function sseEvent(data: unknown, name?: string, newline = '\n'): string {
  const head = name === undefined ? '' : `event: ${name}${newline}`;
  return `${head}data: ${typeof data === 'string' ? data : JSON.stringify(data)}${newline}${newline}`;
}

/** The head of a stream at once, and its outlet. */
export function openStream(
  response: ServerResponse,
  context: RouteContext,
  headers: Record<string, string>,
  failure?: () => Failure,
): Outlet {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache', ...headers });
  response.flushHeaders();
  return httpOutlet(response, context, failure);
}

/** Ends a stream that nothing has ended yet. */
export function endStream(response: ServerResponse, outlet: Outlet): void {
  if (outlet.isOpen && !response.writableEnded) response.end();
}

/** A comment line a second until the answer cancels it: keeps intermediaries from giving up. */
export function keepAlive(context: RouteContext, outlet: Outlet): () => void {
  let cancel = (): void => {};
  const beat = (): void => {
    outlet.note(': ping\n\n');
    cancel = context.after(COMMENT_EVERY_MS, beat);
  };
  cancel = context.after(COMMENT_EVERY_MS, beat);
  return () => cancel();
}

/** A whole answer, through the fault that it meets. */
export function sendWhole(response: ServerResponse, outlet: Outlet, body: unknown, headers: Record<string, string>): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json', ...headers });
  outlet.result(JSON.stringify(body));
  endStream(response, outlet);
}

export function sendRefusal(response: ServerResponse, refusal: Refusal): void {
  response.writeHead(refusal.status, { 'content-type': 'application/json', ...refusal.headers }).end(JSON.stringify(refusal.body));
}
