/**
 * The offer/answer model (RFC 3264) for one audio stream: PCMU, PCMA, G722 and telephone-event. Pure: text in, text and
 * the agreement out. In an answer one codec is named, so that the peer cannot change it without a new offer.
 */
import { connectionOf, findAttribute, parseSdp, type Sdp, type SdpAttribute, type SdpMedia, writeSdp } from './sdp.ts';

export type AudioCodec = 'PCMU' | 'PCMA' | 'G722';

/** As seen from us. */
export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** What we bring to an offer or an answer. */
export interface LocalMedia {
  /** The literal address that the peer sends to. */
  address: string;
  port: number;
  /** `port + 1` unless told otherwise (RFC 3605). */
  rtcpPort?: number;
  /** Accept or offer RTCP on the RTP port (RFC 5761); true unless told otherwise. */
  rtcpMux?: boolean;
  /** Ours, in order of preference. */
  codecs: readonly AudioCodec[];
  /** Whose order of preference decides an answer; the offerer's unless told otherwise (RFC 3264 §6.1). */
  prefer?: 'offerer' | 'local';
  /** Digits that name the session of a first description; later ones take it from the previous. */
  sessionId: string;
  /** Whether we want to send and receive; `sendonly` or `inactive` put the peer on hold. */
  direction?: MediaDirection;
  /** Milliseconds of sound per packet that we ask for; 20 unless told otherwise. */
  ptimeMs?: number;
}

/** What both sides agreed on for the audio stream. */
export interface AgreedMedia {
  remoteAddress: string;
  /** 0 never: a refused stream is `no-common-codec`. */
  remotePort: number;
  remoteRtcpAddress: string;
  remoteRtcpPort: number;
  rtcpMux: boolean;
  codec: AudioCodec;
  /** RTP clock in Hz: 8000 for all three, G722 included (RFC 3551 §4.5.2). */
  clockRate: 8000;
  /** The payload type to send; and the one to expect, which may differ when we offered. */
  payloadType: number;
  receivePayloadType: number;
  /** Undefined: digits cannot be sent (or received) as RFC 4733 events. */
  telephoneEventPayloadType: number | undefined;
  receiveTelephoneEventPayloadType: number | undefined;
  /** Milliseconds of sound per packet that the peer wants, 10-60. */
  ptimeMs: number;
  direction: MediaDirection;
  /** The peer does not want our sound: `sendonly`, `inactive` or the address 0.0.0.0 (RFC 3264 §8.4). */
  held: boolean;
}

export interface Answer {
  /** The answer to send. */
  sdp: string;
  agreed: AgreedMedia;
}

/** `malformed`: the text is no session description (400). `no-common-codec`: there is nothing to agree on (488). */
export type NoAgreement = 'malformed' | 'no-common-codec';

const STATIC_PAYLOAD: Record<AudioCodec, number> = { PCMU: 0, PCMA: 8, G722: 9 };
const TELEPHONE_EVENT = 101;
const TELEPHONE_EVENTS = '0-16';
const CLOCK = 8000;
const DIRECTIONS: readonly MediaDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
/** AVPF is AVP with earlier feedback, which nobody is obliged to send (RFC 4585). */
const PROTOCOLS = ['RTP/AVP', 'RTP/AVPF'];

const sends = (direction: MediaDirection) => direction === 'sendrecv' || direction === 'sendonly';
const receives = (direction: MediaDirection) => direction === 'sendrecv' || direction === 'recvonly';

function directionFrom(send: boolean, receive: boolean): MediaDirection {
  if (send) return receive ? 'sendrecv' : 'sendonly';
  return receive ? 'recvonly' : 'inactive';
}

