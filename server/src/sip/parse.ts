/**
 * Bytes to SIP messages (RFC 3261 §7, §18.3). Total: every byte sequence gives a message, a fault or "need more", in time
 * linear in its length.
 */
import { canonicalName, headerValues } from './headers.ts';
import { isSpace, isToken, parseDigits, trimSpace } from './lexis.ts';
import type { SipFault, SipHeader, SipMessage, SipRequest, SipResponse } from './message.ts';
import { isAbsoluteUri, parseUri } from './uri.ts';
import { isAnswerable, requestFault, responseFault } from './validity.ts';

export const MAX_HEAD_BYTES = 65536;
export const MAX_HEADERS = 100;
export const MAX_BODY_BYTES = 65536;

const CR = 13;
const LF = 10;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const EMPTY = new Uint8Array(0);

/** A fault on a stream. After a fatal one the stream's framing is lost: answer if `respond` is set, then close. */
export interface SipStreamFault extends SipFault {
  fatal: boolean;
}

/** `keep-alive`: the peer's double CRLF, to be answered with a single one (RFC 5626 §3.5.1). */
export type SipStreamItem = SipMessage | SipStreamFault | { kind: 'keep-alive' };

/** Start line and header fields, read as far as they can be. */
interface Head {
  message: SipRequest | SipResponse | undefined;
  /** The first fault, with the status that answers it. */
  fault: { message: string; respond: number | undefined } | undefined;
}

function faultOf(head: Head, message: string, respond: number | undefined): SipFault {
  const request = head.message?.kind === 'request' ? head.message : undefined;
  // An ACK is never answered (§17.1.1.3), nor is a request that does not say where it came from.
  const answerable = request !== undefined && request.method !== 'ACK' && isAnswerable(request.headers);
  return { kind: 'fault', message, respond: answerable ? respond : undefined, request };
}

/** Length of the header section including its blank line, searched from `from`; -1 when the blank line has not come. */
function endOfHead(bytes: Uint8Array, from: number, end: number): number {
  let at = bytes.indexOf(LF, from);
  while (at >= 0 && at < end) {
    if (at + 1 < end && bytes[at + 1] === LF) return at + 2;
    if (at + 2 < end && bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
    at = bytes.indexOf(LF, at + 1);
  }
  return -1;
}

/** Splits lines at LF (with or without CR) and joins folded ones with a space (§7.3.1). */
function unfoldedLines(text: string): string[] {
  const lines: string[] = [];
  let folded: string[] = [];
  let start = 0;
  while (start < text.length) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    const line = text.slice(start, end > start && text.charCodeAt(end - 1) === CR ? end - 1 : end);
    start = end + 1;
    if (line !== '' && isSpace(line.charCodeAt(0)) && folded.length > 0) {
      folded.push(trimSpace(line));
      continue;
    }
    if (folded.length > 0) lines.push(folded.join(' '));
    folded = [line];
  }
  if (folded.length > 0) lines.push(folded.join(' '));
  return lines;
}

function readStartLine(line: string): Head {
  const firstSpace = line.indexOf(' ');
  const first = firstSpace < 0 ? line : line.slice(0, firstSpace);
  if (first.slice(0, 4).toUpperCase() === 'SIP/') {
    // Status-Line = SIP-Version SP Status-Code SP Reason-Phrase (§7.2); the phrase may be empty, its space is often lost.
    const code = line.slice(firstSpace + 1, firstSpace + 4);
    const status = code.length === 3 ? parseDigits(code, 699) : undefined;
    const next = line.charAt(firstSpace + 4);
    if (firstSpace < 0 || first.toUpperCase() !== 'SIP/2.0' || status === undefined || status < 100 || (next !== '' && next !== ' ')) {
      return { message: undefined, fault: { message: 'malformed status line', respond: undefined } };
    }
    return { message: { kind: 'response', status, reason: line.slice(firstSpace + 5), headers: [], body: EMPTY }, fault: undefined };
  }

  // Request-Line = Method SP Request-URI SP SIP-Version (§7.1), with single spaces and nothing after.
  const trimmed = trimSpace(line);
  const lastSpace = trimmed.lastIndexOf(' ');
  const version = trimmed.slice(lastSpace + 1).toUpperCase();
  if (firstSpace < 0 || lastSpace <= firstSpace || !isToken(first) || !version.startsWith('SIP/')) {
    return { message: undefined, fault: { message: 'malformed request line', respond: undefined } };
  }
  const uriText = trimmed.slice(firstSpace + 1, lastSpace);
  const uri = parseUri(uriText);
  const message: SipRequest = { kind: 'request', method: first, uriText, uri, headers: [], body: EMPTY };
  if (version !== 'SIP/2.0') return { message, fault: { message: 'unsupported version', respond: 505 } };
  const scheme = uriText.slice(0, Math.max(0, uriText.indexOf(':'))).toLowerCase();
  const ours = scheme === 'sip' || scheme === 'sips' || scheme === 'tel';
  const uriIsFine = ours ? uri !== undefined : isAbsoluteUri(uriText);
  if (trimmed !== line || !uriIsFine) return { message, fault: { message: 'malformed request line', respond: 400 } };
  return { message, fault: undefined };
}

