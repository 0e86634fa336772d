import { z } from 'zod';
import { defineVendor } from '#kit/vendor.ts';
import type { DigestAlgorithm } from '#sip/digest.ts';
import { UDP_KINDS } from '#rtp/udp.ts';
import type { AudioCodec } from '#sip/offer-answer.ts';
import type { GatewayContext } from '../gateway.ts';
import { SipGateway } from './gateway.ts';

const PORT_RANGE = /^(\d{1,5})\s*-\s*(\d{1,5})$/;
const CODECS = ['PCMU', 'PCMA', 'G722'] as const satisfies readonly AudioCodec[];

const rtpPorts = z
  .string()
  .default('20000-23999')
  .transform((text, context) => {
    const [, low, high] = PORT_RANGE.exec(text.trim()) ?? [];
    const range = { low: Number(low), high: Number(high) };
    if (range.low >= 1024 && range.high <= 65_535 && range.high > range.low) return range;
    context.addIssue({ code: 'custom', message: 'is a range of ports such as 20000-23999, between 1024 and 65535' });
    return z.NEVER;
  });

const codecs = z
  .string()
  .default(CODECS.join(','))
  .transform((text, context) => {
    const names = text.split(',').map((name) => name.trim().toUpperCase());
    const known = names.filter((name): name is AudioCodec => CODECS.includes(name as AudioCodec));
    if (known.length > 0 && known.length === names.length) return known;
    context.addIssue({ code: 'custom', message: `is a list of ${CODECS.join(', ')}` });
    return z.NEVER;
  });

/** Some phones drop a call whose challenge names an algorithm they do not know, so SHA-256 is asked for, not assumed. */
const digest = z
  .string()
  .default('MD5')
  .transform((text, context) => {
    const names = text.split(',').map((name) => name.trim().toUpperCase());
    const known = names.filter((name): name is DigestAlgorithm => name === 'MD5' || name === 'SHA-256');
    if (known.length > 0 && known.length === names.length) return known;
    context.addIssue({ code: 'custom', message: 'is a list of SHA-256, MD5' });
    return z.NEVER;
  });

const settings = z.object({
  host: z.string().default('127.0.0.1').meta({ env: 'SIP_HOST', description: 'Address that SIP and RTP listen on; 0.0.0.0 for all' }),
  port: z.coerce.number().int().min(0).max(65_535).default(5060).meta({ env: 'SIP_PORT', description: 'Port of SIP, UDP and TCP' }),
  publicHost: z
    .string()
    .optional()
    .meta({ env: 'SIP_PUBLIC_HOST', description: 'Address that peers reach us at, when a NAT or container hides it' }),
  rtpPorts: rtpPorts.meta({ env: 'RTP_PORTS', description: 'Range of UDP ports for sound, two per call' }),
  udp: z.enum(UDP_KINDS).default('auto').meta({
    env: 'TANDEM_UDP',
    description: 'Who moves datagrams of sound: native (batched, Linux x64 and arm64), dgram (everywhere), or auto',
  }),
  callsPerPort: z.coerce.number().int().min(1).max(64).optional().meta({
    env: 'TANDEM_RTP_CALLS_PER_PORT',
    description:
      'Calls in that may share a pair of RTP ports, told apart by address; unset: 1, and 16 from the 100th call on, which is cheaper',
  }),
  digest: digest.meta({
    env: 'SIP_DIGEST',
    description: 'Digest algorithms that callers who sign in are offered, best first: SHA-256,MD5',
  }),
  codecs: codecs.meta({ env: 'SIP_CODECS', description: 'Codecs we take and offer, ours first when we offer' }),
});

/** Phones, PBXs and carriers over our own SIP user agent. */
export const sip = defineVendor({
  name: 'sip',
  settings,
  gateway: (own: z.infer<typeof settings>, context: GatewayContext) => new SipGateway(own, context),
});
