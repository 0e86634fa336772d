/** The sending half of the user agent: where a request goes, what it says of us, and by which transport (RFC 3261 §8.1, §18.1). */
import type { Kit } from '#kit/kit.ts';
import type { Hop, RequestUser } from './core.ts';
import { prependHeader } from './headers.ts';
import { localAddressFor } from './local-address.ts';
import { literalPlace, locate, type NameService } from './locate.ts';
import type { SipMessage, SipPeer, SipRequest, SipResponse } from './message.ts';
import { cancelOf } from './request.ts';
import type { ClientTransactionUser, TransactionWire } from './transaction.ts';
import { MAGIC_COOKIE, type Transactions } from './transactions.ts';
import type { SendFailure, SipTransport } from './transport.ts';
import { sipUri, writeHostPort, writeUri } from './uri.ts';
import { writeMessage } from './write.ts';

export interface SenderOptions {
  kit: Kit;
  host: string;
  publicHost: string | undefined;
  publicPort: number | undefined;
  names: NameService;
  transports: readonly SipTransport[];
  transactions: Transactions;
}

/** The answer to a CANCEL says nothing: the INVITE's own final response does. */
const IGNORED: ClientTransactionUser = { response: () => {}, failed: () => {} };

export class SipSender {
  readonly #options: SenderOptions;
  #closed = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** From now on nothing new is sent. */
  close(): void {
    this.#closed = true;
  }

  /** See {@link SipCore.request}. A request stays on UDP whatever its size: many trunks listen to nothing else (against §18.1.1). */
  request(draft: SipRequest, hop: Hop, user: RequestUser, contactUser?: string): void {
    void this.#places(hop).then((places) => {
      if (places.length === 0 || this.#closed) user.failed('transport');
      else this.#attempt(draft, places, user, contactUser);
    });
  }

  #attempt(draft: SipRequest, [place, ...others]: readonly SipPeer[], user: RequestUser, contactUser: string | undefined): void {
    const { transactions } = this.#options;
    const request = this.#withVia(draft, place);
    if (contactUser !== undefined) request.headers.push({ name: 'contact', value: this.contact(contactUser || undefined, place) });
    const wire = this.wire(place);
    let heard = false;
    const transaction = transactions.request(request, wire, {
      response: (response: SipResponse) => {
        if (response.status === 503 && !heard && others.length > 0) {
          this.#attempt(draft, others, user, contactUser);
          return;
        }
        heard = true;
        user.response(response);
      },
      failed: (why) => {
        if (!heard && others.length > 0) this.#attempt(draft, others, user, contactUser);
        else user.failed(why);
      },
    });
    user.sent?.({
      request,
      place,
      cancel: () => transactions.request(cancelOf(request), wire, IGNORED).start(),
      abandon: () => transaction.end(),
    });
    transaction.start();
  }

  ack(draft: SipRequest, hop: Hop): void {
    void this.#places(hop).then(([place]) => {
      if (place) this.send(this.#withVia(draft, place), place);
    });
  }

  /** Our Contact as `peer` can reach it. */
  contact(user: string | undefined, peer: SipPeer): string {
    const { host, port } = this.#advertised(peer);
    const uri = sipUri(user, host, port);
    if (peer.transport === 'TCP') uri.params.set('transport', 'tcp');
    return `<${writeUri(uri)}>`;
  }

  /** Our address as `peer` can reach it. */
  addressFor(peer: SipPeer): string {
    const { publicHost, host } = this.#options;
    return publicHost ?? localAddressFor(peer.address, this.#transport(peer)?.address ?? host);
  }

  /** The way of one transaction. */
  wire(peer: SipPeer): TransactionWire {
    // A retransmission is the same bytes: they are written once.
    let last: { message: SipRequest | SipResponse; bytes: Uint8Array } | undefined;
    return {
      reliable: this.#transport(peer)?.reliable ?? false,
      send: (message, onFailure) => {
        if (last?.message !== message) last = { message, bytes: writeMessage(message) };
        this.#sendBytes(last.bytes, peer, onFailure);
      },
    };
  }

  /** Sends outside any transaction. */
  send(message: SipMessage, peer: SipPeer): void {
    this.#sendBytes(writeMessage(message), peer, undefined);
  }

  #advertised(peer: SipPeer): { host: string; port: number } {
    return { host: this.addressFor(peer), port: this.#options.publicPort ?? this.#transport(peer)?.port ?? 5060 };
  }

  #withVia(draft: SipRequest, place: SipPeer): SipRequest {
    const request: SipRequest = { ...draft, headers: [...draft.headers] };
    const { host, port } = this.#advertised(place);
    const branch = `${MAGIC_COOKIE}${this.#options.kit.ids.token(20)}`;
    prependHeader(request, 'via', `SIP/2.0/${place.transport} ${writeHostPort(host, port)};branch=${branch};rport`);
    return request;
  }

  async #places(hop: Hop): Promise<SipPeer[]> {
    const { uri, heardFrom } = hop;
    if (heardFrom?.transport === 'UDP') return [heardFrom];
    if (heardFrom) {
      // The connection while it is open; after that a new one, to where the peer says that it listens.
      const place = uri && literalPlace(uri);
      return [place ? { ...place, transport: 'TCP', connection: heardFrom.connection } : heardFrom];
    }
    return uri ? locate(uri, this.#options.names, this.#options.kit.clock) : [];
  }

  #transport(peer: SipPeer): SipTransport | undefined {
    return this.#options.transports.find((transport) => transport.name === peer.transport);
  }

  #sendBytes(bytes: Uint8Array, peer: SipPeer, onFailure: SendFailure | undefined): void {
    const transport = this.#transport(peer);
    if (transport) transport.send(bytes, peer, onFailure);
    else queueMicrotask(() => onFailure?.(new Error(`no ${peer.transport} transport`)));
  }
}
