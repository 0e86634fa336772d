/** A dialog (RFC 3261 §12): the two ends' tags, the route, the remote target, and the sequence numbers both ways. */
import { parseNameAddr } from './address.ts';
import { addHeader, callId, contact, cseq, fromTag, header, headerList, setHeader, toTag } from './headers.ts';
import type { SipHeader, SipRequest, SipResponse, SipUri } from './message.ts';
import { parseUri, writeUri } from './uri.ts';
import { newRequest } from './write.ts';

/** What identifies a dialog on our side (§12). */
export interface DialogId {
  callId: string;
  localTag: string;
  remoteTag: string;
}

export function dialogKey(id: DialogId): string {
  return `${id.callId} ${id.localTag} ${id.remoteTag}`;
}

/** The dialog that a request inside one names; undefined when its To has no tag. */
export function dialogOf(request: SipRequest): DialogId | undefined {
  const localTag = toTag(request);
  if (localTag === undefined) return undefined;
  return { callId: callId(request) ?? '', localTag, remoteTag: fromTag(request) ?? '' };
}

export interface RequestOptions {
  headers?: readonly SipHeader[];
  body?: string;
  contentType?: string;
}

interface DialogStart extends DialogId {
  /** From and To values of our requests, tags included. */
  local: string;
  remote: string;
  target: SipUri | undefined;
  route: readonly string[];
  localSeq: number;
  remoteSeq: number | undefined;
}

export class Dialog implements DialogId {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly #local: string;
  readonly #remote: string;
  /** Verbatim, in the order our requests take it. */
  readonly #route: readonly string[];
  #target: SipUri | undefined;
  #localSeq: number;
  #remoteSeq: number | undefined;

  constructor(start: DialogStart) {
    this.callId = start.callId;
    this.localTag = start.localTag;
    this.remoteTag = start.remoteTag;
    this.#local = start.local;
    this.#remote = start.remote;
    this.#target = start.target;
    this.#route = start.route;
    this.#localSeq = start.localSeq;
    this.#remoteSeq = start.remoteSeq;
  }

  /** §12.1.1. `localTag` is the To tag of our responses, `firstSeq` the number before our first request. */
  static asServer(invite: SipRequest, localTag: string, firstSeq: number): Dialog {
    const remote = header(invite, 'from') ?? '';
    return new Dialog({
      callId: callId(invite) ?? '',
      localTag,
      remoteTag: fromTag(invite) ?? '', // an RFC 2543 peer may have none
      local: withTag(header(invite, 'to') ?? '', localTag),
      remote,
      target: contact(invite)?.uri ?? parseNameAddr(remote)?.uri,
      route: headerList(invite, 'record-route'),
      localSeq: firstSeq,
      remoteSeq: cseq(invite)?.number,
    });
  }

  /** §12.1.2, from a 101-299 response. */
  static asClient(invite: SipRequest, response: SipResponse): Dialog {
    return new Dialog({
      callId: callId(invite) ?? '',
      localTag: fromTag(invite) ?? '',
      remoteTag: toTag(response) ?? '',
      local: header(invite, 'from') ?? '',
      remote: header(response, 'to') ?? '',
      target: contact(response)?.uri ?? invite.uri,
      route: headerList(response, 'record-route').toReversed(),
      localSeq: cseq(invite)?.number ?? 1,
      remoteSeq: undefined,
    });
  }

  /** Where requests are sent (§8.1.2): the first route, else the remote target. Undefined when the peer gave no usable address. */
  get nextHop(): SipUri | undefined {
    return this.#route.length > 0 ? parseNameAddr(this.#route[0])?.uri : this.#target;
  }

  /** True when requests go through Record-Route proxies. */
  get routed(): boolean {
    return this.#route.length > 0;
  }

  get target(): SipUri | undefined {
    return this.#target;
  }

  /** A new request inside the dialog (§12.2.1.1), without Via and Contact. */
  request(method: string, options: RequestOptions = {}): SipRequest {
    return this.#build(method, ++this.#localSeq, options);
  }

  /** The ACK of a 2xx: the INVITE's number, and its credentials (§13.2.2.4, §22.1). */
  ack(invite: SipRequest, options: RequestOptions = {}): SipRequest {
    const ack = this.#build('ACK', cseq(invite)?.number ?? this.#localSeq, options);
    for (const name of ['authorization', 'proxy-authorization']) {
      for (const field of invite.headers) if (field.name === name) addHeader(ack, name, field.value);
    }
    return ack;
  }

  /** The same request again with the next number: after a challenge (§22.2). */
  renumber(request: SipRequest): void {
    setHeader(request, 'cseq', `${++this.#localSeq} ${request.method}`);
  }

  #build(method: string, number: number, options: RequestOptions): SipRequest {
    const target = this.#target ? writeUri(this.#target) : 'sip:invalid';
    let uri = target;
    let route = this.#route;
    const first = route.length > 0 ? parseNameAddr(route[0])?.uri : undefined;
    if (first && !first.params.has('lr')) {
      // A strict router wants its own address as Request-URI, and the target last.
      uri = writeUri({ ...first, headers: undefined });
      route = [...route.slice(1), `<${target}>`];
    }
    return newRequest({
      method,
      uri: parseUri(uri) ?? uri,
      from: this.#local,
      to: this.#remote,
      callId: this.callId,
      cseq: number,
      route,
      headers: options.headers,
      body: options.body,
      contentType: options.contentType,
    });
  }

  /** §12.2.2: false for a request that is older than one we have seen (answer 500). ACK does not count. */
  acceptsSeq(request: SipRequest): boolean {
    const number = cseq(request)?.number;
    if (number === undefined) return false;
    if (this.#remoteSeq !== undefined && number < this.#remoteSeq) return false;
    this.#remoteSeq = number;
    return true;
  }

  /** Target refresh (§12.2.1.2, §12.2.2): only INVITE and UPDATE, and their 2xx, move the remote target. */
  retarget(message: SipRequest | SipResponse): void {
    const moved = contact(message)?.uri;
    if (moved && moved.scheme !== 'tel') this.#target = moved;
  }
}

function withTag(value: string, tag: string): string {
  return parseNameAddr(value)?.params.has('tag') ? value : `${value};tag=${tag}`;
}
