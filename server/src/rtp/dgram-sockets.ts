/** {@link DatagramSockets} over node:dgram: works everywhere; each datagram is a system call and an event of its own. */
import { bindDatagramSocket, type DgramCounts } from './dgram-socket.ts';
import type { DatagramSocket, DatagramSockets } from './socket.ts';

export class DgramSockets implements DatagramSockets {
  readonly kind = 'dgram';
  readonly #sockets = new Set<DatagramSocket>();
  readonly #counts: DgramCounts = { received: 0, sent: 0, unsent: 0 };

  async bind(host: string, port: number): Promise<DatagramSocket> {
    const socket: DatagramSocket = await bindDatagramSocket(host, port, this.#counts, () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
    return socket;
  }

  depart(): void {}

  arrive(): void {}

  counters(): Record<string, number> {
    return { ...this.#counts };
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}
