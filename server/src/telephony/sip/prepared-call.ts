import type { RtpPorts } from '#rtp/port-pair.ts';
import type { SipLeg } from './leg.ts';
import type { Negotiation } from './negotiation.ts';

/** A call for which ports are open. */
export interface PreparedCall {
  ports: RtpPorts;
  negotiation: Negotiation;
  /** Makes its leg, in the format that the agreed codec calls for. From then on the leg owns the ports. */
  leg: () => SipLeg;
}
