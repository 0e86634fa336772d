/** Where a datagram goes to or came from, in the words of the native part. */
import { HEAD, type NativeBinding } from './native-binding.ts';

/** An address as the native part writes it, and as text. */
export class Destination {
  text = '';
  port = -1;
  readonly #words = new Int32Array(6);

  is(words: Int32Array, at: number): boolean {
    const own = this.#words;
    const from = at + HEAD.familyPort;
    if (own[0] !== words[from] || own[1] !== words[from + 1]) return false;
    return own[0] >> 16 === 4 || (own[2] === words[from + 2] && own[3] === words[from + 3] && own[4] === words[from + 4]);
  }

  become(words: Int32Array, at: number, text: string): void {
    for (let i = 0; i < this.#words.length; i++) this.#words[i] = words[at + HEAD.familyPort + i];
    this.text = text;
    this.port = words[at + HEAD.familyPort] & 0xffff;
  }

  writeTo(words: Int32Array, at: number): void {
    for (let i = 0; i < this.#words.length; i++) words[at + HEAD.familyPort + i] = this.#words[i];
  }

  /** Looks only when it has changed; false when it is no address. */
  aim({ binding, head }: { binding: NativeBinding; head: { bytes: Uint8Array; words: Int32Array } }, text: string, port: number): boolean {
    if (text === this.text && port === this.port) return true;
    if (!binding.addressOf(text, port, head.bytes)) return false;
    this.become(head.words, 0, text);
    return true;
  }
}
