/** An INVITE as a call that waits for an answer. */
import { Cancelled } from '#kit/abort.ts';
import { TandemError } from '#kit/errors.ts';
import type { IncomingInvite } from '#sip/incoming-invite.ts';
import type { SipHeader, SipPeer } from '#sip/message.ts';
import type { IncomingCall, Refusal } from '../gateway.ts';
import type { Leg } from '../leg.ts';
import type { SipLeg } from './leg.ts';

const statuses: Record<Refusal, number> = {
  'number-unknown': 404,
  'no-common-codec': 488,
  busy: 486,
  'capacity-reached': 503,
  unavailable: 480,
  declined: 603,
};

/** §20.33: when a caller refused for want of lines may try again, seconds. */
const RETRY_AFTER: SipHeader = { name: 'retry-after', value: '10' };
/** §20.43: incompatible media format. */
const WARNING: SipHeader = { name: 'warning', value: '305 tandem "PCMU, PCMA or G722 is needed"' };

/**
 * `overflow` sends a call on that there is no room for (302, §21.3.3): a number is asked for where the call came from, since
 * its trunk knows the way to it.
 */
export function refuseInvite(invite: IncomingInvite, why: Refusal, overflow?: string): void {
  if (overflow !== undefined && (why === 'busy' || why === 'capacity-reached')) {
    const target = /^sips?:/i.test(overflow) ? overflow : `sip:${overflow}@${hostOf(invite.source)}`;
    invite.reject(302, { headers: [{ name: 'contact', value: `<${target}>` }] });
    return;
  }
  const headers = why === 'capacity-reached' ? [RETRY_AFTER] : why === 'no-common-codec' ? [WARNING] : [];
  invite.reject(statuses[why], { headers });
}

const hostOf = ({ address, port }: SipPeer): string => `${address.includes(':') ? `[${address}]` : address}:${port}`;

/** The caller's number: vouched for by the trunk where it does so (RFC 3325), else what From says. */
function callerOf(invite: IncomingInvite): string {
  const identity = (invite.admitted.trunk === undefined ? undefined : invite.assertedIdentity) ?? invite.from;
  const user = identity?.uri.user;
  return user === undefined || user === '' || /^anonymous$/i.test(user) ? 'anonymous' : user;
}

/** `connect` opens ports, makes the leg and its SDP; it may reject with `capacity-reached` or `no-common-codec`. */
export function incomingCall(
  invite: IncomingInvite,
  businessId: string | undefined,
  connect: () => Promise<{ leg: SipLeg; sdp: string }>,
): IncomingCall {
  const answer = async (): Promise<Leg> => {
    let made: { leg: SipLeg; sdp: string };
    try {
      made = await connect();
    } catch (error) {
      const code = error instanceof TandemError ? error.code : undefined;
      refuseInvite(invite, code === 'no-common-codec' || code === 'capacity-reached' ? code : 'unavailable');
      throw error;
    }
    const session = invite.accept(made.sdp, made.leg);
    if (session) {
      made.leg.join(session);
      return made.leg;
    }
    await made.leg.hangUp();
    throw invite.signal.aborted ? invite.signal.reason : new Cancelled('call-ended');
  };
  return {
    gateway: 'sip',
    from: callerOf(invite),
    to: invite.calledUser,
    businessId,
    providerCallId: invite.callId,
    signal: invite.signal,
    ring: () => invite.ring(),
    answer: () => (invite.open ? answer() : Promise.reject((invite.signal.reason as Error) ?? new TandemError('call-ended'))),
    refuse: (why, overflow) => refuseInvite(invite, why, overflow),
  };
}
