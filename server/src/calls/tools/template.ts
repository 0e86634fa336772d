/**
 * Templates of HTTP tools: `{{argument}}`, `{{secret:NAME}}` and `{{idempotencyKey}}` in address, headers and body. Each
 * place escapes for itself, and what is filled in is never read as a template again.
 */
import { TandemError, VendorError } from '#kit/errors.ts';

const PLACE = /\{\{\s*([^{}]*?)\s*\}\}/g;

/** What a placeholder stands for. Undefined: the argument was not given. */
export type Fill = (name: string) => unknown;

/** Names of all placeholders of a text. */
export function placesOf(template: string): string[] {
  return Array.from(template.matchAll(PLACE), ([, name]) => name);
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** Percent-encoded. Rejects (`VendorError`) a value that would leave its place in the path (`..`). */
export function fillUrl(template: string, fill: Fill): string {
  const filled = template.replace(PLACE, (_, name: string) => encodeURIComponent(textOf(fill(name))));
  const plain = new URL(template.replace(PLACE, 'x'));
  const url = new URL(filled);
  if (url.origin !== plain.origin || url.pathname.split('/').length !== plain.pathname.split('/').length)
    throw new VendorError(plain.host, 'bad-input', 'an argument does not fit into the address');
  return filled;
}

/** One line of characters that HTTP allows in a header; others percent-encoded. */
export function fillHeader(template: string, fill: Fill): string {
  return template.replace(PLACE, (_, name: string) =>
    textOf(fill(name))
      .toWellFormed()
      .replace(/[\p{Cc}]+/gu, ' ')
      .replace(/[^\x20-\x7e]/gu, encodeURIComponent),
  );
}

/** Escaped for the kind of body: inside a JSON string as its text, outside as a JSON value, in a form percent-encoded. */
export function fillBody(template: string, contentType: string, fill: Fill): string {
  if (contentType.includes('json')) return fillJson(template, fill);
  const escape = contentType.includes('form-urlencoded')
    ? encodeURIComponent
    : contentType.includes('xml')
      ? escapeXml
      : (text: string) => text;
  return template.replace(PLACE, (_, name: string) => escape(textOf(fill(name))));
}

function fillJson(template: string, fill: Fill): string {
  let out = '';
  let from = 0;
  let quoted = false;
  for (const match of template.matchAll(PLACE)) {
    const before = template.slice(from, match.index);
    quoted = endsQuoted(before, quoted);
    const value = fill(match[1]);
    out += before + (quoted ? JSON.stringify(textOf(value)).slice(1, -1) : (JSON.stringify(value ?? null) ?? 'null'));
    from = match.index + match[0].length;
  }
  return out + template.slice(from);
}

/** Whether JSON text that began inside (`quoted`) or outside a string ends inside one. */
function endsQuoted(json: string, quoted: boolean): boolean {
  let inside = quoted;
  for (let i = 0; i < json.length; i++) {
    if (inside && json[i] === '\\') i++;
    else if (json[i] === '"') inside = !inside;
  }
  return inside;
}

const XML: Record<string, string> = { '<': '&lt;', '>': '&gt;', '&': '&amp;', '"': '&quot;', "'": '&apos;' };
const escapeXml = (text: string): string => text.replace(/[<>&"']/g, (character) => XML[character]);

/** Throws `invalid-input` when the body, filled with anything, would not be what its type says. */
export function checkBody(template: string, contentType: string): void {
  if (!contentType.includes('json')) return;
  try {
    JSON.parse(fillJson(template, () => 'x'));
  } catch {
    throw new TandemError('invalid-input', 'The body is not JSON; give a content-type header if it should be something else', {
      path: 'body',
    });
  }
}

/** Throws `invalid-input` unless the address is one, with every placeholder behind the host. */
export function checkUrl(template: string, path: string): void {
  const fault = (why: string) => new TandemError('invalid-input', why, { path });
  const authority = /^https?:\/\/([^/?#]*)/i.exec(template)?.[1] ?? '';
  if (authority.includes('{{')) throw fault('The host of an address must be written out: a placeholder may only stand behind it');
  if (authority.includes('@')) throw fault('An address must not hold a name or password: use a header with {{secret:NAME}}');
  if (!URL.canParse(template.replace(PLACE, 'x'))) throw fault('The address could not be read');
}
