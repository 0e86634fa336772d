/** Peers behind a NAT: where responses and requests go so that they arrive (RFC 3261 §18.2, RFC 3581). */
import type { Dialog } from './dialog.ts';
import { replaceTopVia, topVia } from './headers.ts';
import { isPrivateAddress } from './local-address.ts';
import { literalPlace } from './locate.ts';
import type { SipPeer, SipRequest } from './message.ts';

/** Notes in the top Via where a request really came from (§18.2.1, RFC 3581 §4). */
export function noteSource(request: SipRequest, source: SipPeer): void {
  const via = topVia(request);
  if (!via) return;
  const wantsPort = via.params.has('rport');
  if (via.host.toLowerCase() === source.address && !wantsPort) return;
  via.params.set('received', source.address);
  if (wantsPort) via.params.set('rport', String(source.port));
  replaceTopVia(request, via);
}

/**
 * Where the responses of a request go (§18.2.2): over the same connection; over UDP to the source address, at the source
 * port when the peer asked for that, else at the port of its Via. `maddr` is not honoured: it would aim us at others.
 */
export function responsePlace(request: SipRequest, source: SipPeer): SipPeer {
  const via = topVia(request);
  if (source.transport === 'UDP' && via?.params.has('rport')) return source;
  return { ...source, port: via?.port ?? 5060 };
}

/** The source, when the peer's Contact is an address that only its own network knows and no proxy stands between. */
export function placeBehindNat(dialog: Dialog, source: SipPeer): SipPeer | undefined {
  if (dialog.routed || dialog.target === undefined) return undefined;
  const target = literalPlace(dialog.target);
  return target && isPrivateAddress(target.address) && !isPrivateAddress(source.address) ? source : undefined;
}
