/**
 * Several calls behind one UDP port, so that datagrams leave and arrive in larger batches. Each call has a **lane**, and a
 * lane's packets are told by where they come from: the place that the lane sends to. What comes from elsewhere belongs to the
 * lane whose source it names (SSRC: the far end moved), else to the one lane that never heard its far end (a NAT whose address
 * nobody could know), and to nobody when there are several: a stranger must not be heard in another call.
 */
import type { Clock } from '#kit/clock.ts';
import type { DatagramHandler, DatagramSocket, FrameQueue } from './socket.ts';

/** A far end that was silent for so long may have moved (as `SourceLatch` has it). */
const MOVED_MS = 2000;
/** The far end of a call that is over may send on for this long, until it has been quiet for {@link MOVED_MS}. */
const REST_MS = 10_000;

export class SharedPort {
  readonly #socket: DatagramSocket;
  readonly #clock: Clock;
  readonly #lanes = new Set<Lane>();
  /** Lanes by address and port that they send to. */
  readonly #byRemote = new Map<string, Map<number, Lane>>();
  /** Places that calls which are over were heard from: since when they rest, and when something last came. */
  readonly #resting = new Map<string, { since: number; heardAt: number }>();
  readonly #counts = { strays: 0 };

  constructor(socket: DatagramSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
    socket.onMessage((bytes, address, port, arrivedAt) => this.#receive(bytes, address, port, arrivedAt));
  }

  get lanes(): number {
    return this.#lanes.size;
  }

  /** Datagrams that were of no call. */
  get strays(): number {
    return this.#counts.strays;
  }

  /** False while a lane here has not heard its far end: another one could not be told from it. */
  get takesCalls(): boolean {
    for (const lane of this.#lanes) if (lane.heardAt === -Infinity) return false;
    return true;
  }

  /**
   * A call's socket on this port. Undefined when a lane here has not heard its far end yet, or one sends to `remote`, which
   * is the place that the call's signalling names: the two could not be told apart. With `quiet` lanes need not have heard
   * anything; what comes from nobody known is then lost.
   */
  open(remote: { address: string; port: number } | undefined, quiet?: false): DatagramSocket | undefined;
  open(remote: { address: string; port: number } | undefined, quiet: true): DatagramSocket;
  open(remote: { address: string; port: number } | undefined, quiet = false): DatagramSocket | undefined {
    if (quiet) return this.#lane();
    if (remote && this.#byRemote.get(remote.address)?.has(remote.port)) return undefined;
    if (!this.takesCalls) return undefined;
    const lane = this.#lane();
    if (remote) lane.aim(remote.address, remote.port);
    return lane;
  }

  #lane(): Lane {
    const lane: Lane = new Lane(this.#socket, {
      aim: (address, port) => this.#aim(lane, address, port),
      closed: () => {
        this.#lanes.delete(lane);
        this.#forget(lane);
        this.#rest(lane);
      },
    });
    this.#lanes.add(lane);
    return lane;
  }

  close(): void {
    for (const lane of this.#lanes) lane.close();
    this.#socket.close();
  }

  /** The place belongs to whoever sent to it first. */
  #aim(lane: Lane, address: string, port: number): void {
    this.#forget(lane);
    const ports = this.#byRemote.get(address);
    if (!ports) this.#byRemote.set(address, new Map([[port, lane]]));
    else if (!ports.has(port)) ports.set(port, lane);
  }

  #forget(lane: Lane): void {
    const ports = this.#byRemote.get(lane.remote.address);
    if (ports?.get(lane.remote.port) !== lane) return;
    ports.delete(lane.remote.port);
    for (const other of this.#lanes) {
      if (other === lane || other.remote.port !== lane.remote.port || other.remote.address !== lane.remote.address) continue;
      ports.set(other.remote.port, other);
      return;
    }
    if (ports.size === 0) this.#byRemote.delete(lane.remote.address);
  }

  /** The far end of a call that is over does not know it yet: it must not be taken for the next call's. */
  #rest({ heardAt, remote }: Lane): void {
    const now = this.#clock.now();
    for (const [place, one] of this.#resting) if (isRested(one, now)) this.#resting.delete(place);
    if (heardAt > now - MOVED_MS) this.#resting.set(`${remote.address} ${remote.port}`, { since: now, heardAt: now });
  }

