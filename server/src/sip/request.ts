/** Requests that are made from another request: the ACK of a failure (RFC 3261 §17.1.1.3) and CANCEL (§9.1). */
import { addHeader, callId, cseq, header, headerValues } from './headers.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { splitOutside } from './lexis.ts';

function sameTransaction(method: string, invite: SipRequest, toValue: string): SipRequest {
  const request: SipRequest = {
    kind: 'request',
    method,
    uriText: invite.uriText,
    uri: invite.uri,
    headers: [],
    body: new Uint8Array(0),
  };
  addHeader(request, 'via', splitOutside(header(invite, 'via') ?? '', ',')[0]);
  for (const route of headerValues(invite, 'route')) addHeader(request, 'route', route);
  addHeader(request, 'max-forwards', 70);
  addHeader(request, 'from', header(invite, 'from') ?? '');
  addHeader(request, 'to', toValue);
  addHeader(request, 'call-id', callId(invite) ?? '');
  addHeader(request, 'cseq', `${cseq(invite)?.number ?? 0} ${method}`);
  return request;
}

/** The ACK of a 300-699 response: same Request-URI, top Via, Route and CSeq number; To as answered. */
export function ackForFailure(invite: SipRequest, response: SipResponse): SipRequest {
  return sameTransaction('ACK', invite, header(response, 'to') ?? header(invite, 'to') ?? '');
}

/** The CANCEL of a pending INVITE: everything as in the INVITE, so that every proxy finds the same transaction. */
export function cancelOf(invite: SipRequest): SipRequest {
  return sameTransaction('CANCEL', invite, header(invite, 'to') ?? '');
}
