/** The few TwiML documents Tandem answers with. */

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character]);
const response = (verbs: string): string => `<?xml version="1.0" encoding="UTF-8"?><Response>${verbs}</Response>`;

/** Connects the call's sound to our WebSocket. Twilio strips a query from `url`: the token travels as a parameter. */
export function connectStream(url: string, token: string): string {
  const parameter = `<Parameter name="token" value="${escape(token)}"/>`;
  return response(`<Connect><Stream url="${escape(url)}">${parameter}</Stream></Connect><Hangup/>`);
}

export function sayAndHangUp(text: string): string {
  return response(`<Say>${escape(text)}</Say><Hangup/>`);
}

export const hangUpOnly: string = response('<Hangup/>');

/** The caller hears the network's busy tone; a call refused so costs nothing. */
export const rejectBusy: string = response('<Reject reason="busy"/>');

/** Somebody else takes the call. */
export function dialInstead(target: string): string {
  const to = /^sips?:/i.test(target) ? `<Sip>${escape(target)}</Sip>` : `<Number>${escape(target)}</Number>`;
  return response(`<Dial>${to}</Dial>`);
}
