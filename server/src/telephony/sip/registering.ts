/** A trunk's registration at its PBX or carrier. */
import type { Log } from '#kit/log.ts';
import type { Registration } from '#sip/registration.ts';
import type { SipUserAgent } from '#sip/user-agent.ts';
import type { TrunkConfig } from '../gateway.ts';
import { peerUri } from './trunk-table.ts';

/** Registers when the trunk says where and as whom; undefined otherwise. Runs until its `stop`. */
export function registerTrunk(agent: SipUserAgent, trunk: TrunkConfig, log: Log): Registration | undefined {
  const { registrar, registerUser: user, registerPassword: password } = trunk;
  if (registrar === undefined || user === undefined) return undefined;
  const uri = peerUri(registrar);
  if (!uri) {
    log.warn({ trunkId: trunk.id, registrar }, 'a registrar is no SIP address');
    return undefined;
  }
  return agent.register({
    registrar: uri,
    user,
    credentials: password === undefined ? undefined : { username: user, password },
    onState: (state) => {
      const fields = { trunkId: trunk.id, businessId: trunk.businessId, ...state };
      if (state.kind === 'failed') log.warn(fields, 'a registration failed');
      else log.info(fields, 'a registration changed');
    },
  });
}
