/**
 * What a crawler must know of an HTML page: its links, its rules for robots, and a digest of what can be read on it. One
 * pass over the text without a tree, in time linear in its length: pages are written by strangers.
 */
import { createHash } from 'node:crypto';

export interface PageFacts {
  title?: string;
  /** As written, without those marked `nofollow`. */
  links: string[];
  /** `<base href>`: what links are relative to. */
  base?: string;
  canonical?: string;
  /** Not to be shown to anyone. */
  noindex: boolean;
  /** Its links are not to be followed. */
  nofollow: boolean;
  /** Of its words and their structure: not of tokens, times and scripts that differ at each visit. */
  digest: string;
}

const MAX_LINKS = 2_000;
const MAX_TITLE = 300;
/** Their content is no text; it ends at their own end tag only. */
const RAW = new Set(['script', 'style', 'noscript', 'template', 'iframe', 'textarea', 'svg', 'title']);
/** Where one becomes another, the text is cut into other passages. */
const STRUCTURE = /^(h[1-6]|p|li|tr|td|th|table|section|article|dt|dd)$/;

interface Tag {
  name: string;
  closing: boolean;
  attributes: Map<string, string>;
  /** After its `>`. */
  end: number;
}

/** @param robot names besides `robots` that `<meta>` rules are meant for, lower case. */
export function readPage(html: string, robot: string): PageFacts {
  const facts: PageFacts = { links: [], noindex: false, nofollow: false, digest: '' };
  const hash = createHash('sha256');
  let at = 0;
  while (at < html.length) {
    const open = html.indexOf('<', at);
    const words = html.slice(at, open < 0 ? undefined : open).trim();
    if (words !== '') hash.update(`${words.replace(/\s+/g, ' ')} `);
    if (open < 0) break;
    if (html.startsWith('<!--', open)) {
      at = after(html, '-->', open + 4);
      continue;
    }
    const tag = readTag(html, open);
    if (!tag) {
      at = open + 1;
      continue;
    }
    at = tag.end;
    if (tag.closing) continue;
    if (STRUCTURE.test(tag.name)) hash.update(`<${tag.name}>`);
    if (RAW.has(tag.name)) {
      const end = endOf(html, tag);
      if (tag.name === 'title' && facts.title === undefined) facts.title = titleOf(html.slice(tag.end, end));
      at = end;
    } else note(facts, tag, robot);
  }
  hash.update(facts.title ?? '');
  return { ...facts, digest: hash.digest('base64url').slice(0, 32) };
}

/** Rules as `X-Robots-Tag` and `<meta name="robots">` write them, a header's perhaps for one robot only (`name: noindex`). */
export function robotRules(text: string, robot: string): { noindex: boolean; nofollow: boolean } {
  const rules = { noindex: false, nofollow: false };
  let meant = true;
  for (const part of text.toLowerCase().split(',')) {
    const [, name, rule] = /^\s*(?:([a-z0-9_-]+)\s*:)?\s*(.*?)\s*$/.exec(part) ?? [];
    // `unavailable_after: date` and the like are rules with a value, not robots.
    if (name !== undefined && !/^(unavailable_after|max-)/.test(name)) meant = name === robot;
    if (!meant) continue;
    if (rule === 'noindex' || rule === 'none') rules.noindex = true;
    if (rule === 'nofollow' || rule === 'none') rules.nofollow = true;
  }
  return rules;
}

function note(facts: PageFacts, { name, attributes }: Tag, robot: string): void {
  const href = attributes.get('href');
  const rel = (attributes.get('rel') ?? '').toLowerCase().split(/\s+/);
  if (name === 'a' || name === 'area') {
    if (href && !rel.includes('nofollow') && facts.links.length < MAX_LINKS) facts.links.push(href);
  } else if (name === 'base') {
    facts.base ??= href;
  } else if (name === 'link') {
    if (rel.includes('canonical')) facts.canonical ??= href;
  } else if (name === 'meta' && ['robots', robot].includes((attributes.get('name') ?? '').toLowerCase())) {
    const rules = robotRules(attributes.get('content') ?? '', robot);
    facts.noindex ||= rules.noindex;
    facts.nofollow ||= rules.nofollow;
  }
}

/** The tag that begins at `open`; undefined where `<` is only a sign. */
function readTag(html: string, open: number): Tag | undefined {
  NAME.lastIndex = open;
  const head = NAME.exec(html);
  if (!head) return undefined;
  const attributes = new Map<string, string>();
  let at = NAME.lastIndex;
  for (;;) {
    ATTRIBUTE.lastIndex = at;
    const found = ATTRIBUTE.exec(html);
    if (!found) break;
    at = ATTRIBUTE.lastIndex;
    const [, attribute, mark, bare] = found;
    let value = bare ?? '';
    if (mark !== undefined) {
      const close = html.indexOf(mark, at);
      if (close < 0) return { name: head[2].toLowerCase(), closing: head[1] === '/', attributes, end: html.length };
      value = html.slice(at, close);
      at = close + 1;
    }
    const key = attribute.toLowerCase();
    if (attributes.size < 50 && !attributes.has(key)) attributes.set(key, decode(value.slice(0, 4_000)));
  }
  return { name: head[2].toLowerCase(), closing: head[1] === '/', attributes, end: after(html, '>', at) };
}

const NAME = /<(\/?)([a-zA-Z][a-zA-Z0-9-]{0,30})(?=[\s/>])/y;
/** A name, and the quote that its value begins with or the bare value. */
const ATTRIBUTE = /[\s/]*([^\s/>="'][^\s/>=]{0,100})(?:\s*=\s*(?:(["'])|([^\s>"']+)))?/y;

/** Where the raw content of `tag` ends. */
function endOf(html: string, tag: Tag): number {
  const end = new RegExp(`</${tag.name}(?=[\\s/>])`, 'gi');
  end.lastIndex = tag.end;
  return end.exec(html)?.index ?? html.length;
}

function after(html: string, what: string, from: number): number {
  const found = html.indexOf(what, from);
  return found < 0 ? html.length : found + what.length;
}

const titleOf = (raw: string): string | undefined =>
  decode(raw.slice(0, 4 * MAX_TITLE))
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, MAX_TITLE) || undefined;

const NAMED: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ', ndash: '–', mdash: '—', hellip: '…' };

/** Character references (HTML §13.5) as far as addresses and titles use them. */
export function decode(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-zA-Z]{2,8}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return NAMED[name] ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code < 0xe000) ? String.fromCodePoint(code) : whole;
  });
}
