/**
 * The carrier's side of what is compared with Tandem: an HTTP server that answers the voice webhook with a stream's address,
 * and the WebSocket behind it, as the carrier's own examples have them. Signatures are not checked, as most examples do not.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';

/** Messages of a media stream that are looked at; the rest is ignored. */
export interface CarrierMessage {
  event: 'connected' | 'start' | 'media' | 'mark' | 'dtmf' | 'stop';
  start?: { streamSid: string };
  media?: { payload: string; timestamp: string };
  mark?: { name: string };
}

export interface FrontOptions {
  /** Serves one call; undefined where calls are served elsewhere. */
  call?: (carrier: WebSocket) => void;
  /** Address of the stream for the next call; this process unless given. */
  streamUrl?: () => Promise<string>;
}

const HOST = '127.0.0.1';

const twiml = (url: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="${url}"/></Connect></Response>`;

/** Listens on a free port and prints `{"url": …}` for whoever started the process. */
export function openFront({ call, streamUrl }: FrontOptions): void {
  const server = createServer((request, response) => {
    request.resume();
    const { port } = server.address() as AddressInfo;
    void Promise.resolve(streamUrl?.() ?? `ws://${HOST}:${port}/media`).then((url) => {
      response.writeHead(200, { 'content-type': 'text/xml' });
      response.end(twiml(url));
    });
  });
  if (call) new WebSocketServer({ server, perMessageDeflate: false }).on('connection', call);
  server.listen(0, HOST, () => {
    process.stdout.write(`${JSON.stringify({ url: `http://${HOST}:${(server.address() as AddressInfo).port}` })}\n`);
  });
  process.once('SIGTERM', () => process.exit(0));
}

/** A setting of the environment. Throws when it is not there. */
export function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

/** `http:` to `ws:`, `https:` to `wss:`. */
export const socketUrlOf = (url: string): string => url.replace(/^http/, 'ws');
