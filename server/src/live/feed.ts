/**
 * The live feed at `/live` (Socket.IO). Rooms are derived from the session on the server. Updates are gathered and sent
 * at most every 100 ms: a screen needs states, not every step.
 */
import type { IncomingHttpHeaders, Server as HttpServer } from 'node:http';
import type { Call, CallEvent, LiveToClient, LiveToServer } from '@tandem/contract';
import { Server, type Socket } from 'socket.io';
import { type ServerOptions, WebSocketServer } from 'ws';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { LiveBoard } from './board.ts';

const GATHER_MS = 100;
/** A screen watches one call, a supervisor's wall a few. */
const MOST_WATCHED = 20;
const MOST_SOCKETS = 2_000;
/** Messages that wait for a slow screen, some 10 s of them; beyond that it is cut off and starts anew when it returns. */
const MOST_UNSENT = 100;
const JOIN_WITHIN_MS = 10_000;
/** A deleted key or a session that is over keeps its socket at most this long. */
const RECHECK_MS = 60_000;
const MOST_ID_CHARACTERS = 64;
/** Socket.IO sends whole messages. */
const MOST_FRAGMENTS = 16;

/** Who a socket belongs to; resolved from the handshake's cookie or bearer key, undefined refuses it. */
export interface LiveSession {
  businessId: string;
}

/** What a socket was opened with. */
export interface Handshake {
  cookie: string | undefined;
  authorization: string | undefined;
  /** The business an admin asks for. */
  business: string | undefined;
}

export interface LiveFeedOptions {
  kit: Kit;
  http: HttpServer;
  authenticate(handshake: Handshake): Promise<LiveSession | undefined>;
  /** Whether a page of this origin may connect. */
  allowOrigin(headers: IncomingHttpHeaders): boolean;
}

type LiveServer = Server<LiveToServer, LiveToClient, Record<string, never>, LiveSession>;
type LiveSocket = Socket<LiveToServer, LiveToClient, Record<string, never>, LiveSession>;

const businessRoom = (businessId: string) => `business:${businessId}`;
const callRoom = (businessId: string, callId: string) => `call:${businessId}:${callId}`;
const isCallId = (value: unknown): value is string => typeof value === 'string' && value.length <= MOST_ID_CHARACTERS;

function handshakeOf({ handshake }: LiveSocket): Handshake {
  const { cookie, authorization } = handshake.headers;
  const { business } = handshake.auth as { business?: unknown };
  return { cookie, authorization, business: typeof business === 'string' ? business : undefined };
}

/**
 * Engine.IO's WebSockets, for peers that have shown no key yet. Pings of the protocol are not answered, since Engine.IO has
 * its own: whoever pings and never reads would fill our memory with pongs.
 */
function sparingWebSockets(options: ServerOptions): WebSocketServer {
  const limits = { autoPong: false, maxFragments: MOST_FRAGMENTS, maxBufferedChunks: 64 * MOST_FRAGMENTS };
  return new WebSocketServer({ ...options, ...limits });
}

export class LiveFeed {
  readonly #options: LiveFeedOptions;
  readonly #board = new LiveBoard();
  readonly #io: LiveServer;
  /** Gathered since the last flush: calls that something happened to, with their businesses; events by room. */
  readonly #changed = new Map<string, string>();
  readonly #events = new Map<string, CallEvent[]>();
  #flushing: Timer | undefined;
  #rechecking: Timer | undefined;
  #cut = 0;

