/**
 * UDP in memory on the virtual clock. Packets of sound meet what `line` says: losses in bursts (Gilbert's two states), and
 * delays that differ, so that packets overtake each other. Without jitter they are carried by the pacer's own steps, which
 * costs no timer per packet.
 */
import type { Paced } from '#audio/pacer.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { RtpPorts } from '#rtp/dgram-socket.ts';
import type { DatagramHandler, DatagramSocket } from '#rtp/socket.ts';

/** One way, milliseconds. */
export const WIRE_MS = 20;
const FIRST_PORT = 20_000;
/** A packet of 20 ms of G.711: its bytes are used again. */
const SOUND_BYTES = 172;

export interface NetworkCondition {
  /** Percent of the packets of sound, both ways. */
  lossPct?: number;
  /** Mean length of a burst of losses, packets. */
  burstPackets: number;
  /** A packet takes up to so much longer than {@link WIRE_MS}. */
  jitterMs?: number;
}

interface Datagram {
  dueAt: number;
  to: number;
  bytes: Uint8Array;
  address: string;
  port: number;
}

export class SimulatedNetwork implements Paced {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #condition: NetworkCondition;
  /** By port: no two hosts of this network share one. */
  readonly #handlers = new Map<number, DatagramHandler>();
  /** On their way, oldest first; all take equally long. */
  readonly #queue: Datagram[] = [];
  readonly #spare: Uint8Array[] = [];
  #port = FIRST_PORT;

  constructor(clock: Clock, random: Random, condition: NetworkCondition) {
    this.#clock = clock;
    this.#random = random;
    this.#condition = condition;
  }

  /** A pair of ports of `host`, as a call needs them. */
  ports(host: string): RtpPorts {
    const port = this.#port;
    this.#port += 2;
    const rtp = this.#socket(host, port, new LossProcess(this.#random, this.#condition));
    const rtcp = this.#socket(host, port + 1, undefined);
    return {
      rtp,
      rtcp,
      release: () => {
        rtp.close();
        rtcp.close();
      },
    };
  }

  tick(): void {
    this.#deliver();
  }

  listen(): void {
    this.#deliver();
  }

  #socket(address: string, port: number, losses: LossProcess | undefined): DatagramSocket {
    let handler: DatagramHandler = () => {};
    this.#handlers.set(port, (bytes, from, fromPort) => handler(bytes, from, fromPort));
    return {
      address,
      port,
      onMessage: (next) => {
        handler = next;
      },
      send: (bytes, offset, length, toPort) => {
        if (losses?.loses()) return;
        this.#carry(this.#copied(bytes, offset, length), toPort, address, port);
      },
      close: () => void this.#handlers.delete(port),
    };
  }

  #copied(bytes: Uint8Array, offset: number, length: number): Uint8Array {
    if (length !== SOUND_BYTES) return bytes.slice(offset, offset + length);
    const copy = this.#spare.pop() ?? new Uint8Array(SOUND_BYTES);
    copy.set(offset === 0 && length === bytes.length ? bytes : bytes.subarray(offset, offset + length));
    return copy;
  }

  #carry(bytes: Uint8Array, to: number, address: string, port: number): void {
    const { jitterMs = 0 } = this.#condition;
    if (jitterMs > 0) {
      this.#clock.after(WIRE_MS + jitterMs * this.#random.next(), () => this.#arrive(bytes, to, address, port));
      return;
    }
    this.#queue.push({ dueAt: this.#clock.now() + WIRE_MS, to, bytes, address, port });
  }

  #deliver(): void {
    const queue = this.#queue;
    const now = this.#clock.now();
    while (queue.length > 0 && queue[0].dueAt <= now) {
      const { to, bytes, address, port } = queue.shift() as Datagram;
      this.#arrive(bytes, to, address, port);
    }
  }

  /** Bytes are only the receiver's during the call. */
  #arrive(bytes: Uint8Array, to: number, address: string, port: number): void {
    this.#handlers.get(to)?.(bytes, address, port);
    if (bytes.length === SOUND_BYTES) this.#spare.push(bytes);
  }
}

/** Gilbert's model: in the good state everything arrives, in the bad one nothing. */
export class LossProcess {
  readonly #random: Random;
  readonly #worsens: number;
  readonly #improves: number;
  readonly #always: boolean;
  #bad = false;

  constructor(random: Random, { lossPct = 0, burstPackets }: Pick<NetworkCondition, 'lossPct' | 'burstPackets'>) {
    this.#random = random;
    const share = lossPct / 100;
    this.#always = share >= 1;
    this.#improves = 1 / Math.max(1, burstPackets);
    // In the long run the bad state takes `share` of the time.
    this.#worsens = share <= 0 || this.#always ? 0 : Math.min(1, (share * this.#improves) / (1 - share));
  }

  /** Whether the next packet is lost. */
  loses(): boolean {
    if (this.#always) return true;
    if (this.#worsens === 0) return false;
    this.#bad = this.#random.next() < (this.#bad ? 1 - this.#improves : this.#worsens);
    return this.#bad;
  }
}