/** The encoding behind each payload type of a stream: `name/clock` in lower case, static ones without rtpmap included. */
function encodings(media: SdpMedia): Map<string, string> {
  const names = new Map<string, string>();
  for (const codec of Object.keys(STATIC_PAYLOAD) as AudioCodec[])
    names.set(String(STATIC_PAYLOAD[codec]), `${codec.toLowerCase()}/${CLOCK}`);
  for (const { name, value } of media.attributes) {
    if (name !== 'rtpmap' || value === undefined) continue;
    const space = value.indexOf(' ');
    const [encoding, clock, channels] = value
      .slice(space + 1)
      .trim()
      .toLowerCase()
      .split('/', 3);
    if (space > 0) names.set(value.slice(0, space), channels === undefined || channels === '1' ? `${encoding}/${clock}` : 'other');
  }
  return names;
}

interface Format {
  codec: AudioCodec;
  payloadType: number;
}

/** Payload types are seven bits (RFC 3550 §5.1). */
function payloadTypeOf(format: string): number | undefined {
  return /^\d{1,3}$/.test(format) && Number(format) < 128 ? Number(format) : undefined;
}

/** The codecs of ours that a stream names, in its order, and its telephone-event. */
function readFormats(media: SdpMedia, codecs: readonly AudioCodec[]): { audio: Format[]; telephoneEvent: number | undefined } {
  const names = encodings(media);
  const audio: Format[] = [];
  let telephoneEvent: number | undefined;
  for (const format of media.formats) {
    const payloadType = payloadTypeOf(format);
    if (payloadType === undefined) continue;
    const name = names.get(format);
    const codec = codecs.find((item) => `${item.toLowerCase()}/${CLOCK}` === name);
    if (codec) audio.push({ codec, payloadType });
    // RFC 4733 §2.1: events count on the clock of the audio they replace.
    else if (name === `telephone-event/${CLOCK}`) telephoneEvent ??= payloadType;
  }
  return { audio, telephoneEvent };
}

function isAudio(media: SdpMedia): boolean {
  return media.media === 'audio' && media.port !== 0 && PROTOCOLS.includes(media.protocol);
}

/** The peer's direction from its own view; of the media, else of the session (RFC 8866 §6.7). */
function remoteDirection(sdp: Sdp, media: SdpMedia): MediaDirection {
  const known = (attribute: SdpAttribute) => DIRECTIONS.includes(attribute.name as MediaDirection);
  const stated = media.attributes.find(known) ?? sdp.attributes.find(known);
  const direction = (stated?.name as MediaDirection | undefined) ?? 'sendrecv';
  // RFC 3264 §8.4: RFC 2543 peers hold with an address that nothing can be sent to.
  return isUnspecified(addressOf(sdp, media)) ? directionFrom(sends(direction), false) : direction;
}

function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || address === '::';
}

function addressOf(sdp: Sdp, media: SdpMedia): string {
  return (media.connection ?? sdp.connection ?? sdp.origin).address;
}

function ptimeOf(sdp: Sdp, media: SdpMedia, otherwise: number): number {
  const number = (name: string) => Number(findAttribute(sdp, media, name)?.value?.trim() ?? Number.NaN);
  const wanted = number('ptime') || otherwise;
  const most = number('maxptime') || 60;
  const bounded = Math.min(Math.max(wanted, 10), Math.max(10, Math.min(most, 60)));
  return Math.floor(bounded / 10) * 10;
}

/** Where the peer takes RTCP: the RTP port when muxed, else `a=rtcp` (RFC 3605), else the next port. */
function rtcpOf(sdp: Sdp, media: SdpMedia, mux: boolean): { address: string; port: number } {
  const address = addressOf(sdp, media);
  if (mux) return { address, port: media.port };
  const [portText, , , other] = (media.attributes.find(({ name }) => name === 'rtcp')?.value ?? '').trim().split(' ', 4);
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port > 0 && port < 65536) return { address: other || address, port };
  return { address, port: Math.min(media.port + 1, 65535) };
}

function hasMux(media: SdpMedia): boolean {
  return media.attributes.some(({ name }) => name === 'rtcp-mux');
}