  constructor(options: LiveFeedOptions) {
    this.#options = options;
    this.#io = new Server(options.http, {
      path: '/live',
      serveClient: false,
      perMessageDeflate: false,
      wsEngine: sparingWebSockets,
      maxHttpBufferSize: 64 * 1024,
      connectTimeout: JOIN_WITHIN_MS,
      // Upgrades below other paths belong to the gateways.
      destroyUpgrade: false,
      allowRequest: ({ headers }, done) => done(null, this.sockets < MOST_SOCKETS && options.allowOrigin(headers)),
    });
    this.#io.use((socket, next) => {
      options.authenticate(handshakeOf(socket)).then(
        (session) => {
          if (!session) return next(new Error('unauthenticated'));
          socket.data = session;
          return next();
        },
        () => next(new Error('unavailable')),
      );
    });
    this.#io.on('connection', (socket) => this.#serve(socket));
    this.#recheckLater();
  }

  get sockets(): number {
    return this.#io.engine.clientsCount;
  }

  /** Screens that were cut off because they did not keep up. */
  get cut(): number {
    return this.#cut;
  }

  /** Takes durable events in order. Never throws, never waits. What nobody looks at is neither worked out nor sent. */
  take(events: readonly CallEvent[]): void {
    const { rooms } = this.#io.sockets.adapter;
    for (const event of events) {
      if (!this.#board.take(event) || !rooms.has(businessRoom(event.businessId))) continue;
      this.#changed.set(event.callId, event.businessId);
      const room = callRoom(event.businessId, event.callId);
      if (!rooms.has(room)) continue;
      const gathered = this.#events.get(room);
      if (gathered) gathered.push(event);
      else this.#events.set(room, [event]);
    }
    if (this.#changed.size > 0) this.#flushing ??= this.#options.kit.clock.after(GATHER_MS, () => this.#flush());
  }

  /** Cuts every socket off; the HTTP server is its owner's to close. */
  async close(): Promise<void> {
    this.#flushing?.cancel();
    this.#rechecking?.cancel();
    this.#rechecking = undefined;
    this.#io.disconnectSockets(true);
    this.#io.engine.close();
  }

  #serve(socket: LiveSocket): void {
    const { businessId } = socket.data;
    void socket.join(businessRoom(businessId));
    const watched = new Set<string>();
    socket.on('list', (answer) => {
      if (typeof answer === 'function') answer(this.#board.list(businessId));
    });
    socket.on('watch', (callId, answer) => {
      if (!isCallId(callId) || typeof answer !== 'function') return;
      if (watched.size >= MOST_WATCHED && !watched.has(callId)) return answer([]);
      watched.add(callId);
      void socket.join(callRoom(businessId, callId));
      answer(this.#board.events(businessId, callId));
    });
    socket.on('unwatch', (callId) => {
      if (!isCallId(callId) || !watched.delete(callId)) return;
      void socket.leave(callRoom(businessId, callId));
    });
  }

  #flush(): void {
    this.#flushing = undefined;
    this.#cutSlow();
    const byBusiness = new Map<string, { changed: Call[]; ended: string[] }>();
    for (const [callId, businessId] of this.#changed) {
      const call = this.#board.changed(callId);
      if (call === 'same') continue;
      const update = byBusiness.get(businessId) ?? { changed: [], ended: [] };
      byBusiness.set(businessId, update);
      if (call === 'ended') update.ended.push(callId);
      else update.changed.push(call);
    }
    for (const [businessId, update] of byBusiness) this.#io.to(businessRoom(businessId)).emit('calls', update);
    for (const [room, events] of this.#events) this.#io.to(room).emit('events', { callId: events[0].callId, events });
    this.#changed.clear();
    this.#events.clear();
  }

  #cutSlow(): void {
    for (const socket of this.#io.sockets.sockets.values()) {
      // Engine.IO types its buffer as private; it is the only place where unsent messages can be counted.
      const { writeBuffer } = socket.conn as unknown as { writeBuffer: unknown[] };
      if (writeBuffer.length <= MOST_UNSENT) continue;
      this.#cut++;
      this.#options.kit.log.warn({ businessId: socket.data.businessId, unsent: writeBuffer.length }, 'a live screen does not keep up');
      // Dropped first: closing waits until the buffer is empty.
      writeBuffer.length = 0;
      socket.conn.close(true);
    }
  }

  #recheckLater(): void {
    this.#rechecking = this.#options.kit.clock.after(RECHECK_MS, () => {
      void this.#recheck().finally(() => this.#rechecking && this.#recheckLater());
    });
  }

  /** A database that is away is no reason to cut anybody off. */
  async #recheck(): Promise<void> {
    for (const socket of this.#io.sockets.sockets.values()) {
      const session = await this.#options.authenticate(handshakeOf(socket)).catch(() => socket.data);
      if (session?.businessId !== socket.data.businessId) socket.disconnect(true);
    }
  }
}
