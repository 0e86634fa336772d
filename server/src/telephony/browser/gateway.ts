/**
 * Calls from a browser page: `POST /gateways/browser/session` gives a one-time token and says where to connect, the
 * WebSocket carries the call (contract/src/talk.ts).
 */
import { type ErrorCode, errorCatalogue, type TalkSession, talkSessionInput } from '@tandem/contract';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { TandemError } from '#kit/errors.ts';
import type { Gateway, GatewayContext, GatewayRequest, GatewayResponse } from '../gateway.ts';
import type { Leg } from '../leg.ts';
import { acceptWebSocket, refuseUpgrade } from '../web-socket.ts';
import { BrowserConnection } from './connection.ts';
import { Sessions } from './sessions.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);

export class BrowserGateway implements Gateway {
  readonly name = 'browser';
  readonly #context: GatewayContext;
  readonly #sessions: Sessions;
  readonly #connections = new Set<BrowserConnection>();
  readonly #counts = { sessions: 0, origins_refused: 0, connections: 0, tokens_refused: 0, frames_dropped: 0 };

  constructor(context: GatewayContext) {
    this.#context = context;
    this.#sessions = new Sessions(context.kit);
  }

  start(): Promise<void> {
    return Promise.resolve();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.stop()));
  }

  /** Rejects: a page cannot be called. */
  dial(): Promise<Leg> {
    return Promise.reject(new TandemError('outbound-not-configured', 'a browser cannot be called'));
  }

  counters(): Record<string, number> {
    return { ...this.#counts, connections_open: this.#connections.size };
  }

  request(request: GatewayRequest): Promise<GatewayResponse> {
    return Promise.resolve(this.#session(request));
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): void {
    if (path !== '/') {
      refuseUpgrade(socket, 404);
      return;
    }
    if (!this.#isOurPage(request.headers.origin)) {
      this.#counts.origins_refused++;
      refuseUpgrade(socket, 403);
      return;
    }
    acceptWebSocket(request, socket, head, this.#context.kit.clock, (webSocket) => {
      this.#counts.connections++;
      const { kit, pacer, onCall } = this.#context;
      const connection = new BrowserConnection({
        kit,
        pacer,
        webSocket,
        onCall,
        redeem: (token) => {
          const slug = this.#sessions.redeem(token);
          if (slug === undefined) this.#counts.tokens_refused++;
          return slug;
        },
        closed: (closed) => {
          this.#counts.frames_dropped += closed.framesDropped;
          this.#connections.delete(closed);
        },
      });
      this.#connections.add(connection);
    });
  }

  #session({ method, path, headers, body, remoteAddress }: GatewayRequest): GatewayResponse {
    if (path.split('?', 1)[0] !== '/session') return problem('not-found');
    if (method !== 'POST') return { ...problem('bad-request'), status: 405 };
    if (!this.#isOurPage(headers['origin'])) {
      this.#counts.origins_refused++;
      return problem('forbidden');
    }
    const input = talkSessionInput.safeParse(parseJson(body));
    if (!input.success) return problem('invalid-input');
    const slug = input.data.assistant;
    const assistantName = this.#context.whoAnswers(`assistant:${slug}`, undefined);
    if (assistantName === undefined) return problem('not-found');
    if (this.#context.wouldRefuse?.(`assistant:${slug}`, undefined)) return problem('capacity-reached');
    const token = this.#sessions.open(slug, remoteAddress);
    if (token === undefined) return problem('rate-limited');
    this.#counts.sessions++;
    const session: TalkSession = { token, url: `${this.#context.mediaUrl.replace(/\/$/, '')}/gateways/browser`, assistantName };
    const fresh = { 'content-type': 'application/json', 'cache-control': 'no-store' };
    return { status: 201, headers: fresh, body: JSON.stringify(session) };
  }

  /** Another site's page must not use a visitor's browser to call. A program without a page sends no Origin. */
  #isOurPage(origin: string | undefined): boolean {
    if (origin === undefined) return true;
    if (!URL.canParse(origin)) return false;
    const { hostname } = new URL(origin);
    return LOOPBACK.has(hostname) || hostname === new URL(this.#context.publicUrl).hostname;
  }
}

function problem(code: ErrorCode): GatewayResponse {
  const { status, title } = errorCatalogue[code];
  return {
    status,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ type: 'about:blank', title, status, code }),
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
