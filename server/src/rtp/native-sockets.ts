/**
 * {@link DatagramSockets} over the native part: datagrams cross to JavaScript in batches, once per step of the pacer, and
 * queued frames leave from a thread of their own. No system call, object or callback per datagram.
 */
import { getSystemErrorName } from 'node:util';
import type { Clock, Timer } from '#kit/clock.ts';
import { RECEIVE_BUFFER_BYTES } from './dgram-socket.ts';
import {
  BIN_STEP,
  COUNT_WORDS,
  COUNTER_NAMES,
  HEAD,
  HEAD_BYTES,
  MAX_DATAGRAM,
  MAX_QUEUES,
  type NativeBinding,
  type NativeHandle,
  OUTBOX_STEP,
  PLACE_MASK,
  QUEUE_SLOTS,
  SLOT_BYTES,
  SLOT_HEAD_BYTES,
} from './native-binding.ts';
import { Destination } from './native-destination.ts';
import {
  type DatagramHandler,
  type DatagramSocket,
  type DatagramSockets,
  type FrameQueue,
  QUEUE_FRAME_BYTES,
  QUEUE_FRAMES,
} from './socket.ts';

/** 2,048 frames: 160 ms of 500 calls between two steps. The kernel's buffers hold what is beyond. */
const BIN_BYTES = 1 << 19;
/** Bins taken in one step: after a long stall the loop goes on sending in between. */
const MAX_BINS = 4;
const OUTBOX_BYTES = 1 << 17;
/** What is sent outside the pacer's steps leaves after this long. */
const DEPART_WITHIN_MS = 5;
/** Sources that a socket remembers once there is more than one; a power of two. */
const SOURCES = 32;
/** Sources whose text is kept; strangers beyond that begin afresh. */
const MAX_TEXTS = 4096;
const OFFSET_TRIES = 5;
const EBADF = 9;

interface Memory {
  bytes: Uint8Array;
  words: Int32Array;
  doubles: Float64Array;
}

function memoryOf(bytes: number): Memory {
  const buffer = new ArrayBuffer(bytes);
  return { bytes: new Uint8Array(buffer), words: new Int32Array(buffer), doubles: new Float64Array(buffer) };
}

/** What all sockets and queues of one thread share. */
interface Shared {
  binding: NativeBinding;
  io: NativeHandle;
  /** The clock's time minus the native part's. */
  offsetMs: number;
  slots: Memory;
  counts: Int32Array;
  head: Memory;
  /** When the earliest frame queued since the last step is due, on the native clock. */
  wakeAt: number;
  /** Puts a datagram into the outbox. */
  send(socket: number, destination: Destination, bytes: Uint8Array, offset: number, length: number): void;
  /** A step is wanted soon. */
  arm(): void;
}

export class NativeSockets implements DatagramSockets {
  readonly kind = 'native';
  readonly #clock: Clock;
  readonly #shared: Shared;
  readonly #bins: readonly [Bin, Bin];
  readonly #outbox = memoryOf(OUTBOX_BYTES);
  readonly #places: (NativeSocket | undefined)[] = [];
  readonly #texts = new Map<number, string>();
  readonly #state = { used: 0, faults: 0, open: true, timer: undefined as Timer | undefined };

  constructor(binding: NativeBinding, clock: Clock) {
    this.#clock = clock;
    this.#bins = [new Bin(), new Bin()];
    const slots = memoryOf(MAX_QUEUES * QUEUE_SLOTS * SLOT_BYTES);
    const counts = new Int32Array(MAX_QUEUES * COUNT_WORDS);
    this.#shared = {
      binding,
      io: binding.open(this.#bins[0].memory.bytes, this.#bins[1].memory.bytes, slots.bytes, counts),
      offsetMs: offsetOf(binding, clock),
      slots,
      counts,
      head: memoryOf(HEAD_BYTES),
      wakeAt: Infinity,
      send: (socket, destination, bytes, offset, length) => this.#put(socket, destination, bytes, offset, length),
      arm: () => this.#arm(),
    };
  }

