/**
 * Which parsed messages are acceptable: the header fields every message needs, each once, each well-formed (RFC 3261
 * §8.1.1, §20; treatment of the broken ones after RFC 4475). Lenient where RFC 2543 peers differ: no From tag, no Via
 * branch, no Max-Forwards.
 */
import { isAddress, parseVia } from './address.ts';
import { headerValues, parseCSeq } from './headers.ts';
import { parseDigits, splitOutside } from './lexis.ts';
import type { SipHeader, SipRequest, SipResponse } from './message.ts';

/** Fields that appear once; a second one leaves us guessing which peer means what (RFC 4475 §3.3.8, §3.3.9). */
const SINGLE = new Set(['from', 'to', 'call-id', 'cseq', 'max-forwards', 'content-length', 'content-type']);
const ADDRESS_LISTS = ['contact', 'record-route', 'route'];

/** A sentence about the first fault of the header fields, or undefined. */
function headerFault(headers: readonly SipHeader[]): string | undefined {
  const seen = new Set<string>();
  for (const { name } of headers) {
    if (SINGLE.has(name) && seen.has(name)) return `more than one ${name}`;
    seen.add(name);
  }
  for (const name of ['via', 'from', 'to', 'call-id', 'cseq']) if (!seen.has(name)) return `no ${name}`;
  const message = { headers: [...headers] };
  for (const name of ['from', 'to']) {
    const [value] = headerValues(message, name);
    if (!isAddress(value)) return `malformed ${name}`;
  }
  for (const value of headerValues(message, 'via')) {
    for (const item of splitOutside(value, ',')) if (parseVia(item) === undefined) return 'malformed via';
  }
  for (const name of ADDRESS_LISTS) {
    for (const value of headerValues(message, name)) {
      if (value === '*' && name === 'contact') continue;
      for (const item of splitOutside(value, ',')) if (!isAddress(item)) return `malformed ${name}`;
    }
  }
  const [callId] = headerValues(message, 'call-id');
  if (callId === '' || /[ \t]/.test(callId)) return 'malformed call-id';
  if (parseCSeq(headerValues(message, 'cseq')[0]) === undefined) return 'malformed cseq';
  const [maxForwards] = headerValues(message, 'max-forwards');
  if (maxForwards !== undefined && parseDigits(maxForwards, 255) === undefined) return 'malformed max-forwards';
  return undefined;
}

/** The fault of a request that otherwise parsed: answered with 400 (§21.4.1). */
export function requestFault(request: SipRequest): string | undefined {
  const fault = headerFault(request.headers);
  if (fault !== undefined) return fault;
  if (parseCSeq(headerValues(request, 'cseq')[0])?.method !== request.method) return 'cseq names another method';
  // §19.1.5: a Request-URI never carries header fields.
  if (request.uri?.headers !== undefined) return 'request-uri with header fields';
  return undefined;
}

/** The fault of a response: dropped. More than one Via means it was never ours (§8.1.3.3). */
export function responseFault(response: SipResponse): string | undefined {
  const fault = headerFault(response.headers);
  if (fault !== undefined) return fault;
  const vias = headerValues(response, 'via');
  return vias.length > 1 || splitOutside(vias[0], ',').length > 1 ? 'more than one via' : undefined;
}

/**
 * Enough to answer: a Via to copy (§8.2.6.2). It need not be well-formed, since an answer to a broken message goes back to
 * where the message came from.
 */
export function isAnswerable(headers: readonly SipHeader[]): boolean {
  return headers.some(({ name, value }) => name === 'via' && value !== '');
}
