/** Sends 20 ms of a call as one write: `ws` has the kernel join a header and a payload, 1.5 of 13 us for a message of sound. */
import type { Socket } from 'node:net';
import type { Random } from '#kit/random.ts';
import { WebSocket } from 'ws';

/** FIN and the text opcode; the mark of a mask and of a length in two bytes (RFC 6455 section 5.2). */
const WHOLE_TEXT = 0x81;
const MASKED_TWO_BYTES = 0x80 | 126;
const HEAD_BYTES = 8;
const SHORTEST = 126;
const LONGEST = 0xffff;

export class TextSender {
  readonly #webSocket: WebSocket;
  /** What `ws` keeps for itself; without it everything goes through `ws`. */
  readonly #tcp: Socket | undefined;
  /** Changes with every frame: nothing is hidden from anybody here, but a far end is to unmask as it would. */
  #mask: number;

  constructor(webSocket: WebSocket, random: Random) {
    this.#webSocket = webSocket;
    this.#tcp = (webSocket as unknown as { _socket?: Socket })._socket;
    this.#mask = Math.floor(random.next() * 2 ** 32) | 1;
  }

  /** `text` is plain ASCII; nothing happens on a socket that is not open. */
  send(text: string): void {
    const { length } = text;
    if (this.#webSocket.readyState !== WebSocket.OPEN) return;
    if (!this.#tcp || length < SHORTEST || length > LONGEST) this.#webSocket.send(text);
    else this.#tcp.write(this.#frame(text, length));
  }

  #frame(text: string, length: number): Buffer {
    // The socket keeps it until the network takes it.
    const bytes = Buffer.allocUnsafe(HEAD_BYTES + length);
    this.#mask = (Math.imul(this.#mask, 1_664_525) + 1_013_904_223) | 0;
    bytes[0] = WHOLE_TEXT;
    bytes[1] = MASKED_TWO_BYTES;
    bytes.writeUInt16BE(length, 2);
    bytes.writeInt32BE(this.#mask, 4);
    bytes.write(text, HEAD_BYTES, 'latin1');
    const [a, b, c, d] = [bytes[4], bytes[5], bytes[6], bytes[7]];
    let i = HEAD_BYTES;
    for (; i + 3 < bytes.length; i += 4) {
      bytes[i] ^= a;
      bytes[i + 1] ^= b;
      bytes[i + 2] ^= c;
      bytes[i + 3] ^= d;
    }
    if (i < bytes.length) bytes[i] ^= a;
    if (i + 1 < bytes.length) bytes[i + 1] ^= b;
    if (i + 2 < bytes.length) bytes[i + 2] ^= c;
    return bytes;
  }
}