  bind(host: string, port: number): Promise<DatagramSocket> {
    const { binding, io, head } = this.#shared;
    if (!this.#state.open) return Promise.reject(bindError(-EBADF));
    const id = binding.bind(io, host, port, RECEIVE_BUFFER_BYTES, head.bytes);
    if (id < 0) return Promise.reject(bindError(id));
    const place = id & PLACE_MASK;
    const address = binding.textOf(head.bytes);
    const closed = () => {
      this.#flush(); // what it sent still leaves from it
      this.#places[place] = undefined;
      binding.unbind(io, id);
    };
    const socket = new NativeSocket(this.#shared, id, address, head.words[HEAD.familyPort] & 0xffff, closed);
    this.#places[place] = socket;
    return Promise.resolve(socket);
  }

  depart(): void {
    const shared = this.#shared;
    const { timer } = this.#state;
    if (timer) {
      timer.cancel();
      this.#state.timer = undefined;
    }
    this.#flush();
    if (shared.wakeAt === Infinity) return;
    shared.binding.wake(shared.io, shared.wakeAt);
    shared.wakeAt = Infinity;
  }

  arrive(): void {
    const { binding, io } = this.#shared;
    for (let taken = 0; taken < MAX_BINS; taken++) {
      const full = binding.receive(io);
      const bytes = full & -2;
      const bin = this.#bins[full & 1];
      for (let at = 0; at < bytes; ) at += this.#handOver(bin, at);
      if (bytes + MAX_DATAGRAM + BIN_STEP < BIN_BYTES) return;
    }
  }

  counters(): Record<string, number> {
    const values = new Float64Array(COUNTER_NAMES.length);
    this.#shared.binding.counters(this.#shared.io, values);
    const counters: Record<string, number> = { faults: this.#state.faults };
    COUNTER_NAMES.forEach((name, i) => (counters[name] = values[i]));
    return counters;
  }

  close(): void {
    if (!this.#state.open) return;
    this.depart();
    for (const socket of this.#places) socket?.close();
    this.#state.open = false;
    this.#shared.binding.close(this.#shared.io);
  }

  /** Gives the datagram at `at` to its socket; returns how far the next one is. */
  #handOver(bin: Bin, at: number): number {
    const { words, doubles } = bin.memory;
    const word = at >> 2;
    const length = words[word + HEAD.length];
    const id = words[word + HEAD.socket];
    const socket = this.#places[id & PLACE_MASK];
    // One that was closed meanwhile, or whose place another has taken.
    if (socket?.id === id && socket.handler) {
      const source = socket.sourceOf(words, word);
      if (!source.is(words, word)) source.become(words, word, this.#textOf(bin, word));
      try {
        socket.handler(bin.view(at, length), source.text, source.port, doubles[(at >> 3) + HEAD.arrival] + this.#shared.offsetMs);
      } catch {
        this.#state.faults++;
      }
    }
    return (HEAD_BYTES + length + BIN_STEP - 1) & -BIN_STEP;
  }

  #textOf({ memory }: Bin, word: number): string {
    const { words, bytes } = memory;
    const isIPv4 = words[word + HEAD.familyPort] >> 16 === 4;
    const key = words[word + HEAD.address];
    const known = isIPv4 ? this.#texts.get(key) : undefined;
    if (known !== undefined) return known;
    const text = this.#shared.binding.textOf(bytes.subarray(word << 2, (word << 2) + HEAD_BYTES));
    if (isIPv4) {
      if (this.#texts.size >= MAX_TEXTS) this.#texts.clear();
      this.#texts.set(key, text);
    }
    return text;
  }

  #put(socket: number, destination: Destination, bytes: Uint8Array, offset: number, length: number): void {
    if (this.#state.used + HEAD_BYTES + length + OUTBOX_STEP > OUTBOX_BYTES) this.#flush();
    const at = this.#state.used;
    const { words, bytes: outbox } = this.#outbox;
    const word = at >> 2;
    words[word + HEAD.socket] = socket;
    words[word + HEAD.length] = length;
    destination.writeTo(words, word);
    if (offset === 0 && length === bytes.length) outbox.set(bytes, at + HEAD_BYTES);
    else for (let i = 0; i < length; i++) outbox[at + HEAD_BYTES + i] = bytes[offset + i];
    this.#state.used = (at + HEAD_BYTES + length + OUTBOX_STEP - 1) & -OUTBOX_STEP;
    this.#arm();
  }

  #flush(): void {
    const { binding, io } = this.#shared;
    if (this.#state.used === 0) return;
    binding.send(io, this.#outbox.bytes, this.#state.used);
    this.#state.used = 0;
  }

  #arm(): void {
    this.#state.timer ??= this.#clock.after(DEPART_WITHIN_MS, () => this.depart());
  }
}

/** Datagrams that have arrived, each from a multiple of BIN_STEP on, and a view of each place that is used again. */
class Bin {
  readonly memory = memoryOf(BIN_BYTES);
  readonly #views: (Uint8Array | undefined)[] = [];

  view(at: number, length: number): Uint8Array {
    const place = at / BIN_STEP;
    const known = this.#views[place];
    if (known?.length === length) return known;
    const made = new Uint8Array(this.memory.bytes.buffer, at + HEAD_BYTES, length);
    this.#views[place] = made;
    return made;
  }
}

class NativeSocket implements DatagramSocket {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  handler: DatagramHandler | undefined;
  readonly #shared: Shared;
  readonly #closed: () => void;
  readonly #destination = new Destination();
  readonly #queues = new Set<NativeQueue>();
  /** By port, so that the far ends of calls behind one port do not push each other out. */
  readonly #sources: Destination[] = [new Destination()];
  #open = true;

  constructor(shared: Shared, id: number, address: string, port: number, closed: () => void) {
    this.#shared = shared;
    this.id = id;
    this.address = address;
    this.port = port;
    this.#closed = closed;
  }

  /** Where the source of the datagram whose head is at `at` is remembered, or is to be. */
  sourceOf(words: Int32Array, at: number): Destination {
    const sources = this.#sources;
    if (sources.length === 1) {
      const [only] = sources;
      if (only.port < 0 || only.is(words, at)) return only;
      while (sources.length < SOURCES) sources.push(new Destination());
    }
    // RTP's ports are even, RTCP's odd.
    return sources[(words[at + HEAD.familyPort] >> 1) & (SOURCES - 1)];
  }

  onMessage(handler: DatagramHandler): void {
    if (this.#open) this.handler = handler;
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    if (!this.#open || length > MAX_DATAGRAM || length < 0 || offset + length > bytes.length) return;
    if (this.#destination.aim(this.#shared, address, port)) this.#shared.send(this.id, this.#destination, bytes, offset, length);
  }

  openQueue(): FrameQueue | undefined {
    if (!this.#open) return undefined;
    const { binding, io } = this.#shared;
    const place = binding.openQueue(io, this.id);
    if (place < 0) return undefined;
    const queue = new NativeQueue(this.#shared, place, () => this.#queues.delete(queue));
    this.#queues.add(queue);
    return queue;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.handler = undefined;
    for (const queue of this.#queues) queue.close();
    this.#closed();
  }
}

class NativeQueue implements FrameQueue {
  readonly #shared: Shared;
  readonly #place: number;
  readonly #counts: number;
  readonly #destination = new Destination();
  readonly #closed: () => void;
  #open = true;

  constructor(shared: Shared, place: number, closed: () => void) {
    this.#shared = shared;
    this.#place = place;
    this.#counts = place * COUNT_WORDS;
    this.#closed = closed;
  }

  get waiting(): number {
    const { counts } = this.#shared;
    return this.#open ? (Atomics.load(counts, this.#counts) - Atomics.load(counts, this.#counts + 1)) | 0 : 0;
  }

  get left(): number {
    return this.#open ? Atomics.load(this.#shared.counts, this.#counts + 1) >>> 0 : 0;
  }

  get late(): number {
    return this.#open ? Atomics.load(this.#shared.counts, this.#counts + 2) >>> 0 : 0;
  }

  aim(port: number, address: string): void {
    const { binding, io, head } = this.#shared;
    const same = this.#destination.text === address && this.#destination.port === port;
    if (same || !this.#open || !this.#destination.aim(this.#shared, address, port)) return;
    this.#destination.writeTo(head.words, 0);
    binding.aim(io, this.#place, head.bytes);
  }

  write(bytes: Uint8Array, dueAt: number): boolean {
    const shared = this.#shared;
    if (!this.#open || bytes.length > QUEUE_FRAME_BYTES || this.waiting >= QUEUE_FRAMES) return false;
    const written = shared.counts[this.#counts];
    const at = (this.#place * QUEUE_SLOTS + (written & (QUEUE_SLOTS - 1))) * SLOT_BYTES;
    const due = dueAt - shared.offsetMs;
    shared.slots.doubles[at >> 3] = due;
    shared.slots.words[(at >> 2) + 2] = bytes.length;
    shared.slots.bytes.set(bytes, at + SLOT_HEAD_BYTES);
    Atomics.store(shared.counts, this.#counts, (written + 1) | 0);
    if (due < shared.wakeAt) {
      shared.wakeAt = due;
      shared.arm();
    }
    return true;
  }

  takeBack(atMost: number): number {
    if (!this.#open || atMost <= 0) return 0;
    return this.#shared.binding.takeBack(this.#shared.io, this.#place, Math.min(atMost, QUEUE_FRAMES));
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#shared.binding.closeQueue(this.#shared.io, this.#place);
    this.#closed();
  }
}

/** Both clocks count evenly; the closest of several looks says how far they are apart. */
function offsetOf(binding: NativeBinding, clock: Clock): number {
  let [offset, closest] = [0, Infinity];
  for (let i = 0; i < OFFSET_TRIES; i++) {
    const before = clock.now();
    const native = binding.now();
    const after = clock.now();
    if (after - before >= closest) continue;
    closest = after - before;
    offset = (before + after) / 2 - native;
  }
  return offset;
}

/** As node:dgram says it. */
function bindError(errno: number): Error {
  const code = getSystemErrorName(errno);
  return Object.assign(new Error(`bind ${code}`), { code, errno, syscall: 'bind' });
}