function audioAttributes(
  local: LocalMedia,
  formats: readonly Format[],
  telephoneEvent: number | undefined,
  options: { mux: boolean; direction: MediaDirection; ptimeMs: number },
): SdpAttribute[] {
  const attributes: SdpAttribute[] = formats.map(({ codec, payloadType }) => ({
    name: 'rtpmap',
    value: `${payloadType} ${codec}/${CLOCK}`,
  }));
  if (telephoneEvent !== undefined) {
    attributes.push({ name: 'rtpmap', value: `${telephoneEvent} telephone-event/${CLOCK}` });
    attributes.push({ name: 'fmtp', value: `${telephoneEvent} ${TELEPHONE_EVENTS}` });
  }
  attributes.push({ name: 'ptime', value: String(options.ptimeMs) });
  attributes.push({ name: options.direction, value: undefined });
  if (options.mux) attributes.push({ name: 'rtcp-mux', value: undefined });
  else if (local.rtcpPort !== undefined && local.rtcpPort !== local.port + 1)
    attributes.push({ name: 'rtcp', value: String(local.rtcpPort) });
  return attributes;
}

/**
 * Gives a description its origin: the session id of the previous one and a version one higher if anything else differs
 * (RFC 3264 §8); a repeated description is the same text (RFC 4028 §7.4 lets the peer see that nothing changed).
 */
function withOrigin(local: LocalMedia, sdp: Omit<Sdp, 'origin'>, previous: string | undefined): string {
  const before = previous === undefined ? undefined : parseSdp(previous)?.origin;
  const connection = connectionOf(local.address);
  if (!before) return writeSdp({ ...sdp, origin: { username: '-', sessionId: local.sessionId, version: '1', ...connection } });
  const same = writeSdp({ ...sdp, origin: { ...before, ...connection } });
  if (same === previous) return same;
  return writeSdp({ ...sdp, origin: { ...before, ...connection, version: String(BigInt(before.version) + 1n) } });
}

/**
 * Answers an offer (RFC 3264 §6): every `m=` line is answered in its place, all but the first usable audio stream refused
 * with port 0, the offer's payload types kept. `previous` is the last description that we sent in this session.
 */
export function answerOffer(offer: string, local: LocalMedia, previous?: string): Answer | NoAgreement {
  const sdp = parseSdp(offer);
  if (!sdp) return 'malformed';
  const usable = sdp.media.map((media) => (isAudio(media) ? readFormats(media, local.codecs) : undefined));
  const index = usable.findIndex((formats) => formats !== undefined && formats.audio.length > 0);
  const formats = usable[index];
  if (!formats) return 'no-common-codec';
  const media = sdp.media[index];

  const { audio, telephoneEvent } = formats;
  const byOurOrder = () =>
    local.codecs.map((codec) => audio.find((format) => format.codec === codec)).find((format) => format !== undefined);
  const chosen = (local.prefer === 'local' ? byOurOrder() : undefined) ?? audio[0];
  const remote = remoteDirection(sdp, media);
  const wish = local.direction ?? 'sendrecv';
  const direction = directionFrom(sends(wish) && receives(remote), receives(wish) && sends(remote));
  const mux = (local.rtcpMux ?? true) && hasMux(media);
  const ptimeMs = ptimeOf(sdp, media, local.ptimeMs ?? 20);
  const rtcp = rtcpOf(sdp, media, mux);

  const answered = sdp.media.map((item, i): SdpMedia => {
    if (i !== index) return { ...item, port: 0, connection: undefined, attributes: [] };
    const names = telephoneEvent === undefined ? [chosen.payloadType] : [chosen.payloadType, telephoneEvent];
    const attributes = audioAttributes(local, [chosen], telephoneEvent, { mux, direction, ptimeMs });
    return { media: 'audio', port: local.port, protocol: item.protocol, formats: names.map(String), connection: undefined, attributes };
  });
  const text = withOrigin(
    local,
    { timing: sdp.timing, connection: connectionOf(local.address), attributes: [], media: answered },
    previous,
  );
  return {
    sdp: text,
    agreed: {
      remoteAddress: addressOf(sdp, media),
      remotePort: media.port,
      remoteRtcpAddress: rtcp.address,
      remoteRtcpPort: rtcp.port,
      rtcpMux: mux,
      codec: chosen.codec,
      clockRate: CLOCK,
      payloadType: chosen.payloadType,
      receivePayloadType: chosen.payloadType,
      telephoneEventPayloadType: telephoneEvent,
      receiveTelephoneEventPayloadType: telephoneEvent,
      ptimeMs,
      direction,
      held: !receives(remote),
    },
  };
}

