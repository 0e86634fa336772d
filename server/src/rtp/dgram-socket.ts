/** {@link DatagramSocket} over node:dgram. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { DatagramHandler, DatagramSocket } from './socket.ts';

export type { RtpPorts } from './port-pair.ts';

/** Without it a shared or busy socket loses packets in a pause of garbage collection. */
export const RECEIVE_BUFFER_BYTES = 1 << 18;

type Lookup = (hostname: string, options: unknown, callback: (error: null, address: string, family: number) => void) => void;

/** Addresses are always numeric here: skipping the resolver saves about 1 µs per packet and keeps order. */
const numericIPv4: Lookup = (address, _options, callback) => callback(null, address, 4);
const numericIPv6: Lookup = (address, _options, callback) => callback(null, address, 6);

/** Datagrams, over all sockets that share them. */
export interface DgramCounts {
  received: number;
  sent: number;
  unsent: number;
}

class NodeDatagramSocket implements DatagramSocket {
  readonly address: string;
  readonly port: number;
  readonly #socket: Socket;
  readonly #counts: DgramCounts;
  readonly #closed: () => void;
  #handler: DatagramHandler | undefined;
  #open = true;

  constructor(socket: Socket, counts: DgramCounts, closed: () => void) {
    this.#socket = socket;
    this.#counts = counts;
    this.#closed = closed;
    const bound = socket.address();
    this.address = bound.address;
    this.port = bound.port;
    socket.on('message', (bytes, remote) => {
      counts.received++;
      this.#handler?.(bytes, remote.address, remote.port);
    });
    // An unreachable peer (ICMP) is the media timeout's business, not this socket's.
    socket.on('error', () => {});
  }

  onMessage(handler: DatagramHandler): void {
    this.#handler = handler;
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    // Without an address dgram would send to this machine.
    if (!this.#open || address === '') return;
    try {
      // dgram makes a view of a part of the bytes; the whole it takes as it is.
      if (offset === 0 && length === bytes.length) this.#socket.send(bytes, port, address);
      else this.#socket.send(bytes, offset, length, port, address);
      this.#counts.sent++;
    } catch {
      // An address of the wrong family or port 0: lost, as on the network.
      this.#counts.unsent++;
    }
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#handler = undefined;
    this.#socket.close();
    this.#closed();
  }
}

/** Binds a UDP port of `host` (0: any). Rejects with the system's error (`code` EADDRINUSE, EADDRNOTAVAIL, EACCES, …). */
export async function bindDatagramSocket(
  host: string,
  port: number,
  counts: DgramCounts = { received: 0, sent: 0, unsent: 0 },
  closed: () => void = () => {},
): Promise<DatagramSocket> {
  return new NodeDatagramSocket(await boundSocket(host, port), counts, closed);
}

function boundSocket(host: string, port: number): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const kind = isIPv6(host) ? ({ type: 'udp6', lookup: numericIPv6 } as const) : ({ type: 'udp4', lookup: numericIPv4 } as const);
  const socket = createSocket({ ...kind, recvBufferSize: RECEIVE_BUFFER_BYTES });
  const onError = (error: Error) => {
    socket.close();
    reject(error);
  };
  socket.once('error', onError);
  socket.bind({ address: host, port, exclusive: true }, () => {
    socket.off('error', onError);
    resolve(socket);
  });
  return promise;
}
