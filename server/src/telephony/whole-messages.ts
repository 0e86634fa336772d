/**
 * Messages that came in one piece, past the stream that `ws` reads through: a frame of 20 ms of a call is handed over where it
 * lies. Whatever is unusual (fragments, control frames, frames cut by the network, what breaks the protocol or is too long) goes
 * through `ws` as before, which keeps every rule of RFC 6455.
 */
import { WebSocket } from 'ws';

/** First byte of a frame that is a whole message: FIN, no extension bits, a text or binary opcode (section 5.2). */
const WHOLE_TEXT = 0x81;
const WHOLE_BINARY = 0x82;
const FIN = 0x80;
const CLOSE = 0x08;
const OPCODE = 0x0f;
const MASKED = 0x80;
const MASK_BYTES = 4;
/** The longest length that stands in the second byte, and the mark of one in the two bytes behind it. */
const SHORT = 125;
const TWO_BYTES = 126;
const NONE: Buffer = Buffer.alloc(0);

/** What `ws` reads with. */
interface Receiver {
  /** What arrived; false: no more for now. */
  write(chunk: Buffer): boolean;
  /** The peer broke the protocol: nothing more is heard. */
  _errored?: boolean;
}

/**
 * `message` is emitted as before, for messages of up to 64 KiB; their bytes are a view of what the network brought. Without the
 * receiver that `ws` keeps for itself nothing changes.
 */
export function takeWholeMessages(webSocket: WebSocket): void {
  const receiver = (webSocket as unknown as { _receiver?: Receiver })._receiver;
  if (!receiver) return;
  const messages = new WholeMessages(webSocket, receiver, receiver.write.bind(receiver));
  receiver.write = (chunk) => messages.write(chunk);
}

class WholeMessages {
  readonly #webSocket: WebSocket;
  readonly #receiver: Receiver;
  readonly #slow: (chunk: Buffer) => boolean;
  /** Bytes still to come of a frame that `ws` reads. */
  #behind = 0;
  /** The beginning of a header. */
  #cut = NONE;
  /** `ws` holds fragments of a message: it sees every frame until that is whole. */
  #fragments = false;
  /** `ws` sees everything: the peer closes or broke the protocol, or its frames cannot be told apart here. */
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
      const end = endOf(bytes, at);
      if (end === undefined) {
        this.#cut = bytes.subarray(at);
        return ready;
      }
      if (end <= bytes.length && this.#isWhole(bytes[at], bytes[at + 1])) this.#handOver(bytes, at, end);
      else ready = this.#give(bytes, at, end);
      at = end;
    }
    return ready;
  }

  #isWhole(first: number, second: number): boolean {
    if (first !== WHOLE_TEXT && first !== WHOLE_BINARY) return false;
    return second >= MASKED && !this.#fragments && this.#webSocket.readyState === WebSocket.OPEN;
  }

  #handOver(bytes: Buffer, at: number, end: number): void {
    const mask = at + ((bytes[at + 1] & ~MASKED) === TWO_BYTES ? 4 : 2);
    unmask(bytes, mask, end);
    this.#webSocket.emit('message', bytes.subarray(mask + MASK_BYTES, end), bytes[at] === WHOLE_BINARY);
  }

  #give(bytes: Buffer, at: number, end: number): boolean {
    const opcode = bytes[at] & OPCODE;
    if (opcode === CLOSE || !Number.isFinite(end)) this.#over = true;
    if (opcode < CLOSE) this.#fragments = bytes[at] < FIN;
    this.#behind = Number.isFinite(end) ? Math.max(0, end - bytes.length) : 0;
    return this.#read(bytes.subarray(at, end));
  }

  /** What breaks the protocol may show at any byte of a frame: a text is known not to be UTF-8 at its end. */
  #read(bytes: Buffer): boolean {
    const ready = this.#slow(bytes);
    if (this.#receiver._errored === true) this.#over = true;
    return ready;
  }
}

/** Where the frame at `at` ends; undefined while its length is not there, Infinity for one longer than 64 KiB. */
function endOf(bytes: Buffer, at: number): number | undefined {
  if (at + 1 >= bytes.length) return undefined;
  const second = bytes[at + 1];
  const length = second & ~MASKED;
  const mask = second >= MASKED ? MASK_BYTES : 0;
  if (length <= SHORT) return at + 2 + mask + length;
  if (length !== TWO_BYTES) return Number.POSITIVE_INFINITY;
  return at + 3 < bytes.length ? at + 4 + mask + bytes.readUInt16BE(at + 2) : undefined;
}

/** Undoes the mask that stands at `at` for the bytes behind it (section 5.3), in place. */
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
