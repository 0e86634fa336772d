/** Header fields by name: read as typed values, set, add, remove (RFC 3261 §7.3, §20). */
import { parseNameAddr, parseVia, splitAddress, writeVia } from './address.ts';
import { isToken, parseDigits, skipSpace, splitOutside, trimSpace } from './lexis.ts';
import type { NameAddr, SipHeader, Via } from './message.ts';

/** Anything with header fields: a request, a response, or one in the making. */
export interface WithHeaders {
  headers: SipHeader[];
}

/** §7.3.3, RFC 3515, 3892, 3841, 4028, 6665, 8224: one letter for a long name. */
const COMPACT: Record<string, string> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

/** The long name in lower case. */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return lower.length === 1 ? (COMPACT[lower] ?? lower) : lower;
}

/** The first field of that name, raw; undefined when there is none. */
export function header(message: WithHeaders, name: string): string | undefined {
  const wanted = canonicalName(name);
  for (const field of message.headers) if (field.name === wanted) return field.value;
  return undefined;
}

export function hasHeader(message: WithHeaders, name: string): boolean {
  return header(message, name) !== undefined;
}

/** Every field of that name, raw, in order; comma lists are not split. */
export function headerValues(message: WithHeaders, name: string): string[] {
  const wanted = canonicalName(name);
  return message.headers.filter((field) => field.name === wanted).map((field) => field.value);
}

/** Every field of that name split at commas outside quotes and brackets (§7.3.1); empty items are left out. */
export function headerList(message: WithHeaders, name: string): string[] {
  const items: string[] = [];
  for (const value of headerValues(message, name)) for (const item of splitOutside(value, ',')) if (item !== '') items.push(item);
  return items;
}

/** Option tags, methods and the like, as written. */
export function tokens(message: WithHeaders, name: string): string[] {
  return headerList(message, name).filter(isToken);
}

export function requireTags(message: WithHeaders): string[] {
  return tokens(message, 'require').map((tag) => tag.toLowerCase());
}

export function supportedTags(message: WithHeaders): string[] {
  return tokens(message, 'supported').map((tag) => tag.toLowerCase());
}

function address(message: WithHeaders, name: string): NameAddr | undefined {
  const value = header(message, name);
  return value === undefined ? undefined : parseNameAddr(value);
}

function tagOf(message: WithHeaders, name: string): string | undefined {
  const value = header(message, name);
  return value === undefined ? undefined : splitAddress(value)?.params.get('tag');
}

/** Undefined when missing or of a scheme that is neither SIP nor tel; {@link fromTag} still reads its tag. */
export function from(message: WithHeaders): NameAddr | undefined {
  return address(message, 'from');
}

export function to(message: WithHeaders): NameAddr | undefined {
  return address(message, 'to');
}

export function fromTag(message: WithHeaders): string | undefined {
  return tagOf(message, 'from');
}

export function toTag(message: WithHeaders): string | undefined {
  return tagOf(message, 'to');
}

export function callId(message: WithHeaders): string | undefined {
  return header(message, 'call-id');
}

export interface CSeq {
  number: number;
  method: string;
}

/** `number method` (§20.16); undefined when malformed or 2³² and more. */
export function parseCSeq(text: string): CSeq | undefined {
  let at = 0;
  while (at < text.length && text[at] !== ' ' && text[at] !== '\t') at++;
  const number = parseDigits(text.slice(0, at), 0xffffffff);
  const method = text.slice(skipSpace(text, at));
  return number === undefined || !isToken(method) ? undefined : { number, method };
}

export function cseq(message: WithHeaders): CSeq | undefined {
  const value = header(message, 'cseq');
  return value === undefined ? undefined : parseCSeq(value);
}

/** Every Via, topmost first; malformed ones are left out. */
export function vias(message: WithHeaders): Via[] {
  return headerList(message, 'via').flatMap((text) => parseVia(text) ?? []);
}

export function topVia(message: WithHeaders): Via | undefined {
  const value = header(message, 'via');
  return value === undefined ? undefined : parseVia(splitOutside(value, ',')[0]);
}

