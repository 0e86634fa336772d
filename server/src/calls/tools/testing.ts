/** For tests of tools: a web service on the loopback, and the context of a call. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { httpToolInput } from '@tandem/contract';
import { SystemClock } from '#kit/clock.ts';
import type { ToolContext } from '#models/tool.ts';
import { Egress } from './egress.ts';
import type { HttpToolDefinition } from './http-tool.ts';

export interface SeenRequest {
  method: string;
  url: string;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** Answers every request with `answer` and remembers it. */
export class WebService {
  readonly seen: SeenRequest[] = [];
  readonly egress: Egress;
  readonly port: number;
  #server: http.Server;

  private constructor(server: http.Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    this.egress = new Egress({ clock: new SystemClock(), allow: `127.0.0.1:${this.port}` });
  }

  static async open(answer: (request: SeenRequest, response: http.ServerResponse) => void): Promise<WebService> {
    const server = http.createServer((request, response) => {
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('end', () => {
        const seen = {
          method: request.method ?? '',
          url: request.url ?? '',
          headers: request.headers,
          body: Buffer.concat(pieces).toString(),
        };
        service.seen.push(seen);
        answer(seen, response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const service = new WebService(server);
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  close(): Promise<void> {
    this.egress.close();
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

export const definitionOf = (definition: Record<string, unknown>): HttpToolDefinition =>
  httpToolInput.parse({ kind: 'http', name: 'look_up_order', description: 'Looks up an order', ...definition });

export function toolContext(context: Partial<ToolContext> = {}): ToolContext {
  return {
    businessId: 'business_1',
    callId: 'call_1',
    turn: 1,
    idempotencyKey: 'call_1:1:tool:abc',
    signal: new AbortController().signal,
    ...context,
  };
}
