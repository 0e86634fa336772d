/** From a URI to the places its requests can be sent to (RFC 3263 §4), without NAPTR: literal address, port, SRV, address. */
import { lookup, Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Clock } from '#kit/clock.ts';
import type { SipPeer, SipTransportName, SipUri } from './message.ts';

/** The names behind a host, as the machine's resolver gives them; tests bring their own. */
export interface NameService {
  addresses(host: string): Promise<string[]>;
  /** Sorted by priority and weight, best first. */
  services(name: string): Promise<{ host: string; port: number }[]>;
}

/** How long names may take, ms. */
const RESOLVE_MS = 4000;
/** Places tried for one request. */
const MAX_PLACES = 4;

/** The machine's own resolver; /etc/hosts counts for addresses. */
export function systemNames(): NameService {
  const resolver = new Resolver({ timeout: 1500, tries: 2 });
  return {
    addresses: async (host) => (await lookup(host, { all: true, order: 'ipv4first' })).map((item) => item.address),
    services: async (name) => {
      const records = await resolver.resolveSrv(name);
      return records.sort((a, b) => a.priority - b.priority || b.weight - a.weight).map((item) => ({ host: item.name, port: item.port }));
    },
  };
}

export function transportOf(uri: SipUri): SipTransportName {
  return uri.params.get('transport')?.toLowerCase() === 'tcp' ? 'TCP' : 'UDP';
}

/** The one place of a URI that needs no name service; undefined where it does. */
export function literalPlace(uri: SipUri): SipPeer | undefined {
  const host = uri.params.get('maddr') ?? uri.host;
  if (isIP(host) === 0) return undefined;
  return { transport: transportOf(uri), address: host, port: uri.port ?? 5060, connection: undefined };
}

/** Best first; empty when the name leads nowhere or the resolver takes too long. Never rejects. */
export async function locate(uri: SipUri, names: NameService, clock: Clock): Promise<SipPeer[]> {
  const literal = literalPlace(uri);
  if (literal) return [literal];
  const timeout = Promise.withResolvers<SipPeer[]>();
  const timer = clock.after(RESOLVE_MS, () => timeout.resolve([]));
  const places = await Promise.race([resolve(uri, names).catch(() => []), timeout.promise]);
  timer.cancel();
  return places;
}

async function resolve(uri: SipUri, names: NameService): Promise<SipPeer[]> {
  const transport = transportOf(uri);
  const host = uri.params.get('maddr') ?? uri.host;
  // §4.2: SRV only where the URI names no port.
  const services = uri.port === undefined ? await names.services(`_sip._${transport.toLowerCase()}.${host}`).catch(() => []) : [];
  const targets = services.length > 0 ? services : [{ host, port: uri.port ?? 5060 }];
  const places: SipPeer[] = [];
  for (const target of targets.slice(0, MAX_PLACES)) {
    const addresses = isIP(target.host) === 0 ? await names.addresses(target.host).catch(() => []) : [target.host];
    for (const address of addresses) places.push({ transport, address, port: target.port, connection: undefined });
  }
  return places.slice(0, MAX_PLACES);
}
