/**
 * The lexical floor of SIP (RFC 3261 §25.1): character classes, quoted strings, parameters, comma lists. Every
 * function is total and reads its text once, left to right; no regular expression may backtrack on a stranger's bytes.
 */
import type { SipParams } from './message.ts';

const TOKEN_EXTRA = "-.!%*_+`'~";

function classOf(extra: string): Uint8Array {
  const table = new Uint8Array(128);
  for (let code = 0; code < 128; code++) {
    const letter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
    const digit = code >= 48 && code <= 57;
    if (letter || digit || extra.includes(String.fromCharCode(code))) table[code] = 1;
  }
  return table;
}

const TOKEN = classOf(TOKEN_EXTRA);
/** `gen-value` = token / host / quoted-string; a host may be an IPv6 reference. */
const PARAM_VALUE = classOf(`${TOKEN_EXTRA}[]:`);

function all(text: string, table: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 128 || table[code] === 0) return false;
  }
  return text.length > 0;
}

export function isToken(text: string): boolean {
  return all(text, TOKEN);
}

/** A parameter value outside quotes. Beyond the grammar, visible non-ASCII and the odd `@` or `/` of real peers pass. */
function isParamValue(text: string): boolean {
  if (all(text, PARAM_VALUE)) return true;
  for (let i = 0; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char <= 32 || char === 127 || char === 34 || char === 44 || char === 59 || char === 60 || char === 62) return false;
  }
  return text.length > 0;
}

export function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

/** Index of the first character at or after `at` that is neither space nor tab. */
export function skipSpace(text: string, at: number): number {
  let i = at;
  while (i < text.length && isSpace(text.charCodeAt(i))) i++;
  return i;
}

/** Trims space and tab only, unlike `trim`, which also takes control characters and Unicode spaces. */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** `1*DIGIT` up to `max`; undefined for anything else (signs, spaces, overflow). Leading zeros are legal. */
export function parseDigits(text: string, max: number): number | undefined {
  if (text.length === 0) return undefined;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > max) return undefined;
  }
  return value;
}

/** Index just past the closing quote of the quoted string that opens at `at`; -1 when it never closes. */
export function endOfQuoted(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 92) i++;
    else if (code === 34) return i + 1;
  }
  return -1;
}

/** The content of a quoted string, its quoted-pairs resolved (§25.1). `quoted` includes both quotes. */
export function unquote(quoted: string): string {
  let out = '';
  for (let i = 1; i < quoted.length - 1; i++) {
    if (quoted.charCodeAt(i) === 92 && i + 1 < quoted.length - 1) i++;
    out += quoted[i];
  }
  return out;
}

/** Writes a quoted string; line breaks cannot be quoted and become spaces. */
export function quote(text: string): string {
  let out = '"';
  for (const char of text) {
    if (char === '"' || char === '\\') out += `\\${char}`;
    else out += char === '\r' || char === '\n' ? ' ' : char;
  }
  return `${out}"`;
}

/**
 * Splits at `separator` where it stands outside quoted strings and `<...>`. Items are trimmed; empty ones stay, so that
 * a caller can refuse them. An unclosed quote or bracket runs to the end of the text.
 */
export function splitOutside(text: string, separator: string): string[] {
  const at = separator.charCodeAt(0);
  const items: string[] = [];
  let start = 0;
  let inAngle = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 34 && !inAngle) {
      const end = endOfQuoted(text, i);
      if (end < 0) break;
      i = end - 1;
    } else if (code === 60) inAngle = true;
    else if (code === 62) inAngle = false;
    else if (code === at && !inAngle) {
      items.push(trimSpace(text.slice(start, i)));
      start = i + 1;
    }
  }
  items.push(trimSpace(text.slice(start)));
  return items;
}

/**
 * Reads `;name=value;flag` (generic-param, §25.1) from `at` to the end of the text. Names come back in lower case, quoted
 * values without their quotes. The first of two equal names wins. Undefined when it is not a parameter list.
 */
export function parseParams(text: string, at: number): SipParams | undefined {
  const params: SipParams = new Map();
  let i = skipSpace(text, at);
  while (i < text.length) {
    if (text[i] !== ';') return undefined;
    i = skipSpace(text, i + 1);
    const nameStart = i;
    while (i < text.length && text[i] !== ';' && text[i] !== '=') i++;
    const name = trimSpace(text.slice(nameStart, i)).toLowerCase();
    if (!isToken(name)) return undefined;
    let value: string | undefined;
    if (text[i] === '=') {
      i = skipSpace(text, i + 1);
      if (text[i] === '"') {
        const end = endOfQuoted(text, i);
        if (end < 0) return undefined;
        value = unquote(text.slice(i, end));
        i = skipSpace(text, end);
      } else {
        const valueStart = i;
        while (i < text.length && text[i] !== ';') i++;
        value = trimSpace(text.slice(valueStart, i));
        if (!isParamValue(value)) return undefined;
      }
    }
    if (!params.has(name)) params.set(name, value);
  }
  return params;
}

/** `;name=value` for each parameter; values that are no plain gen-value are quoted. */
export function writeParams(params: SipParams): string {
  let out = '';
  for (const [name, value] of params) {
    out += `;${name}`;
    if (value !== undefined) out += `=${all(value, PARAM_VALUE) ? value : quote(value)}`;
  }
  return out;
}
