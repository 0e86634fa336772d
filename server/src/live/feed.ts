/**
 * The live feed at `/live` (Socket.IO). Rooms are derived from the session on the server. Updates are gathered and sent
 * at most every 100 ms: a screen needs states, not every step.
 */
import type { Server as HttpServer } from 'node:http';
import type { Call, CallEvent, LiveToClient, LiveToServer } from '@tandem/contract';
import { Server, type Socket } from 'socket.io';
import type { Timer } from '#kit/clock.ts';
import type { Kit } from '#kit/kit.ts';
import { LiveBoard } from './board.ts';

const GATHER_MS = 100;
/** A screen watches one call, a supervisor's wall a few. */
const MOST_WATCHED = 20;

/** Who a socket belongs to; resolved from the handshake's cookie or bearer key, undefined refuses it. */
export interface LiveSession {
  businessId: string;
}

export interface LiveFeedOptions {
  kit: Kit;
  http: HttpServer;
  /** Cookie and authorization headers, the asked business, and the Origin with the Host it must match. */
  authenticate(handshake: { cookie: string | undefined; authorization: string | undefined; business: string | undefined }): Promise<LiveSession | undefined>;
}

type LiveSocket = Socket<LiveToServer, LiveToClient, Record<string, never>, LiveSession>;

const businessRoom = (businessId: string) => `business:${businessId}`;
const callRoom = (businessId: string, callId: string) => `call:${businessId}:${callId}`;

export class LiveFeed {
  #kit: Kit;
  #board = new LiveBoard();
  #io: Server<LiveToServer, LiveToClient, Record<string, never>, LiveSession>;
  #changed = new Map<string, Call>();
  #events = new Map<string, CallEvent[]>();
  #timer: Timer | undefined;

  constructor({ kit, http, authenticate }: LiveFeedOptions) {
    this.#kit = kit;
    this.#io = new Server(http, {
      path: '/live',
      serveClient: false,
      perMessageDeflate: false,
      maxHttpBufferSize: 64 * 1024,
      // Upgrades below other paths belong to the gateways.
      destroyUpgrade: false,
      allowRequest: (request, done) => {
        const { origin, host } = request.headers;
        done(null, !origin || URL.parse(origin)?.host === host);
      },
    });
    this.#io.use((socket, next) => {
      const { cookie, authorization } = socket.handshake.headers;
      const named = (socket.handshake.auth as { business?: unknown }).business;
      authenticate({ cookie, authorization, business: typeof named === 'string' ? named : undefined }).then(
        (session) => {
          if (!session) return next(new Error('unauthenticated'));
          socket.data = session;
          return next();
        },
        () => next(new Error('unavailable')),
      );
    });
    this.#io.on('connection', (socket) => this.#serve(socket));
  }

  get sockets(): number {
    return this.#io.engine.clientsCount;
  }

  /** Takes durable events in order. */
  take(events: readonly CallEvent[]): void {
    for (const event of events) {
      const call = this.#board.take(event);
      if (!call) continue;
      this.#changed.set(call.id, call);
      const room = callRoom(event.businessId, event.callId);
      const gathered = this.#events.get(room);
      if (gathered) gathered.push(event);
      else this.#events.set(room, [event]);
    }
    if (this.#changed.size > 0) this.#timer ??= this.#kit.clock.after(GATHER_MS, () => this.#flush());
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#io.close();
  }

  #serve(socket: LiveSocket): void {
    const { businessId } = socket.data;
    void socket.join(businessRoom(businessId));
    const watched = new Set<string>();
    socket.on('list', (answer) => {
      if (typeof answer === 'function') answer(this.#board.list(businessId));
    });
    socket.on('watch', (callId, answer) => {
      if (typeof callId !== 'string' || typeof answer !== 'function' || watched.size >= MOST_WATCHED) return;
      watched.add(callId);
      void socket.join(callRoom(businessId, callId));
      answer(this.#board.events(businessId, callId));
    });
    socket.on('unwatch', (callId) => {
      if (typeof callId !== 'string' || !watched.delete(callId)) return;
      void socket.leave(callRoom(businessId, callId));
    });
  }

  #flush(): void {
    this.#timer = undefined;
    const byBusiness = new Map<string, { changed: Call[]; ended: string[] }>();
    for (const call of this.#changed.values()) {
      const update = byBusiness.get(call.businessId) ?? { changed: [], ended: [] };
      byBusiness.set(call.businessId, update);
      if (call.ending) update.ended.push(call.id);
      else update.changed.push(call);
    }
    for (const [businessId, update] of byBusiness) this.#io.to(businessRoom(businessId)).emit('calls', update);
    for (const [room, events] of this.#events) this.#io.to(room).emit('events', { callId: events[0].callId, events });
    this.#changed.clear();
    this.#events.clear();
  }
}
