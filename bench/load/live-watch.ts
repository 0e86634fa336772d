/**
 * A supervisor's screen without a screen: signs in to `/live` with the API key, watches every call that appears and keeps
 * each event it is shown. Speaks Socket.IO 5 over Engine.IO 4 (WebSocket only) itself, apart from the server's library.
 */
import type { Call, CallEvent } from '@tandem/contract';
import { WebSocket } from 'ws';

/** The events shown so far, by call and then by `seq`. */
export type Shown = Map<string, Map<number, CallEvent>>;

export function keep(shown: Shown, events: readonly CallEvent[]): void {
  for (const event of events) {
    const ofCall = shown.get(event.callId) ?? new Map<number, CallEvent>();
    shown.set(event.callId, ofCall);
    ofCall.set(event.seq, event);
  }
}

export class LiveWatch {
  readonly #shown: Shown;
  readonly #socket: WebSocket;
  readonly #watched = new Set<string>();
  readonly #answers = new Map<number, (value: unknown) => void>();
  readonly #connected = Promise.withResolvers<void>();
  #requests = 0;

  /** `url`: the server's HTTP address. Everything shown is put into `shown`. */
  constructor(url: string, key: string, shown: Shown) {
    this.#shown = shown;
    this.#socket = new WebSocket(`${url.replace(/^http/, 'ws')}/live/?EIO=4&transport=websocket`, {
      headers: { authorization: `Bearer ${key}` },
    });
    this.#socket.on('message', (data: Buffer) => this.#take(data.toString('utf8')));
    this.#socket.on('error', (error) => this.#connected.reject(error));
    this.#socket.on('close', () => this.#connected.reject(new Error('the live feed closed')));
    this.#connected.promise.catch(() => {});
  }

  /** Resolves when calls that are live now are watched; later ones are as they appear. Rejects when not let in. */
  async open(): Promise<void> {
    await this.#connected.promise;
    for (const { id } of (await this.#ask('list')) as Call[]) this.#watch(id);
  }

  close(): void {
    this.#socket.terminate();
  }

  #watch(callId: string): void {
    if (this.#watched.has(callId)) return;
    this.#watched.add(callId);
    void this.#ask('watch', callId).then((events) => keep(this.#shown, events as CallEvent[]));
  }

  #ask(name: string, ...parameters: unknown[]): Promise<unknown> {
    const id = this.#requests++;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#answers.set(id, resolve);
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(`42${id}${JSON.stringify([name, ...parameters])}`);
    return promise;
  }

  #take(packet: string): void {
    if (packet === '2')
      this.#socket.send('3'); // ping
    else if (packet.startsWith('0')) this.#socket.send('40{}');
    else if (packet.startsWith('40')) this.#connected.resolve();
    else if (packet.startsWith('44')) this.#connected.reject(new Error(`the live feed refused: ${packet.slice(2)}`));
    else if (packet.startsWith('43')) {
      const [, id, values] = /^43(\d+)(.*)$/s.exec(packet) ?? [];
      this.#answers.get(Number(id))?.((JSON.parse(values) as unknown[])[0]);
      this.#answers.delete(Number(id));
    } else if (packet.startsWith('42')) {
      const [name, update] = JSON.parse(packet.slice(2)) as [string, never];
      if (name === 'calls') for (const { id } of (update as { changed: Call[] }).changed) this.#watch(id);
      if (name === 'events') keep(this.#shown, (update as { events: CallEvent[] }).events);
    }
  }
}