/** Reads one unfolded header line; undefined when it is none. A control character may only stand in a quoted-pair. */
function readHeader(line: string): SipHeader | undefined {
  const colon = line.indexOf(':');
  if (colon < 0) return undefined;
  const name = trimSpace(line.slice(0, colon));
  if (!isToken(name)) return undefined;
  const value = trimSpace(line.slice(colon + 1));
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === CR || (code < 32 && code !== 9 && value.charCodeAt(i - 1) !== 92)) return undefined;
  }
  return { name: canonicalName(name), value };
}

function readHead(bytes: Uint8Array): Head {
  const lines = unfoldedLines(decoder.decode(bytes));
  const head = readStartLine(lines[0] ?? '');
  if (!head.message) return head;
  for (let i = 1; i < lines.length; i++) {
    if (lines[i] === '') continue;
    if (head.message.headers.length === MAX_HEADERS) {
      head.fault ??= { message: 'too many header fields', respond: 513 };
      break;
    }
    const field = readHeader(lines[i]);
    if (field) head.message.headers.push(field);
    else head.fault ??= { message: 'malformed header line', respond: 400 };
  }
  return head;
}

/** Content-Length as framing needs it: absent, one number, or a fault (several differing ones, signs, overflow). */
function bodyLength(headers: SipHeader[]): number | 'absent' | 'fault' {
  const values = headerValues({ headers }, 'content-length');
  if (values.length === 0) return 'absent';
  const length = parseDigits(values[0], Number.MAX_SAFE_INTEGER);
  return length === undefined || values.some((value) => value !== values[0]) ? 'fault' : length;
}

/** The message of a complete head and body, or its fault. */
function accept(head: Head, body: Uint8Array): SipMessage | SipFault {
  const { message, fault } = head;
  if (!message) return faultOf(head, fault?.message ?? 'malformed start line', undefined);
  message.body = body;
  if (fault) return faultOf(head, fault.message, fault.respond);
  if (message.kind === 'request') {
    const wrong = requestFault(message);
    return wrong === undefined ? message : faultOf(head, wrong, 400);
  }
  const wrong = responseFault(message);
  return wrong === undefined ? message : faultOf(head, wrong, undefined);
}

/**
 * One datagram, one message; bytes beyond Content-Length are ignored, without Content-Length the rest is the body (§18.3).
 * `keep-alive` for nothing but CR, LF, NUL and space, as NAT keep-alives send (RFC 5626 §4.4, and phones that send zeros).
 */
export function parseDatagram(bytes: Uint8Array): SipMessage | SipFault | 'keep-alive' {
  let start = 0;
  while (start < bytes.length && (bytes[start] === CR || bytes[start] === LF)) start++;
  if (start === bytes.length) return 'keep-alive';
  if (bytes[start] === 0 || bytes[start] === 32) {
    let at = start;
    while (at < bytes.length && (bytes[at] === 0 || bytes[at] === 32 || bytes[at] === CR || bytes[at] === LF)) at++;
    if (at === bytes.length) return 'keep-alive';
  }
  const end = endOfHead(bytes, start, bytes.length);
  if (end < 0 || end - start > MAX_HEAD_BYTES) {
    // Without its blank line the message is cut off; what is there may still say whom to tell.
    const head = readHead(bytes.subarray(start, Math.min(bytes.length, start + MAX_HEAD_BYTES)));
    return faultOf(head, end < 0 ? 'header section does not end' : 'header section too large', end < 0 ? 400 : 513);
  }
  const head = readHead(bytes.subarray(start, end));
  const length = head.message ? bodyLength(head.message.headers) : 'absent';
  const available = bytes.length - end;
  if (head.fault?.respond !== 505) {
    if (length === 'fault') return faultOf(head, 'malformed content-length', 400);
    if (length !== 'absent' && length > available) return faultOf(head, 'body shorter than content-length', 400);
  }
  const size = typeof length === 'number' ? Math.min(length, available) : available;
  if (size > MAX_BODY_BYTES) return faultOf(head, 'body too large', 513);
  return accept(head, bytes.subarray(end, end + size));
}

