/** The other end for the contracts of HTTP vendors: a server on loopback that answers with the bytes a test gives it, and counts. */
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ReceivedRequest {
  method: string;
  path: string;
  headers: http.IncomingHttpHeaders;
  /** Parsed JSON; empty when there was none. */
  body: Record<string, unknown>;
}

export type LoopbackAnswer = (response: http.ServerResponse, request: ReceivedRequest) => void;

/** `content-type: text/event-stream` and 200. */
export const streaming = (response: http.ServerResponse): http.ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });

export const refusing =
  (status: number, body: string, headers: http.OutgoingHttpHeaders = {}): LoopbackAnswer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(body);
  };

export class LoopbackServer {
  answer: LoopbackAnswer = (response) => response.end();
  /** Requests that ask for an answer, in order; others (a connection being warmed) are in `knocks`. */
  readonly requests: ReceivedRequest[] = [];
  readonly knocks: ReceivedRequest[] = [];
  /** Requests whose sockets the client closed before the answer was complete. */
  aborted = 0;
  connections = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server = http.createServer((request, response) => {
    const { method = '', url: path = '', headers } = request;
    let text = '';
    request.on('data', (bytes: Buffer) => (text += bytes.toString()));
    request.on('end', () => {
      const received = { method, path, headers, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
      if (method !== 'POST') {
        this.knocks.push(received);
        response.writeHead(404).end();
        return;
      }
      this.requests.push(received);
      response.on('close', () => {
        if (!response.writableFinished) this.aborted++;
      });
      this.answer(response, received);
    });
  });

  async start(): Promise<this> {
    this.#server.on('connection', (socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Waits in real time for what sockets bring about; deadlines themselves run on a virtual clock. */
export async function until(condition: () => boolean, withinMs = 4_000): Promise<void> {
  for (const giveUp = performance.now() + withinMs; !condition(); ) {
    if (performance.now() > giveUp) throw new Error('it did not come about');
    await new Promise((resolve) => setImmediate(resolve));
  }
}
