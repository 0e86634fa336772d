/** Trunks as the user agent asks for them: by source address, by user, and for calls out by business. */
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { SipUri } from '#sip/message.ts';
import { parseUri } from '#sip/uri.ts';
import type { TrunkConfig } from '../gateway.ts';

/** Addresses remembered, known or not: asked for every message. */
const MOST_REMEMBERED = 4_096;

export class TrunkTable {
  readonly #byId = new Map<string, TrunkConfig>();
  readonly #byUser = new Map<string, TrunkConfig>();
  readonly #sources: { list: BlockList; id: string }[] = [];
  readonly #remembered = new Map<string, string | undefined>();
  /** Sources that are no address or CIDR range, for the log. */
  readonly faults: string[] = [];

  constructor(trunks: readonly TrunkConfig[]) {
    for (const trunk of trunks) {
      this.#byId.set(trunk.id, trunk);
      if (trunk.username !== undefined && trunk.password !== undefined) this.#byUser.set(trunk.username, trunk);
      const list = new BlockList();
      for (const source of trunk.sources) if (!addSource(list, source)) this.faults.push(`${trunk.name}: ${source}`);
      // Calls of a registrar or proxy that is given as an address come from there.
      for (const peer of [trunk.registrar, trunk.outboundProxy]) {
        const host = peer === undefined ? undefined : peerUri(peer)?.host;
        if (host !== undefined && isIP(host) !== 0) addSource(list, host);
      }
      this.#sources.push({ list, id: trunk.id });
    }
  }

  get all(): Iterable<TrunkConfig> {
    return this.#byId.values();
  }

  byId(id: string): TrunkConfig | undefined {
    return this.#byId.get(id);
  }

  /** The trunk of a caller's credential. */
  byUser(username: string): TrunkConfig | undefined {
    return this.#byUser.get(username);
  }

  /** The id of the first trunk that names this source; undefined for strangers. */
  bySource(address: string): string | undefined {
    if (this.#remembered.has(address)) return this.#remembered.get(address);
    const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
    const family = isIPv6(plain) ? 'ipv6' : 'ipv4';
    const id = this.#sources.find(({ list }) => isIP(plain) !== 0 && list.check(plain, family))?.id;
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(address, id);
    return id;
  }

  /** The way out of a business; undefined when none is configured. */
  outbound(businessId: string): { trunk: TrunkConfig; proxy: SipUri } | undefined {
    for (const trunk of this.#byId.values()) {
      if (trunk.businessId !== businessId || trunk.outboundProxy === undefined) continue;
      const proxy = peerUri(trunk.outboundProxy);
      if (proxy) return { trunk, proxy };
    }
    return undefined;
  }
}

/** A SIP URI, or `host`, `host:port`, with or without parameters. */
export function peerUri(text: string): SipUri | undefined {
  const trimmed = text.trim();
  return parseUri(/^sips?:/i.test(trimmed) ? trimmed : `sip:${trimmed}`);
}

function addSource(list: BlockList, source: string): boolean {
  const [address, bits, more] = source.trim().split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  if (bits === undefined) list.addAddress(address, family);
  else if (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32)) list.addSubnet(address, Number(bits), family);
  else return false;
  return true;
}