/**
 * Messages from a stream, framed by Content-Length, which every one must carry (§18.3, §20.14). Holds at most one header
 * section and one body; bytes may arrive in any pieces.
 *
 *     between ──first byte──▶ head ──blank line──▶ body ──Content-Length bytes──▶ between
 *        ▲ CRLF ignored, CRLFCRLF = keep-alive        any state ──lost framing──▶ dead (ignores everything)
 */
export class SipStreamParser {
  #bytes = new Uint8Array(4096);
  #start = 0;
  #end = 0;
  /** Where the search for the blank line goes on. */
  #searched = 0;
  /** LFs in a row between messages. */
  #breaks = 0;
  #head: { head: Head; bodySize: number } | undefined;
  #dead = false;

  /** Takes the next bytes of the stream and gives what they complete. After a fatal fault it gives nothing more. */
  push(chunk: Uint8Array): SipStreamItem[] {
    const items: SipStreamItem[] = [];
    if (this.#dead) return items;
    this.#append(chunk);
    for (let item = this.#next(); item !== undefined; item = this.#next()) {
      items.push(item);
      if (item.kind === 'fault' && item.fatal) {
        this.#dead = true;
        this.#bytes = EMPTY;
        return items;
      }
    }
    this.#compact();
    return items;
  }

  #next(): SipStreamItem | undefined {
    if (!this.#head) {
      if (this.#skipBreaks()) return { kind: 'keep-alive' };
      const fault = this.#takeHead();
      if (fault !== undefined || !this.#head) return fault;
    }
    const { head, bodySize } = this.#head;
    if (this.#end - this.#start < bodySize) return undefined;
    const body = this.#bytes.slice(this.#start, this.#start + bodySize);
    this.#start += bodySize;
    this.#searched = this.#start;
    this.#head = undefined;
    const item = accept(head, body);
    return item.kind === 'fault' ? { ...item, fatal: false } : item;
  }

  /** Passes over CRs and LFs; true at every second LF. */
  #skipBreaks(): boolean {
    for (; this.#start < this.#end; this.#start++) {
      const byte = this.#bytes[this.#start];
      if (byte !== CR && byte !== LF) {
        this.#breaks = 0;
        return false;
      }
      if (byte === LF && ++this.#breaks === 2) {
        this.#breaks = 0;
        this.#start++;
        return true;
      }
    }
    return false;
  }

  /** Reads the header section once its blank line is there; a fault when the end of the message cannot be known. */
  #takeHead(): SipStreamFault | undefined {
    const seen = this.#bytes.subarray(0, this.#end);
    const end = endOfHead(seen, Math.max(this.#start, this.#searched - 2), this.#end);
    this.#searched = this.#end;
    if ((end < 0 ? this.#end : end) - this.#start > MAX_HEAD_BYTES)
      return fatal({ message: undefined, fault: undefined }, 'header section too large', 513);
    if (end < 0) return undefined;
    const head = readHead(seen.subarray(this.#start, end));
    this.#start = end;
    if (!head.message) return fatal(head, head.fault?.message ?? 'malformed start line', undefined);
    const length = bodyLength(head.message.headers);
    if (typeof length !== 'number') return fatal(head, length === 'absent' ? 'no content-length' : 'malformed content-length', 400);
    if (length > MAX_BODY_BYTES) return fatal(head, 'body too large', 513);
    this.#head = { head, bodySize: length };
    return undefined;
  }

  #append(chunk: Uint8Array): void {
    const needed = this.#end + chunk.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.#bytes.subarray(0, this.#end));
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#end);
    this.#end = needed;
  }

  /** Moves what is left to the front; only after something was read, so that no byte moves twice per message. */
  #compact(): void {
    if (this.#start === 0) return;
    this.#bytes.copyWithin(0, this.#start, this.#end);
    this.#end -= this.#start;
    this.#searched = Math.max(0, this.#searched - this.#start);
    this.#start = 0;
  }
}

function fatal(head: Head, message: string, respond: number | undefined): SipStreamFault {
  return { ...faultOf(head, message, respond), fatal: true };
}
