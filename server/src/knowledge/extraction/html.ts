/** HTML: what the page says, without what leads around the site. */
import { Readability } from '@mozilla/readability';
import { textOf } from './encoding.ts';
import { type HtmlDocument, type HtmlElement, type HtmlNode, parseHtml } from './html-document.ts';
import { htmlMarkdown } from './html-markdown.ts';
import { type Found, oneLine, type Reading } from './reading.ts';

/** Leads around the site, or asks for something; never an answer. */
const AROUND =
  'nav, [role=navigation], [role=search], [role=banner] ul, [role=dialog], [aria-modal=true], menu, .breadcrumb, .breadcrumbs, .skip-link, [class*=cookie-], [id*=cookie-], [class*=consent-], [id*=consent-]';

const MOST_FOR_READABILITY = 1_000_000; // characters of HTML; it looks at every element several times
const DEEPEST_FOR_READABILITY = 200; // elements in elements; it climbs to the top from each
/** Of the page's text: with less, it took an answer for furniture (opening hours, prices, an accordion). */
const ENOUGH = 0.6;

/** `charset` of the page's own head (HTML 4.2.5.4): looked for in the first bytes, as browsers do. */
export function charsetOf(bytes: Uint8Array): string | undefined {
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 2_048));
  return /<meta[^>]+charset\s*=\s*["']?\s*([\w-]{2,40})/i.exec(head)?.[1];
}

const lengthOf = (element: HtmlElement): number => oneLine(element.textContent ?? '').length;

function withoutSilence(document: HtmlDocument): void {
  for (const element of document.querySelectorAll('script, style, noscript, template, svg')) element.remove();
}

/** The element that the page itself calls its content, else its body without its navigation. */
function contentOf(document: HtmlDocument): HtmlElement {
  for (const element of document.querySelectorAll(AROUND)) element.remove();
  const main = document.querySelector('main, [role=main]');
  const whole = lengthOf(document.body);
  return main && lengthOf(main) > whole * 0.4 ? main : document.body;
}

function isDeep(root: HtmlElement): boolean {
  let depth = 0;
  for (let node: HtmlNode = root; ; ) {
    if (node.firstChild) {
      node = node.firstChild;
      if (++depth > DEEPEST_FOR_READABILITY) return true;
      continue;
    }
    while (!node.nextSibling) {
      if (!node.parentNode || depth === 0) return false;
      node = node.parentNode;
      depth--;
    }
    if (depth === 0) return false;
    node = node.nextSibling;
  }
}

function article(html: string): { content: HtmlElement; title?: string } | undefined {
  try {
    // It makes every h1 an h2: one below what they are, they keep their order.
    const document = parseHtml(
      html.replace(/<(\/?)h([1-5])(?=[\s>])/gi, (_, slash: string, level: string) => `<${slash}h${Number(level) + 1}`),
    );
    const found = new Readability(document, { maxElemsToParse: 20_000 }).parse();
    return found?.content ? { content: parseHtml(found.content).body, title: found.title ?? undefined } : undefined;
  } catch {
    return undefined; // it is a guess of what matters; the page is there without it
  }
}

export function readHtml({ bytes, limits, progress }: Reading): Found {
  const html = textOf(bytes, charsetOf(bytes));
  const document = parseHtml(html);
  withoutSilence(document);
  const title = ['title', 'h1'].map((name) => oneLine(document.querySelector(name)?.textContent ?? '').slice(0, 300)).find(Boolean);
  const content = contentOf(document);
  progress(0.5);
  const read = html.length <= MOST_FOR_READABILITY && !isDeep(document.body) ? article(html) : undefined;
  const best = read && lengthOf(read.content) >= lengthOf(content) * ENOUGH ? read.content : content;
  const text = htmlMarkdown(best, limits);
  return { title, text: text || htmlMarkdown(parseHtml(html).body, limits) };
}