  #isResting(address: string, port: number): boolean {
    if (this.#resting.size === 0) return false;
    const place = `${address} ${port}`;
    const one = this.#resting.get(place);
    if (!one) return false;
    const now = this.#clock.now();
    if (isRested(one, now)) this.#resting.delete(place);
    else one.heardAt = now;
    return this.#resting.has(place);
  }

  #receive(bytes: Uint8Array, address: string, port: number, arrivedAt: number | undefined): void {
    const known = this.#byRemote.get(address)?.get(port);
    const source = sourceOf(bytes);
    const lane = known ?? (this.#isResting(address, port) ? undefined : this.#laneOf(source));
    if (known) {
      known.heardAt = arrivedAt ?? this.#clock.now();
      known.source = source;
    }
    if (lane) lane.handler?.(bytes, address, port, arrivedAt);
    else this.#counts.strays++;
  }

  /** Of a packet from a place that nobody sends to. A lane that has heard its far end takes nobody else for it. */
  #laneOf(source: number): Lane | undefined {
    let found: Lane | undefined;
    let waiting = 0;
    for (const lane of this.#lanes) {
      if (lane.source === source && source !== NO_SOURCE) return lane;
      if (lane.heardAt !== -Infinity) continue;
      found = lane;
      waiting++;
    }
    return waiting === 1 ? found : undefined;
  }
}

const NO_SOURCE = -1;

/** The SSRC of an RTP packet (RFC 3550 §5.1) or of the sender of an RTCP packet (§6.4), told apart as RFC 5761 §4 has it. */
function sourceOf(bytes: Uint8Array): number {
  const isRtcp = bytes[1] >= 192 && bytes[1] <= 223;
  const at = isRtcp ? 4 : 8;
  if (bytes.length < at + 4 || bytes[0] >> 6 !== 2) return NO_SOURCE;
  return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
}

const isRested = ({ since, heardAt }: { since: number; heardAt: number }, now: number): boolean =>
  now - heardAt >= MOVED_MS || now - since >= REST_MS;

class Lane implements DatagramSocket {
  readonly address: string;
  readonly port: number;
  readonly openQueue: (() => FrameQueue | undefined) | undefined;
  /** Where it sends. */
  readonly remote = { address: '', port: 0 };
  handler: DatagramHandler | undefined;
  /** When something last came from where it sends. */
  heardAt = -Infinity;
  /** SSRC of what was heard. */
  source = NO_SOURCE;
  readonly #socket: DatagramSocket;
  readonly #port: { aim(address: string, port: number): void; closed(): void };
  readonly #queues = new Set<FrameQueue>();
  #open = true;

  constructor(socket: DatagramSocket, port: { aim(address: string, port: number): void; closed(): void }) {
    this.#socket = socket;
    this.#port = port;
    this.address = socket.address;
    this.port = socket.port;
    this.openQueue = socket.openQueue ? () => this.#openQueue() : undefined;
  }

  onMessage(handler: DatagramHandler): void {
    if (this.#open) this.handler = handler;
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    if (!this.#open) return;
    this.aim(address, port);
    this.#socket.send(bytes, offset, length, port, address);
  }

  aim(address: string, port: number): void {
    if (this.remote.port === port && this.remote.address === address) return;
    this.#port.aim(address, port);
    Object.assign(this.remote, { address, port });
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.handler = undefined;
    for (const queue of this.#queues) queue.close();
    this.#port.closed();
  }

  /** The socket's queue, but for where it is aimed: that is where this lane's packets come from. */
  #openQueue(): FrameQueue | undefined {
    const queue = this.#open ? this.#socket.openQueue?.() : undefined;
    if (!queue) return undefined;
    this.#queues.add(queue);
    return {
      get waiting() {
        return queue.waiting;
      },
      get left() {
        return queue.left;
      },
      get late() {
        return queue.late;
      },
      aim: (port, address) => {
        this.aim(address, port);
        queue.aim(port, address);
      },
      write: (bytes, dueAt) => queue.write(bytes, dueAt),
      takeBack: (atMost) => queue.takeBack(atMost),
      close: () => {
        this.#queues.delete(queue);
        queue.close();
      },
    };
  }
}
