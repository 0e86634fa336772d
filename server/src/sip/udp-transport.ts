/** SIP over UDP (RFC 3261 §18, RFC 3581): one datagram, one message. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { TandemError } from '#kit/errors.ts';
import type { Log } from '#kit/log.ts';
import type { SipPeer } from './message.ts';
import { parseDatagram } from './parse.ts';
import type { ListenOptions, SendFailure, SipReceiver, SipTransport } from './transport.ts';

/** Room for a burst: 500 calls that ring at once, 1 KB each, arrive while the thread is busy for one tick. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

export class UdpTransport implements SipTransport {
  readonly name = 'UDP';
  readonly reliable = false;
  readonly #options: ListenOptions;
  readonly #log: Log;
  readonly #counts = { udpReceived: 0, udpSent: 0, udpRefused: 0, udpFaults: 0, udpKeepAlives: 0, udpSendErrors: 0 };
  #socket: Socket | undefined;
  #port = 0;

  constructor(options: ListenOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  get address(): string {
    return this.#options.host;
  }

  get port(): number {
    return this.#port;
  }

  async start(receiver: SipReceiver): Promise<void> {
    const { host, port } = this.#options;
    const socket = createSocket({ type: isIPv6(host) ? 'udp6' : 'udp4' });
    socket.on('message', (bytes, source) => this.#receive(receiver, bytes, source.address, source.port));
    await new Promise<void>((resolve, reject) => {
      socket.once('error', (error: NodeJS.ErrnoException) => {
        socket.close();
        reject(portError(error, 'UDP', this.#options));
      });
      socket.bind(port, host, () => {
        socket.removeAllListeners('error');
        resolve();
      });
    });
    socket.on('error', (error) => {
      this.#counts.udpSendErrors++;
      this.#log.warn({ error }, 'sip udp socket error');
    });
    try {
      socket.setRecvBufferSize(SOCKET_BUFFER_BYTES);
      socket.setSendBufferSize(SOCKET_BUFFER_BYTES);
    } catch {
      // A smaller buffer than wished for only makes bursts more likely to lose a datagram, which SIP repeats.
    }
    this.#socket = socket;
    this.#port = socket.address().port;
  }

  #receive(receiver: SipReceiver, bytes: Uint8Array, address: string, port: number): void {
    if (!receiver.admits(address, 'UDP')) {
      this.#counts.udpRefused++;
      return;
    }
    const message = parseDatagram(bytes);
    if (message === 'keep-alive') {
      this.#counts.udpKeepAlives++;
      return;
    }
    const from: SipPeer = { transport: 'UDP', address, port, connection: undefined };
    if (message.kind === 'fault') {
      this.#counts.udpFaults++;
      receiver.fault(message, from);
      return;
    }
    this.#counts.udpReceived++;
    receiver.message(message, from);
  }

  send(bytes: Uint8Array, peer: SipPeer, onFailure?: SendFailure): void {
    const failed = (error: Error) => {
      this.#counts.udpSendErrors++;
      onFailure?.(error);
    };
    const socket = this.#socket;
    if (!socket) {
      queueMicrotask(() => failed(new Error('the UDP socket is closed')));
      return;
    }
    this.#counts.udpSent++;
    try {
      socket.send(bytes, peer.port, peer.address, (error) => {
        if (error) failed(error);
      });
    } catch (error) {
      queueMicrotask(() => failed(error as Error)); // an impossible port or address family
    }
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    await new Promise<void>((resolve) => {
      socket.close(() => resolve());
    });
  }

  counters(): Record<string, number> {
    return { ...this.#counts };
  }
}

/** The error of a failed bind: `port-taken`, or `setting-invalid` for an address or port that cannot be had at all. */
export function portError(error: NodeJS.ErrnoException, transport: string, options: ListenOptions): TandemError {
  const { host, port, portSetting } = options;
  if (error.code === 'EADDRINUSE') {
    const message = `SIP port ${port}/${transport} on ${host} is in use already; set ${portSetting} to another port`;
    return new TandemError('port-taken', message, { port, setting: portSetting, transport }, error);
  }
  const message = `SIP cannot listen on ${host}:${port}/${transport} (${error.code ?? error.message}); see ${portSetting}`;
  return new TandemError('setting-invalid', message, { port, setting: portSetting, transport }, error);
}
