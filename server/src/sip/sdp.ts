/** Session descriptions (RFC 8866) as far as audio calls need them: a total, bounded parser and a writer. */
import { isIPv4, isIPv6 } from 'node:net';
import { parseDigits } from './lexis.ts';

export interface SdpConnection {
  family: 'IP4' | 'IP6';
  /** A literal address or a host name, without the TTL of multicast. */
  address: string;
}

export interface SdpOrigin extends SdpConnection {
  username: string;
  /** Digits; may exceed 2⁵³. */
  sessionId: string;
  version: string;
}

export interface SdpAttribute {
  name: string;
  value: string | undefined;
}

/** An `m=` line and what belongs to it. */
export interface SdpMedia {
  media: string;
  port: number;
  protocol: string;
  formats: string[];
  connection: SdpConnection | undefined;
  attributes: SdpAttribute[];
}

export interface Sdp {
  origin: SdpOrigin;
  /** The value of `t=`; an answer repeats the offer's (RFC 3264 §6). */
  timing: string;
  connection: SdpConnection | undefined;
  attributes: SdpAttribute[];
  media: SdpMedia[];
}

const MAX_TEXT = 65536;
const MAX_LINES = 1000;
const MAX_MEDIA = 32;
const MAX_FORMATS = 64;

function isHost(text: string): boolean {
  return text !== '' && text.length <= 255 && !/[^0-9A-Za-z.:_-]/.test(text);
}

function parseConnection(value: string): SdpConnection | undefined {
  const [network, family, full] = value.split(' ', 4);
  const address = (full ?? '').split('/')[0];
  if (network !== 'IN' || (family !== 'IP4' && family !== 'IP6') || !isHost(address)) return undefined;
  // A literal of the other family would be sent to nowhere.
  if (family === 'IP4' ? isIPv6(address) : isIPv4(address)) return undefined;
  return { family, address };
}

function parseOrigin(value: string): SdpOrigin | undefined {
  const [username, sessionId, version, ...rest] = value.split(' ', 7);
  const connection = parseConnection(rest.join(' '));
  if (!connection || !/^\d{1,32}$/.test(sessionId) || !/^\d{1,32}$/.test(version)) return undefined;
  return { username, sessionId, version, ...connection };
}

function parseMedia(value: string): SdpMedia | undefined {
  const [media, ports, protocol, ...formats] = value.split(' ', 3 + MAX_FORMATS).filter((word) => word !== '');
  const port = parseDigits((ports ?? '').split('/')[0], 65535);
  if (port === undefined || protocol === undefined || formats.length === 0) return undefined;
  return { media: media.toLowerCase(), port, protocol: protocol.toUpperCase(), formats, connection: undefined, attributes: [] };
}

/**
 * Reads a session description. Lines may end in LF or CRLF; unknown lines and attributes are ignored (RFC 8866 §5).
 * Undefined when `v=`, `o=`, `c=` or `m=` are missing or broken, or it exceeds the bounds (64 KB, 1000 lines, 32 media).
 */
export function parseSdp(text: string): Sdp | undefined {
  if (text.length > MAX_TEXT) return undefined;
  const lines = text.split('\n', MAX_LINES + 1);
  if (lines.length > MAX_LINES || lines[0].trimEnd() !== 'v=0') return undefined;
  let origin: SdpOrigin | undefined;
  let timing = '0 0';
  let connection: SdpConnection | undefined;
  const attributes: SdpAttribute[] = [];
  const media: SdpMedia[] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i].endsWith('\r') ? lines[i].slice(0, -1) : lines[i];
    if (line === '') continue;
    if (line[1] !== '=' || line.includes('\r')) return undefined;
    const value = line.slice(2).trimEnd();
    const current = media.at(-1);
    if (line[0] === 'o') {
      origin = parseOrigin(value);
      if (!origin) return undefined;
    } else if (line[0] === 'c') {
      const parsed = parseConnection(value);
      if (!parsed) return undefined;
      if (current) current.connection ??= parsed;
      else connection = parsed;
    } else if (line[0] === 't' && !current) {
      if (/^\d+ \d+$/.test(value)) timing = value;
    } else if (line[0] === 'm') {
      const parsed = parseMedia(value);
      if (!parsed || media.length === MAX_MEDIA) return undefined;
      media.push(parsed);
    } else if (line[0] === 'a') {
      const colon = value.indexOf(':');
      const attribute = colon < 0 ? { name: value, value: undefined } : { name: value.slice(0, colon), value: value.slice(colon + 1) };
      (current?.attributes ?? attributes).push({ ...attribute, name: attribute.name.toLowerCase() });
    }
  }
  if (!origin) return undefined;
  if (media.some((item) => item.port !== 0 && !item.connection && !connection)) return undefined;
  return { origin, timing, connection, attributes, media };
}

/** The family of a literal address. */
export function connectionOf(address: string): SdpConnection {
  return { family: address.includes(':') ? 'IP6' : 'IP4', address };
}

function connectionText({ family, address }: SdpConnection): string {
  return `IN ${family} ${address}`;
}

function attributeLines(attributes: readonly SdpAttribute[]): string[] {
  return attributes.map(({ name, value }) => (value === undefined ? `a=${name}` : `a=${name}:${value}`));
}

/** Writes a session description with CRLF line ends (RFC 8866 §5). */
export function writeSdp(sdp: Sdp): string {
  const { username, sessionId, version } = sdp.origin;
  const lines = ['v=0', `o=${username} ${sessionId} ${version} ${connectionText(sdp.origin)}`, 's=-'];
  if (sdp.connection) lines.push(`c=${connectionText(sdp.connection)}`);
  lines.push(`t=${sdp.timing}`, ...attributeLines(sdp.attributes));
  for (const { media, port, protocol, formats, connection, attributes } of sdp.media) {
    lines.push(`m=${media} ${port} ${protocol} ${formats.join(' ')}`);
    if (connection) lines.push(`c=${connectionText(connection)}`);
    lines.push(...attributeLines(attributes));
  }
  return `${lines.join('\r\n')}\r\n`;
}

/** The first attribute of that name, of the media or else of the session. `undefined` value means a flag. */
export function findAttribute(sdp: Sdp, media: SdpMedia, name: string): SdpAttribute | undefined {
  const wanted = (attribute: SdpAttribute) => attribute.name === name;
  return media.attributes.find(wanted) ?? sdp.attributes.find(wanted);
}
