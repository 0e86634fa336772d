/**
 * One end of the UDP benchmark, a process of its own: `flows` calls' worth of frames out and in, every 20 ms, on the
 * paced loop and nothing else. Told what to do over IPC; answers with what it cost and what arrived.
 */
import { MediaPacer, type Paced } from '../../server/src/audio/pacer.ts';
import { systemKit } from '../../server/src/kit/kit.ts';
import { DgramSockets } from '../../server/src/rtp/dgram-sockets.ts';
import { loadNative } from '../../server/src/rtp/native-binding.ts';
import { NativeSockets } from '../../server/src/rtp/native-sockets.ts';
import type { DatagramSocket, DatagramSockets, FrameQueue } from '../../server/src/rtp/socket.ts';

export interface EndPlan {
  kind: 'dgram' | 'native';
  /** Frames are queued ahead and leave by themselves. */
  queued: boolean;
  flows: number;
  /** Sockets that the flows share; as many as flows: one each. */
  ports: number;
  /** The loop is held up for this long once a second. */
  stallMs: number;
  /** Keeps the arrival of each frame, for lateness. */
  judge: boolean;
}

export interface EndReport {
  cpuMs: number;
  wallMs: number;
  sent: number;
  received: number;
  /** Milliseconds after the flow's own schedule, of each frame that arrived. */
  late: number[];
  counters: Record<string, number>;
}

type Order = { do: 'open'; plan: EndPlan } | { do: 'begin'; ports: number[] } | { do: 'measure' } | { do: 'report' };

const FRAME_BYTES = 172;
const FRAME_MS = 20;
/** Frames queued ahead, the one that leaves next included. */
const LEAD = 3;
const DEPART_MS = 5;

const kit = systemKit('warn');
const pacer = new MediaPacer(kit.clock, kit.log);
const state = { sent: 0, received: 0, cpu: process.cpuUsage(), from: 0, measuring: false };

/** A call that has nothing to say: 172 bytes every 20 ms. */
class Flow implements Paced {
  readonly number: number;
  readonly #socket: DatagramSocket;
  readonly #port: number;
  readonly #queue: FrameQueue | undefined;
  readonly #packets = Array.from({ length: 8 }, () => new Uint8Array(FRAME_BYTES));
  #count = 0;
  #next = 0;
  #first = 0;
  /** Arrivals since the measurement began, and the number of the frame that each was. */
  readonly arrivals: number[] = [];
  readonly numbers: number[] = [];

  constructor(number: number, socket: DatagramSocket, port: number, queued: boolean) {
    this.number = number;
    this.#socket = socket;
    this.#port = port;
    this.#queue = queued ? socket.openQueue?.() : undefined;
    this.#queue?.aim(port, '127.0.0.1');
  }

  tick(deadline: number): void {
    const queue = this.#queue;
    this.#first ||= deadline;
    if (!queue) {
      const packet = this.#packet(deadline);
      this.#socket.send(packet, 0, FRAME_BYTES, this.#port, '127.0.0.1');
      return;
    }
    this.#next = Math.max(this.#next, deadline);
    while (this.#next < deadline + LEAD * FRAME_MS && queue.waiting < LEAD) {
      queue.write(this.#packet(this.#next), this.#next + DEPART_MS);
      this.#next += FRAME_MS;
    }
  }

  listen(): void {}

  /** Bytes 0 to 3: the flow; 4 to 7: the frame's place on its schedule. */
  #packet(deadline: number): Uint8Array {
    const packet = this.#packets[this.#count++ & 7];
    const number = Math.round((deadline - this.#first) / FRAME_MS);
    packet[0] = this.number;
    packet[1] = this.number >> 8;
    packet[4] = number;
    packet[5] = number >> 8;
    packet[6] = number >> 16;
    if (state.measuring) state.sent++;
    return packet;
  }
}

const flows: Flow[] = [];
const sockets: DatagramSocket[] = [];
let plan: EndPlan;
let udp: DatagramSockets;

function heard(bytes: Uint8Array, _address: string, _port: number, arrivedAt?: number): void {
  if (!state.measuring) return;
  state.received++;
  if (!plan.judge) return;
  const flow = flows[bytes[0] | (bytes[1] << 8)];
  flow.arrivals.push(arrivedAt ?? kit.clock.now());
  flow.numbers.push(bytes[4] | (bytes[5] << 8) | (bytes[6] << 16));
}

/** Against the earliest frame of its flow: what is constant is the way, what is more is lateness. */
function latenessOf({ arrivals, numbers }: Flow): number[] {
  const offsets = arrivals.map((at, i) => at - numbers[i] * FRAME_MS);
  const earliest = offsets.reduce((least, offset) => Math.min(least, offset), Infinity);
  return offsets.map((offset) => offset - earliest);
}

async function open(given: EndPlan): Promise<number[]> {
  plan = given;
  const native = plan.kind === 'native' ? loadNative() : undefined;
  if (typeof native === 'string') throw new Error(native);
  udp = native ? new NativeSockets(native, kit.clock) : new DgramSockets();
  pacer.join(udp);
  for (let i = 0; i < plan.ports; i++) {
    const socket = await udp.bind('127.0.0.1', 0);
    socket.onMessage(heard);
    sockets.push(socket);
  }
  return Array.from({ length: plan.flows }, (_, i) => sockets[i % plan.ports].port);
}

function begin(ports: number[]): void {
  for (let i = 0; i < plan.flows; i++) {
    const flow = new Flow(i, sockets[i % plan.ports], ports[i], plan.queued);
    flows.push(flow);
    pacer.add(flow);
  }
  if (plan.stallMs > 0) {
    setInterval(() => {
      const until = performance.now() + plan.stallMs;
      while (performance.now() < until);
    }, 1000);
  }
}

process.on('message', (order: Order) => {
  if (order.do === 'open') void open(order.plan).then((ports) => process.send?.(ports));
  else if (order.do === 'begin') begin(order.ports);
  else if (order.do === 'measure') {
    Object.assign(state, { cpu: process.cpuUsage(), from: performance.now(), measuring: true });
  } else {
    const { user, system } = process.cpuUsage(state.cpu);
    state.measuring = false;
    const report: EndReport = {
      cpuMs: (user + system) / 1000,
      wallMs: performance.now() - state.from,
      sent: state.sent,
      received: state.received,
      late: flows.flatMap(latenessOf),
      counters: udp.counters(),
    };
    process.send?.(report, () => process.exit(0));
  }
});
