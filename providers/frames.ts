/**
 * WebSocket frames (RFC 6455 section 5.2) past the two slow ways of `ws`: a message leaves in one write instead of a header and a
 * payload joined by the kernel, and a binary message that came in one piece is handed over where it lies, without the stream
 * that `ws` reads through. Whatever is unusual (fragments, texts, control frames, frames cut by the network) goes through `ws`.
 */
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';

const FIN_TEXT = 0x81;
const FIN_BINARY = 0x82;
const CLOSE = 0x08;
const MASKED = 0x80;
const MASK_BYTES = 4;
const NONE: Buffer = Buffer.alloc(0);

/** What `ws` keeps for itself. Without it everything goes through `ws`. */
interface Inside {
  _socket?: Socket;
  _receiver?: Receiver;
}

interface Receiver {
  write(chunk: Buffer): boolean;
  /** The peer broke the protocol. */
  _errored?: boolean;
}

/** Sends a whole message; nothing happens on a socket that is not open. */
export function sendMessage(webSocket: WebSocket, message: string | Uint8Array): void {
  if (webSocket.readyState !== WebSocket.OPEN) return;
  const tcp = (webSocket as unknown as Inside)._socket;
  if (!tcp) webSocket.send(message);
  else if (typeof message !== 'string') tcp.write(Buffer.concat([Buffer.from(headOf(FIN_BINARY, message.length), 'latin1'), message]));
  // Plain ASCII, as almost all JSON is: text and header are one string.
  else if (Buffer.byteLength(message) === message.length) tcp.write(headOf(FIN_TEXT, message.length) + message, 'latin1');
  else {
    const bytes = Buffer.from(message);
    tcp.write(Buffer.concat([Buffer.from(headOf(FIN_TEXT, bytes.length), 'latin1'), bytes]));
  }
}

/** The header of an unmasked frame, a character per byte. */
function headOf(first: number, length: number): string {
  const byte = (shift: number): number => Math.floor(length / 2 ** shift) & 0xff;
  if (length < 126) return String.fromCharCode(first, length);
  if (length < 65_536) return String.fromCharCode(first, 126, byte(8), byte(0));
  return String.fromCharCode(first, 127, 0, 0, 0, 0, byte(24), byte(16), byte(8), byte(0));
}

/** Gives the binary messages that came whole straight to the listeners of `message`; their bytes are only valid during the call. */
export function takeWholeMessages(webSocket: WebSocket): void {
  const receiver = (webSocket as unknown as Inside)._receiver;
  if (!receiver) return;
  const lane = new Lane(webSocket, receiver, receiver.write.bind(receiver));
  receiver.write = (chunk) => lane.write(chunk);
}

class Lane {
  readonly #webSocket: WebSocket;
  readonly #receiver: Receiver;
  readonly #slow: (chunk: Buffer) => boolean;
  /** Bytes of a frame that `ws` reads and that are still to come. */
  #behind = 0;
  /** The beginning of a header. */
  #cut: Buffer = NONE;
  /** `ws` holds fragments, or the peer closes or broke the protocol: it sees everything then. */
  #fragments = false;
  #over = false;

  constructor(webSocket: WebSocket, receiver: Receiver, slow: (chunk: Buffer) => boolean) {
    this.#webSocket = webSocket;
    this.#receiver = receiver;
    this.#slow = slow;
  }

  /** False: the socket is to wait. */
  write(chunk: Buffer): boolean {
    const bytes = this.#cut.length > 0 ? Buffer.concat([this.#cut, chunk]) : chunk;
    this.#cut = NONE;
    let ready = true;
    let at = Math.min(this.#behind, bytes.length);
    this.#behind -= at;
    if (at > 0) ready = this.#read(bytes.subarray(0, at));
    while (at < bytes.length) {
      if (this.#over) return this.#slow(bytes.subarray(at));
      const head = headBytes(bytes, at);
      if (at + head > bytes.length) {
        this.#cut = bytes.subarray(at);
        break;
      }
      const end = at + head + payloadBytes(bytes, at);
      if (bytes[at] === FIN_BINARY && (bytes[at + 1] & MASKED) !== 0 && end <= bytes.length && !this.#fragments) {
        unmask(bytes, at + head - MASK_BYTES, end);
        this.#webSocket.emit('message', bytes.subarray(at + head, end), true);
      } else {
        ready = this.#read(bytes.subarray(at, end));
        this.#behind = Math.max(0, end - bytes.length);
        this.#note(bytes[at]);
      }
      at = end;
    }
    return ready;
  }

  /** What breaks the protocol may show at any byte of a frame: a text is known not to be UTF-8 at its end. */
  #read(bytes: Buffer): boolean {
    const ready = this.#slow(bytes);
    if (this.#receiver._errored === true) this.#over = true;
    return ready;
  }

  #note(first: number): void {
    const opcode = first & 0x0f;
    if (opcode === CLOSE) this.#over = true;
    if (opcode < CLOSE) this.#fragments = first < MASKED;
  }
}

/** Bytes of the header at `at`, two when it is not there yet. */
function headBytes(bytes: Buffer, at: number): number {
  const second = at + 1 < bytes.length ? bytes[at + 1] : 0;
  const length = second & 0x7f;
  return 2 + (length === 126 ? 2 : length === 127 ? 8 : 0) + (second & MASKED ? MASK_BYTES : 0);
}

function payloadBytes(bytes: Buffer, at: number): number {
  const length = bytes[at + 1] & 0x7f;
  if (length < 126) return length;
  return length === 126 ? bytes.readUInt16BE(at + 2) : bytes.readUInt32BE(at + 2) * 2 ** 32 + bytes.readUInt32BE(at + 6);
}

/** Undoes the mask that stands at `at` for the bytes behind it, in place. */
function unmask(bytes: Buffer, at: number, end: number): void {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  if ((a | b | c | d) === 0) return;
  let i = at + MASK_BYTES;
  for (; i + 3 < end; i += 4) {
    bytes[i] ^= a;
    bytes[i + 1] ^= b;
    bytes[i + 2] ^= c;
    bytes[i + 3] ^= d;
  }
  if (i < end) bytes[i] ^= a;
  if (i + 1 < end) bytes[i + 1] ^= b;
  if (i + 2 < end) bytes[i + 2] ^= c;
}