/** Offers one audio stream with our codecs in order (RFC 3264 §5). `previous` is the last description that we sent. */
export function makeOffer(local: LocalMedia, previous?: string): string {
  const formats = local.codecs.map((codec) => ({ codec, payloadType: STATIC_PAYLOAD[codec] }));
  const direction = local.direction ?? 'sendrecv';
  const mux = local.rtcpMux ?? true;
  // RTCP has its own port as well: the answerer may not know how to share one (RFC 5761 §5.1.1).
  const attributes = audioAttributes(local, formats, TELEPHONE_EVENT, { mux: false, direction, ptimeMs: local.ptimeMs ?? 20 });
  if (mux) attributes.push({ name: 'rtcp-mux', value: undefined });
  const names = [...formats.map(({ payloadType }) => payloadType), TELEPHONE_EVENT].map(String);
  const media: SdpMedia = { media: 'audio', port: local.port, protocol: 'RTP/AVP', formats: names, connection: undefined, attributes };
  // The other streams of the session, refused ones included, keep their places (RFC 3264 §8).
  const before = previous === undefined ? undefined : parseSdp(previous);
  const all = before && before.media.length > 0 ? before.media.map((item) => (item.port === 0 ? item : media)) : [media];
  return withOrigin(
    local,
    { timing: before?.timing ?? '0 0', connection: connectionOf(local.address), attributes: [], media: all },
    previous,
  );
}

/** Reads the answer to our offer: what to send where, and what to expect (RFC 3264 §7). */
export function readAnswer(offer: string, answer: string): AgreedMedia | NoAgreement {
  const ours = parseSdp(offer);
  const theirs = parseSdp(answer);
  if (!ours || !theirs) return 'malformed';
  const index = ours.media.findIndex(isAudio);
  const offered = ours.media[index];
  const media = theirs.media[index];
  if (!offered || !media) return 'malformed';
  if (!isAudio(media)) return 'no-common-codec';
  const all = Object.keys(STATIC_PAYLOAD) as AudioCodec[];
  const asked = readFormats(offered, all);
  const got = readFormats(
    media,
    asked.audio.map(({ codec }) => codec),
  );
  const [chosen] = got.audio;
  const expected = asked.audio.find(({ codec }) => codec === chosen?.codec);
  if (!chosen || !expected) return 'no-common-codec';
  const wish = remoteDirection(ours, offered);
  const remote = remoteDirection(theirs, media);
  const mux = hasMux(offered) && hasMux(media);
  const rtcp = rtcpOf(theirs, media, mux);
  return {
    remoteAddress: addressOf(theirs, media),
    remotePort: media.port,
    remoteRtcpAddress: rtcp.address,
    remoteRtcpPort: rtcp.port,
    rtcpMux: mux,
    codec: chosen.codec,
    clockRate: CLOCK,
    payloadType: chosen.payloadType,
    receivePayloadType: expected.payloadType,
    telephoneEventPayloadType: got.telephoneEvent,
    receiveTelephoneEventPayloadType: asked.telephoneEvent,
    ptimeMs: ptimeOf(theirs, media, 20),
    direction: directionFrom(sends(wish) && receives(remote), receives(wish) && sends(remote)),
    held: !receives(remote),
  };
}
