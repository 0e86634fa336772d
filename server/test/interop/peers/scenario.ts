/**
 * sipp scenarios, written from steps. Branches and CSeq numbers are spelled out, so that CANCEL and the ACK of a refusal
 * carry those of their INVITE (RFC 3261 §9.1, §17.1.1.3), which sipp's own keywords do not do.
 */

export type Step = string;

export interface ExpectOptions {
  /** May also not come. */
  optional?: boolean;
  /** Keeps tag, Contact and routes for requests within the dialog. */
  dialog?: boolean;
  /** Goes on at this label. */
  next?: string;
  /** The body must match. */
  body?: string;
  /** The whole message must match. */
  header?: string;
  /** Keeps the challenge for `[authentication]`. */
  challenge?: boolean;
  withinMs?: number;
}

export interface RequestOptions {
  branch?: string;
  cseq?: number;
  body?: string;
  headers?: string[];
  /** Retransmits over UDP until something comes (T1, ms). */
  retransmitMs?: number;
}

/** Formats of an offer by payload type, ours for telephone-event is 101. */
const RTPMAP: Record<number, string> = { 0: 'PCMU/8000', 8: 'PCMA/8000', 9: 'G722/8000', 18: 'G729/8000', 101: 'telephone-event/8000' };

export interface SdpOptions {
  formats?: number[];
  direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  version?: number;
}

/** A session description that names sipp's RTP socket. */
export function sdp({ formats = [0, 101], direction = 'sendrecv', version = 1 }: SdpOptions = {}): string {
  return [
    'v=0',
    `o=sipp 53655765 ${version} IN IP[media_ip_type] [media_ip]`,
    's=-',
    'c=IN IP[media_ip_type] [media_ip]',
    't=0 0',
    `m=audio [rtpstream_audio_port] RTP/AVP ${formats.join(' ')}`,
    ...formats.map((format) => `a=rtpmap:${format} ${RTPMAP[format]}`),
    ...(formats.includes(101) ? ['a=fmtp:101 0-16'] : []),
    'a=ptime:20',
    `a=${direction}`,
  ].join('\n');
}

export function scenario(name: string, ...steps: Step[]): string {
  return `<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name="${name}">\n${steps.join('\n')}\n</scenario>\n`;
}

const attributes = (all: Record<string, string | number | boolean | undefined>) =>
  Object.entries(all)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name, value]) => ` ${name}="${value}"`)
    .join('');

function send(lines: string[], own: { retransmitMs?: number } = {}): Step {
  const message = lines.flatMap((line) => line.split('\n')).join('\n');
  return `<send${attributes({ retrans: own.retransmitMs })}><![CDATA[\n\n${message}\n\n]]></send>`;
}

const withBody = (body: string | undefined) =>
  body === undefined ? ['Content-Length: 0', '', ''] : ['Content-Type: application/sdp', 'Content-Length: [len]', '', body];

let checks = 0;

/** Waits for an answer of ours. */
export function expectStatus(status: number, options: ExpectOptions = {}): Step {
  const { optional, dialog, next, body, header, challenge, withinMs } = options;
  const own = attributes({ optional, rrs: dialog, next, auth: challenge, timeout: withinMs });
  const check = (where: string, pattern: string) =>
    `<ereg regexp="${pattern}" search_in="${where}" check_it="true" assign_to="match${++checks}"/><log message="[$match${checks}]"/>`;
  const actions = [...(body === undefined ? [] : [check('body', body)]), ...(header === undefined ? [] : [check('msg', header)])];
  return `<recv response="${status}"${own}>${actions.length > 0 ? `<action>${actions.join('')}</action>` : ''}</recv>`;
}

/** Waits for a request of ours. `verify` checks its digest with sipp's own computation. */
export function expectRequest(method: string, options: { verify?: { username: string; password: string }; withinMs?: number } = {}): Step {
  const { verify, withinMs } = options;
  const recv = (actions: string) =>
    `<recv request="${method}"${attributes({ rrs: method === 'INVITE', timeout: withinMs })}>${actions}</recv>`;
  if (!verify) return recv('');
  const id = `right${++checks}`;
  // An ereg that fails fails the call: the result of verifyauth is a boolean, which only a branch can test.
  return [
    recv(`<action><verifyauth assign_to="${id}" username="${verify.username}" password="${verify.password}"/></action>`),
    `<nop next="${id}" test="${id}"/>`,
    `<nop><action><error message="the digest is wrong"/></action></nop>`,
    `<recv request="NEVER" timeout="1"/>`,
    label(id),
  ].join('\n');
}

