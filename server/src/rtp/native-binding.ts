/** The native part as it is loaded (`server/native`, built by its build.mjs), and what its memory looks like. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { messageOf } from '#kit/errors.ts';

/** An opaque handle of its sockets. */
export type NativeHandle = object & { readonly native: unique symbol };

/** Functions of `server/native/media-io.c`, where each is described. */
export interface NativeBinding {
  readonly source: string;
  open(binA: Uint8Array, binB: Uint8Array, slots: Uint8Array, counts: Int32Array): NativeHandle;
  close(io: NativeHandle): void;
  bind(io: NativeHandle, host: string, port: number, receiveBytes: number, head: Uint8Array): number;
  unbind(io: NativeHandle, socket: number): void;
  receive(io: NativeHandle): number;
  send(io: NativeHandle, outbox: Uint8Array, bytes: number): number;
  openQueue(io: NativeHandle, socket: number): number;
  closeQueue(io: NativeHandle, queue: number): void;
  aim(io: NativeHandle, queue: number, head: Uint8Array): void;
  takeBack(io: NativeHandle, queue: number, atMost: number): number;
  wake(io: NativeHandle, dueMs: number): void;
  counters(io: NativeHandle, into: Float64Array): void;
  addressOf(text: string, port: number, head: Uint8Array): boolean;
  textOf(head: Uint8Array): string;
  now(): number;
}

/** `packet_head` of media-io.h, in 32-bit words: socket, length, family and port, address (4), scope, arrival (a double). */
export const HEAD_BYTES = 40;
export const HEAD = { socket: 0, length: 1, familyPort: 2, address: 3, scope: 7, arrival: 4 } as const;
/** Where datagrams begin in a bin and in an outbox. */
export const BIN_STEP = 256;
export const OUTBOX_STEP = 8;
export const MAX_DATAGRAM = 2048;
/** The low bits of a socket's id are its place. */
export const PLACE_MASK = (1 << 13) - 1;
export const MAX_QUEUES = 4096;
/** `frame_slot`: due (a double), length, and the bytes. */
export const SLOT_BYTES = 256;
export const SLOT_HEAD_BYTES = 16;
export const QUEUE_SLOTS = 8;
/** `queue_counts`, in 32-bit words: written, left, late. */
export const COUNT_WORDS = 16;
/** In the order of media-io.h. */
export const COUNTER_NAMES = ['received', 'overflowed', 'truncated', 'sent', 'unsent', 'left', 'left_late', 'taken_back'] as const;

/** Where the binary for this machine would be. */
export function binaryPath(platform: string = process.platform, arch: string = process.arch): string {
  return fileURLToPath(new URL(`../../native/prebuilt/${platform}-${arch}/media-io.node`, import.meta.url));
}

/** The native part, or why it cannot be had here (another system, another C library). */
export function loadNative(path: string = binaryPath()): NativeBinding | string {
  try {
    return createRequire(import.meta.url)(path) as NativeBinding;
  } catch (error) {
    return messageOf(error);
  }
}
