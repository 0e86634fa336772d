/** Addresses of a site's pages: one spelling each (RFC 3986 §6), and what is no page of the site. */

/** Longer ones are machine-made. */
const MAX_LENGTH = 2_000;
const MAX_SEGMENTS = 20;

/** Parameters that say where a visitor came from or who it is, never which page it is. */
const TRACKING =
  /^(utm_[a-z_]*|gclid|gbraid|wbraid|dclid|fbclid|msclkid|yclid|twclid|igshid|mc_[ce]id|_ga|_gl|_hs(enc|mi)|mkt_tok|ref_src|phpsessid|jsessionid|sessionid|sid)$/i;

/** The default document of a folder. */
const INDEX = /\/(index\.(html?|php|aspx?|jsp)|default\.(html?|aspx?))$/i;

/** What pages link to that has no text; it is not asked for. */
const NO_TEXT =
  /\.(jpe?g|png|gif|webp|avif|svg|ico|bmp|tiff?|css|m?js|json|map|woff2?|ttf|otf|eot|mp[34]|m4[av]|webm|og[gv]|wav|flac|avi|mov|zip|gz|tgz|bz2|xz|7z|rar|tar|exe|msi|dmg|apk|iso|bin|docx?|pptx?|xlsx?|ics|vcf|rss|atom)$/i;

/** Scheme, host and port that the pages of a crawl are on. */
export interface Site {
  readonly protocol: 'http:' | 'https:';
  /** With its port where that is not the scheme's own. */
  readonly host: string;
}

/** Undefined for what is no web address. */
export function siteOf(url: string): Site | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, host } = new URL(url);
  if ((protocol !== 'http:' && protocol !== 'https:') || host === '') return undefined;
  return { protocol, host: withoutDot(host) };
}

export const originOf = ({ protocol, host }: Site): string => `${protocol}//${host}`;

/** True when both are one host; `http` may become `https`, never the other way. */
export function mayMove(from: Site, to: Site): boolean {
  return from.host === to.host && (from.protocol === to.protocol || to.protocol === 'https:');
}

/**
 * The one spelling of a page's address: no fragment, no default port, no tracking parameters, no `index.html`, the site's
 * scheme. Undefined when `link` is not a page of the site, or not one that has text.
 */
export function pageAddress(link: string, base: string, site: Site): string | undefined {
  const trimmed = link.trim();
  if (trimmed.length > MAX_LENGTH || !URL.canParse(trimmed, base)) return undefined;
  const url = new URL(trimmed, base);
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '') return undefined;
  if (withoutDot(url.host) !== site.host) return undefined;
  const path = url.pathname.replace(/;jsessionid=[^/;]*/gi, '').replace(INDEX, '/');
  if (NO_TEXT.test(path)) return undefined;
  const address = `${originOf(site)}${path}${queryOf(url)}`;
  return address.length > MAX_LENGTH ? undefined : address;
}

/** Left as it is written but for the tracking parameters: some servers know one order only. */
function queryOf({ search }: URL): string {
  const kept = search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !TRACKING.test(pair.split('=', 1)[0]));
  return kept.length > 0 ? `?${kept.join('&')}` : '';
}

/** A host may be written with the root's dot. */
const withoutDot = (host: string): string => host.toLowerCase().replace(/\.(?=$|:)/, '');

/** Spellings of one path by its parameters: enough for a list in pages, not for a calendar. */
const MAX_QUERIES = 30;
/** Pages that differ in two or more numbers only (`/calendar/2026/11`). */
const MAX_DATED = 40;
/** The same segment so often in one path is a link that is relative by mistake. */
const MAX_REPEATED = 3;

/** Recognises addresses that a site makes without end. Each address is offered once. */
export class TrapWatch {
  readonly #queries = new Map<string, number>();
  readonly #dated = new Map<string, number>();

  isTrap(address: string): boolean {
    const url = new URL(address);
    const segments = url.pathname.split('/').filter(Boolean);
    if (segments.length > MAX_SEGMENTS || repeats(segments)) return true;
    if (url.search !== '' && count(this.#queries, url.pathname) > MAX_QUERIES) return true;
    const numbers = url.pathname.match(/\d+/g)?.length ?? 0;
    return numbers > 1 && count(this.#dated, url.pathname.replace(/\d+/g, '0')) > MAX_DATED;
  }
}

function repeats(segments: readonly string[]): boolean {
  const seen = new Map<string, number>();
  return segments.some((segment) => count(seen, segment) >= MAX_REPEATED);
}

function count(counts: Map<string, number>, key: string): number {
  const next = (counts.get(key) ?? 0) + 1;
  counts.set(key, next);
  return next;
}
