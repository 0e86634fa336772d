/**
 * Which addresses a tool may reach: public ones, on web ports, and what the operator allows besides. Server-side request
 * forgery is stopped here, before a connection is made.
 */
import ipaddr from 'ipaddr.js';
import { TandemError } from '#kit/errors.ts';

/** Where web services listen. */
const WEB_PORTS: readonly number[] = [80, 443, 8080, 8443];

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** What the operator allows beyond public addresses. */
export interface EgressExceptions {
  /** `host:port`, lower case: reached whatever its address and port are. */
  readonly hosts: ReadonlySet<string>;
  /** Address ranges that are reached as if they were public, on web ports. */
  readonly ranges: readonly [Address, number][];
}

/**
 * Reads a comma-separated list of `host:port` (`crm.internal:8080`, `[::1]:9000`) and CIDR ranges (`10.1.0.0/16`).
 * Throws `setting-invalid` naming the entry that is neither.
 */
export function parseExceptions(list: string): EgressExceptions {
  const hosts = new Set<string>();
  const ranges: [Address, number][] = [];
  for (const entry of list.split(',').map((one) => one.trim().toLowerCase())) {
    if (entry === '') continue;
    if (ipaddr.isValidCIDR(entry)) ranges.push(ipaddr.parseCIDR(entry));
    else if (/^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):\d{1,5}$/.test(entry)) hosts.add(entry);
    else throw new TandemError('setting-invalid', `${entry} is neither host:port nor a CIDR range`);
  }
  return { hosts, ranges };
}

/** `host:port` as {@link EgressExceptions} writes it. */
export function hostAndPort(url: URL): string {
  return `${url.hostname.toLowerCase()}:${portOf(url)}`;
}

export function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

/**
 * Why `url` may not be asked, as a short text without its path or query; undefined when its form is acceptable. What its
 * name resolves to is checked by {@link addressFault}.
 */
export function urlFault(url: URL, exceptions: EgressExceptions, ports: readonly number[] = []): string | undefined {
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `${url.protocol} is not http or https`;
  if (url.username !== '' || url.password !== '') return 'a name or password in the address is not allowed';
  if (url.hostname === '') return 'the address has no host';
  const port = portOf(url);
  if (WEB_PORTS.includes(port) || ports.includes(port) || exceptions.hosts.has(hostAndPort(url))) return undefined;
  return `port ${port} is not allowed`;
}

/**
 * Why this address of a host may not be connected to; undefined when it may. Everything that is not plain unicast space
 * of the public Internet is refused: private (RFC 1918), loopback, link-local with the clouds' metadata services
 * (RFC 3927), carrier NAT (RFC 6598), unspecified, multicast, reserved, unique local (RFC 4193), and every IPv6 form
 * that carries an IPv4 address in it (mapped, compatible, RFC 6052, 6to4, Teredo).
 * @param own addresses of this machine, refused even where they are public
 */
export function addressFault(text: string, exceptions: EgressExceptions, own: readonly string[] = []): string | undefined {
  if (!ipaddr.isValid(text)) return 'the address could not be read';
  const address: Address = ipaddr.parse(text);
  if (exceptions.ranges.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))) return undefined;
  const range = address.range();
  if (range !== 'unicast') return `an address of the kind ${range} is not allowed`;
  // ::a.b.c.d, "IPv4-compatible" (RFC 4291 §2.5.5.1, deprecated), and fe.. leftovers are nowhere on the public Internet: 2000::/3 is.
  if (address instanceof ipaddr.IPv6 && address.parts[0] >> 13 !== 1) return 'an address outside 2000::/3 is not allowed';
  if (own.some((one) => ipaddr.isValid(one) && ipaddr.parse(one).toNormalizedString() === address.toNormalizedString()))
    return 'an address of this machine is not allowed';
  return undefined;
}
