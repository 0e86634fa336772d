/** A network in memory on an injected clock: user agents talk, with loss, delay, reordering and duplication as scripted. */
import type { Clock } from '#kit/clock.ts';
import type { SipPeer, SipTransportName } from './message.ts';
import { parseDatagram } from './parse.ts';
import type { SendFailure, SipReceiver, SipTransport } from './transport.ts';

/** One message on its way, as the script sees it. */
export interface MemoryDatagram {
  /** Counts all messages of the network from 0. */
  index: number;
  from: string;
  to: string;
  text: string;
}

/** One delay per copy that arrives, in ms: `[]` loses the message, `[0, 300]` doubles it, unequal delays reorder. */
export type MemoryScript = (datagram: MemoryDatagram) => readonly number[];

export class MemoryNetwork {
  readonly #clock: Clock;
  readonly #nodes = new Map<string, { transport: MemoryTransport; receiver: SipReceiver }>();
  /** Everything that was sent, in order. */
  readonly sent: MemoryDatagram[] = [];
  script: MemoryScript;

  constructor(clock: Clock, script: MemoryScript = () => [1]) {
    this.#clock = clock;
    this.script = script;
  }

  transport(address: string, port = 5060, name: SipTransportName = 'UDP'): MemoryTransport {
    return new MemoryTransport(this, address, port, name);
  }

  join(transport: MemoryTransport, receiver: SipReceiver): void {
    this.#nodes.set(place(transport.name, transport.address, transport.port), { transport, receiver });
  }

  leave(transport: MemoryTransport): void {
    this.#nodes.delete(place(transport.name, transport.address, transport.port));
  }

  carry(from: MemoryTransport, bytes: Uint8Array, peer: SipPeer, onFailure: SendFailure | undefined): void {
    const copy = bytes.slice();
    const datagram: MemoryDatagram = {
      index: this.sent.length,
      from: `${from.address}:${from.port}`,
      to: `${peer.address}:${peer.port}`,
      text: Buffer.from(copy).toString('utf8'),
    };
    this.sent.push(datagram);
    const source: SipPeer = { transport: from.name, address: from.address, port: from.port, connection: undefined };
    for (const delayMs of this.script(datagram)) {
      this.#clock.after(delayMs, () => {
        const node = this.#nodes.get(place(from.name, peer.address, peer.port));
        if (node) deliver(node.receiver, copy, source);
        else onFailure?.(new Error(`nobody listens at ${datagram.to}`));
      });
    }
  }
}

export class MemoryTransport implements SipTransport {
  readonly name: SipTransportName;
  readonly address: string;
  readonly port: number;
  readonly #network: MemoryNetwork;
  #sent = 0;

  constructor(network: MemoryNetwork, address: string, port: number, name: SipTransportName) {
    this.#network = network;
    this.address = address;
    this.port = port;
    this.name = name;
  }

  get reliable(): boolean {
    return this.name === 'TCP';
  }

  start(receiver: SipReceiver): Promise<void> {
    this.#network.join(this, receiver);
    return Promise.resolve();
  }

  send(bytes: Uint8Array, peer: SipPeer, onFailure?: SendFailure): void {
    this.#sent++;
    this.#network.carry(this, bytes, peer, onFailure);
  }

  stop(): Promise<void> {
    this.#network.leave(this);
    return Promise.resolve();
  }

  counters(): Record<string, number> {
    return { memorySent: this.#sent };
  }
}

function place(name: SipTransportName, address: string, port: number): string {
  return `${name} ${address} ${port}`;
}

function deliver(receiver: SipReceiver, bytes: Uint8Array, source: SipPeer): void {
  if (!receiver.admits(source.address, source.transport)) return;
  const message = parseDatagram(bytes);
  if (message === 'keep-alive') return;
  if (message.kind === 'fault') receiver.fault(message, source);
  else receiver.message(message, source);
}