/** Rewrites the topmost Via (`received`, `rport`) and keeps all others. */
export function replaceTopVia(message: WithHeaders, via: Via): void {
  const field = message.headers.find((item) => item.name === 'via');
  if (!field) prependHeader(message, 'via', writeVia(via));
  else field.value = [writeVia(via), ...splitOutside(field.value, ',').slice(1)].join(', ');
}

/** A header field of addresses, in order; items that are no SIP or tel address are left out. */
export function addresses(message: WithHeaders, name: string): NameAddr[] {
  return headerList(message, name).flatMap((text) => parseNameAddr(text) ?? []);
}

export function contacts(message: WithHeaders): NameAddr[] {
  return addresses(message, 'contact');
}

/** The first Contact: the remote target of a dialog (§12.1). */
export function contact(message: WithHeaders): NameAddr | undefined {
  const first = headerList(message, 'contact')[0];
  return first === undefined ? undefined : parseNameAddr(first);
}

/** `Contact: *` of a REGISTER that removes all bindings (§10.2.2). */
export function isStarContact(message: WithHeaders): boolean {
  return header(message, 'contact') === '*';
}

/** Record-Route or Route, topmost first. The texts are kept too, since parameters must be echoed verbatim (§12.1.1). */
export function routeSet(message: WithHeaders, name: 'record-route' | 'route'): NameAddr[] {
  return addresses(message, name);
}

function digits(message: WithHeaders, name: string, max: number): number | undefined {
  const value = header(message, name);
  return value === undefined ? undefined : parseDigits(value, max);
}

/** Bytes. Undefined when absent or no number. */
export function contentLength(message: WithHeaders): number | undefined {
  return digits(message, 'content-length', Number.MAX_SAFE_INTEGER);
}

export function maxForwards(message: WithHeaders): number | undefined {
  return digits(message, 'max-forwards', 255);
}

/** Seconds, of the Expires header field; a value beyond 2³²-1 counts as that much (§20.19). */
export function expires(message: WithHeaders): number | undefined {
  const value = header(message, 'expires');
  return value === undefined ? undefined : deltaSeconds(value);
}

/** delta-seconds (§25.1) capped at 2³²-1; undefined when no number. */
export function deltaSeconds(text: string): number | undefined {
  const value = parseDigits(text, Number.MAX_VALUE);
  return value === undefined ? undefined : Math.min(value, 0xffffffff);
}

/** `type/subtype` in lower case without parameters; undefined when absent or malformed. */
export function contentType(message: WithHeaders): string | undefined {
  const value = header(message, 'content-type');
  if (value === undefined) return undefined;
  const [type, subtype, ...more] = splitOutside(value, ';')[0].split('/');
  const whole = `${trimSpace(type)}/${trimSpace(subtype ?? '')}`.toLowerCase();
  return more.length > 0 || !isToken(trimSpace(type)) || !isToken(trimSpace(subtype ?? '')) ? undefined : whole;
}

/** Replaces every field of that name by one, in place of the first. */
export function setHeader(message: WithHeaders, name: string, value: string | number): void {
  const wanted = canonicalName(name);
  const index = message.headers.findIndex((field) => field.name === wanted);
  if (index < 0) return addHeader(message, name, value);
  const kept = message.headers.filter((field, i) => i <= index || field.name !== wanted);
  kept[index] = { name: wanted, value: String(value) };
  message.headers = kept;
}

/** Appends a field after all others. */
export function addHeader(message: WithHeaders, name: string, value: string | number): void {
  message.headers.push({ name: canonicalName(name), value: String(value) });
}

/** Puts a field before all others: Via and Record-Route of a new hop. */
export function prependHeader(message: WithHeaders, name: string, value: string | number): void {
  message.headers.unshift({ name: canonicalName(name), value: String(value) });
}

export function removeHeader(message: WithHeaders, name: string): void {
  const wanted = canonicalName(name);
  message.headers = message.headers.filter((field) => field.name !== wanted);
}
