/** {@link DatagramSocket} over node:dgram, and the pair of ports that a call needs. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { messageOf, TandemError } from '#kit/errors.ts';
import type { PortPool } from './ports.ts';
import type { DatagramHandler, DatagramSocket } from './socket.ts';

/** Without it a shared or busy socket loses packets in a pause of garbage collection. */
const RECEIVE_BUFFER_BYTES = 1 << 18;
/** Ports of the pool tried before giving up: another program may hold some of the range. */
const MAX_TRIES = 16;

type Lookup = (hostname: string, options: unknown, callback: (error: null, address: string, family: number) => void) => void;

/** Addresses are always numeric here: skipping the resolver saves about 1 µs per packet and keeps order. */
const numericIPv4: Lookup = (address, _options, callback) => callback(null, address, 4);
const numericIPv6: Lookup = (address, _options, callback) => callback(null, address, 6);

class NodeDatagramSocket implements DatagramSocket {
  readonly address: string;
  readonly port: number;
  readonly #socket: Socket;
  #handler: DatagramHandler | undefined;
  #open = true;

  constructor(socket: Socket) {
    this.#socket = socket;
    const bound = socket.address();
    this.address = bound.address;
    this.port = bound.port;
    socket.on('message', (bytes, remote) => this.#handler?.(bytes, remote.address, remote.port));
    // An unreachable peer (ICMP) is the media timeout's business, not this socket's.
    socket.on('error', () => {});
  }

  onMessage(handler: DatagramHandler): void {
    this.#handler = handler;
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    if (!this.#open) return;
    try {
      // dgram makes a view of a part of the bytes; the whole it takes as it is.
      if (offset === 0 && length === bytes.length) this.#socket.send(bytes, port, address);
      else this.#socket.send(bytes, offset, length, port, address);
    } catch {
      // An address of the wrong family or port 0: lost, as on the network.
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#handler = undefined;
    this.#socket.close();
  }
}

/** Binds a UDP port of `host` (0: any). Rejects with the system's error (`code` EADDRINUSE, EADDRNOTAVAIL, EACCES, …). */
export function bindDatagramSocket(host: string, port: number): Promise<DatagramSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<DatagramSocket>();
  const kind = isIPv6(host) ? ({ type: 'udp6', lookup: numericIPv6 } as const) : ({ type: 'udp4', lookup: numericIPv4 } as const);
  const socket = createSocket({ ...kind, recvBufferSize: RECEIVE_BUFFER_BYTES });
  const onError = (error: Error) => {
    socket.close();
    reject(error);
  };
  socket.once('error', onError);
  socket.bind({ address: host, port, exclusive: true }, () => {
    socket.off('error', onError);
    resolve(new NodeDatagramSocket(socket));
  });
  return promise;
}

/** The two ports of a call. */
export interface RtpPorts {
  rtp: DatagramSocket;
  /** On the port after RTP's. */
  rtcp: DatagramSocket;
  /** Closes both and gives the port back to its pool. Idempotent. */
  release(): void;
}

/**
 * Binds a pair of ports of the pool. Rejects with `capacity-reached` when no port is free, with `setting-invalid` when
 * `host` is not an address of this machine or may not be used.
 */
export async function openRtpPorts(pool: PortPool, host: string): Promise<RtpPorts> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const port = pool.take();
    if (port === undefined) break;
    let rtp: DatagramSocket | undefined;
    try {
      rtp = await bindDatagramSocket(host, port);
      const rtcp = await bindDatagramSocket(host, port + 1);
      return pairOf(pool, port, rtp, rtcp);
    } catch (error) {
      rtp?.close();
      pool.release(port);
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue;
      throw new TandemError('setting-invalid', `cannot listen for sound on ${host}: ${messageOf(error)}`, { host }, error);
    }
  }
  throw new TandemError('capacity-reached', 'no RTP port is free', { taken: pool.taken });
}

function pairOf(pool: PortPool, port: number, rtp: DatagramSocket, rtcp: DatagramSocket): RtpPorts {
  let open = true;
  return {
    rtp,
    rtcp,
    release: () => {
      if (!open) return;
      open = false;
      rtp.close();
      rtcp.close();
      pool.release(port);
    },
  };
}