export const provisional = (): Step[] => [100, 180, 183].map((status) => expectStatus(status, { optional: true }));
export const wait = (ms: number): Step => `<pause milliseconds="${ms}"/>`;
export const label = (id: string): Step => `<label id="${id}"/>`;
/** Streams a file of raw codec bytes, over and over, 20 ms a packet. */
export const stream = (file: string, payloadType: number): Step =>
  `<nop><action><exec rtp_stream="${file},-1,${payloadType}"/></action></nop>`;
export const stopStream = (): Step => '<nop><action><exec rtp_stream="pause"/></action></nop>';

/** The caller's side of a dialog: `user` calls `number`. */
export function caller(user: string, number: string) {
  let cseq = 0;
  const from = `From: "sipp" <sip:${user}@[local_ip]:[local_port]>;tag=[pid]-[call_number]`;
  const request = (method: string, uri: string, to: string, options: RequestOptions, middle: string[]): Step => {
    const branch = options.branch ?? `${method.toLowerCase()}-${options.cseq ?? cseq}`;
    return send(
      [
        `${method} ${uri} SIP/2.0`,
        `Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-${branch};rport`,
        ...middle,
        from,
        to,
        'Call-ID: [call_id]',
        `CSeq: ${options.cseq ?? cseq} ${method}`,
        'Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>',
        'Max-Forwards: 70',
        ...(options.headers ?? []),
        ...withBody(options.body),
      ],
      options,
    );
  };
  const outside = `sip:${number}@[remote_ip]:[remote_port]`;
  const opening = (method: string, options: RequestOptions) => request(method, outside, `To: <${outside}>`, options, []);
  const within = (method: string, options: RequestOptions) =>
    request(method, '[next_url]', `To: <${outside}>[peer_tag_param]`, options, ['[routes]']);
  return {
    /** A first INVITE; `body` null for one without an offer. */
    invite(options: Omit<RequestOptions, 'body'> & { body?: string | null } = {}): Step {
      cseq++;
      const { body = sdp(), ...more } = options;
      return opening('INVITE', { retransmitMs: 500, branch: `invite-${cseq}`, ...more, body: body ?? undefined });
    },
    /** The same INVITE again, as a retransmission on the wire. */
    inviteAgain: (body: string = sdp()): Step => opening('INVITE', { branch: `invite-${cseq}`, body }),
    /** ACK of a refusal: the INVITE's branch, and the tag of the answer. */
    ackRefusal: (): Step => request('ACK', outside, `To: <${outside}>[peer_tag_param]`, { branch: `invite-${cseq}` }, []),
    options(): Step {
      cseq++;
      return opening('OPTIONS', { retransmitMs: 500 });
    },
    ack: (options: RequestOptions = {}): Step => within('ACK', options),
    reinvite(body: string, options: RequestOptions = {}): Step {
      cseq++;
      return within('INVITE', { retransmitMs: 500, body, ...options });
    },
    within(method: string, options: RequestOptions = {}): Step {
      cseq++;
      return within(method, { retransmitMs: 500, ...options });
    },
    bye(): Step {
      cseq++;
      return within('BYE', { retransmitMs: 500 });
    },
  };
}

/** An answer of sipp to the request it received last. `tag` false: To as it came, within a dialog. */
export function answer(
  status: number,
  reason: string,
  options: { headers?: string[]; body?: string; tag?: boolean; retransmitMs?: number; cseq?: string } = {},
): Step {
  return send(
    [
      `SIP/2.0 ${status} ${reason}`,
      '[last_Via:]',
      '[last_From:]',
      `[last_To:]${options.tag === false ? '' : ';tag=[pid]-[call_number]'}`,
      '[last_Call-ID:]',
      options.cseq === undefined ? '[last_CSeq:]' : `CSeq: ${options.cseq}`,
      'Contact: <sip:sipp@[local_ip]:[local_port];transport=[transport]>',
      ...(options.headers ?? []),
      ...withBody(options.body),
    ],
    options,
  );
}

/** Calls, talks for `ms` from `file`, raw bytes of the first of `formats`, and hangs up. */
export const talking = (phone: ReturnType<typeof caller>, { ms, formats, file }: { ms: number; formats: number[]; file: string }): string =>
  scenario(
    'talk',
    phone.invite({ body: sdp({ formats }) }),
    ...provisional(),
    expectStatus(200, { dialog: true, header: '^SIP/2.0 200' }),
    phone.ack(),
    stream(file, formats[0]),
    wait(ms),
    stopStream(),
    phone.bye(),
    expectStatus(200),
  );
