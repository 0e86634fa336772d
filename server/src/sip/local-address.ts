/** Which address of ours a peer can reach, where no public one is set. */
import { isIPv4, isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === '';
}

/** Loopback, link-local and the private ranges of RFC 1918, RFC 4193 and RFC 6598: not reachable from outside. */
export function isPrivateAddress(address: string): boolean {
  if (isIPv4(address)) {
    const [a, b] = address.split('.').map(Number);
    return (
      a === 10 ||
      a === 127 ||
      (a === 172 && b >= 16 && b < 32) ||
      (a === 192 && b === 168) ||
      (a === 169 && b === 254) ||
      (a === 100 && b >= 64 && b < 128)
    );
  }
  return isIPv6(address) && /^(::1$|f[cd]|fe[89ab])/i.test(address);
}

function sameSubnet(a: string, b: string, netmask: string): boolean {
  const bytes = (text: string) => text.split('.').map(Number);
  const [left, right, mask] = [bytes(a), bytes(b), bytes(netmask)];
  return mask.every((byte, i) => (left[i] & byte) === (right[i] & byte));
}

/**
 * The address to put into Via, Contact and SDP for `peer`: the bound one, or, when bound to all, loopback for loopback,
 * the interface in the peer's subnet, else the first that leads outside.
 */
export function localAddressFor(peer: string, bound: string): string {
  if (!isWildcard(bound)) return bound;
  const wantIPv6 = isIPv6(peer);
  if (peer.startsWith('127.')) return '127.0.0.1';
  if (peer === '::1') return '::1';
  const family = wantIPv6 ? 'IPv6' : 'IPv4';
  const candidates = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter((item) => item.family === family && !item.internal && !item.address.startsWith('fe80'));
  const near = wantIPv6 ? undefined : candidates.find((item) => sameSubnet(item.address, peer, item.netmask));
  return (near ?? candidates[0])?.address ?? (wantIPv6 ? '::1' : '127.0.0.1');
}
