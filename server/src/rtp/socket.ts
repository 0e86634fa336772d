/** What RTP needs of UDP, so that node:dgram, the batching native part and tests are interchangeable. */

/**
 * `bytes` is only valid during the call. `arrivedAt`: when the datagram reached this machine, on the clock; absent where
 * that is now. Must not throw.
 */
export type DatagramHandler = (bytes: Uint8Array, address: string, port: number, arrivedAt?: number) => void;

export interface DatagramSocket {
  /** The local address and port it is bound to. */
  readonly address: string;
  readonly port: number;
  /** One handler; a later one replaces it. */
  onMessage(handler: DatagramHandler): void;
  /**
   * Sends `bytes[offset .. offset + length)`; what cannot be sent is lost, as on the network. The implementation may
   * read `bytes` until its current batch has left (at most one frame of 20 ms), so senders rotate their buffers.
   */
  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void;
  /** A queue that sends by itself; undefined where sockets cannot, or no more queues are to be had. */
  openQueue?(): FrameQueue | undefined;
  /** Idempotent; nothing arrives afterwards, and its queues are closed. */
  close(): void;
}

/** Frames that wait to leave, each at its own time, whatever JavaScript does meanwhile. */
export interface FrameQueue {
  /** Frames written that have not left. */
  readonly waiting: number;
  /** Frames that have left. */
  readonly left: number;
  /** Of those, frames that left more than 5 ms after they were due. */
  readonly late: number;
  /** Where frames go from now on, also those that wait. */
  aim(port: number, address: string): void;
  /**
   * Copies `bytes`, to leave at `dueAt` on the clock; at once when that is past. Due times must not fall. False when the
   * queue is full ({@link QUEUE_FRAMES}), closed, or the frame too long ({@link QUEUE_FRAME_BYTES}).
   */
  write(bytes: Uint8Array, dueAt: number): boolean;
  /** Takes back the newest frames that have not left, `atMost` of them; returns how many. */
  takeBack(atMost: number): number;
  close(): void;
}

/** Most frames that wait in a queue: half of its places, since as many may be on their way out of the other half. */
export const QUEUE_FRAMES = 4;
export const QUEUE_FRAME_BYTES = 240;

/** All sockets of one thread. */
export interface DatagramSockets {
  readonly kind: 'native' | 'dgram';
  /** Binds a UDP port of `host` (0: any). Rejects with the system's error (`code` EADDRINUSE, EADDRNOTAVAIL, EACCES, …). */
  bind(host: string, port: number): Promise<DatagramSocket>;
  /** What was sent since the last call leaves now; without it within 5 ms. */
  depart(): void;
  /** Hands over what has arrived, where that does not happen by itself. */
  arrive(): void;
  /** Monotonic counts, for the metrics. */
  counters(): Record<string, number>;
  /** Closes every socket. Idempotent. */
  close(): void;
}
