/** Two nodes as processes of their own: simultaneous misses, and how long a change takes from one to the other. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromNode, NodeSettings, ToNode } from './node.ts';

const WITHIN_MS = 60_000;

export class Node {
  readonly #process: ChildProcess;
  readonly #waiting: ((message: FromNode) => boolean)[] = [];

  private constructor(process: ChildProcess) {
    this.#process = process;
    process.on('message', (message: FromNode) => {
      const at = this.#waiting.findIndex((takes) => takes(message));
      if (at >= 0) this.#waiting.splice(at, 1);
    });
  }

  static async start(settings: NodeSettings): Promise<Node> {
    const file = fileURLToPath(new URL('./node.ts', import.meta.url));
    const node = new Node(fork(file, [JSON.stringify(settings)], { serialization: 'advanced' }));
    await node.told('ready');
    return node;
  }

  send(message: ToNode): void {
    this.#process.send(message);
  }

  /** The next message of this kind, for which `fits`. */
  told<Told extends FromNode['told']>(
    told: Told,
    fits: (message: Extract<FromNode, { told: Told }>) => boolean = () => true,
  ): Promise<Extract<FromNode, { told: Told }>> {
    type Message = Extract<FromNode, { told: Told }>;
    const { promise, resolve, reject } = Promise.withResolvers<Message>();
    const late = setTimeout(() => reject(new Error(`the node did not tell "${told}" in time`)), WITHIN_MS);
    this.#waiting.push((message) => {
      if (message.told !== told || !fits(message as Message)) return false;
      clearTimeout(late);
      resolve(message as Message);
      return true;
    });
    return promise;
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.send({ do: 'stop' });
    await ended;
  }
}

/** Loads that `gets` simultaneous misses of one key on each node cost, all nodes together; one figure per round. */
export async function burst(nodes: readonly Node[], businessId: string, gets: number, rounds: number): Promise<number[]> {
  const loads: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const answers = nodes.map((node) => node.told('loads'));
    for (const node of nodes) node.send({ do: 'burst', key: `round-${nodes.length}-${round}`, gets, businessId });
    const told = await Promise.all(answers);
    if (told.some(({ values }) => values !== gets)) throw new Error('a miss was not answered');
    loads.push(told.reduce((sum, one) => sum + one.loads, 0));
  }
  return loads;
}

export interface Delays {
  /** From the commit on one node to the other's cache having dropped the value, milliseconds. */
  heardMs: number[];
  /** To the other node answering the new value. */
  freshMs: number[];
}

export async function invalidationDelays([one, other]: readonly Node[], businessId: string, rounds: number): Promise<Delays> {
  const delays: Delays = { heardMs: [], freshMs: [] };
  for (let round = 0; round < rounds; round++) {
    const [from, to] = round % 2 === 0 ? [one, other] : [other, one];
    const held = to.told('held');
    to.send({ do: 'hold', businessId });
    await held;
    const name = `Name ${round}`;
    const answers = [
      from.told('renamed', (message) => message.name === name),
      to.told('fresh', (message) => message.name === name),
    ] as const;
    from.send({ do: 'rename', businessId, name });
    const [renamed, fresh] = await Promise.all(answers);
    delays.heardMs.push(Number(fresh.heardAt - renamed.at) / 1e6);
    delays.freshMs.push(Number(fresh.at - renamed.at) / 1e6);
  }
  return delays;
}
