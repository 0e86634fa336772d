/** HTML as a tree, whole pages and fragments alike. */
import { parseHTML } from 'linkedom';

/** What is used of the tree; linkedom's own types want the DOM library, which servers do not have. */
export interface HtmlNode {
  /** 1 element, 3 text. */
  nodeType: number;
  nodeName: string;
  nodeValue: string | null;
  textContent: string | null;
  firstChild: HtmlNode | null;
  nextSibling: HtmlNode | null;
  parentNode: HtmlNode | null;
}

export interface HtmlElement extends HtmlNode {
  getAttribute(name: string): string | null;
  hasAttribute(name: string): boolean;
  querySelector(selector: string): HtmlElement | null;
  /** A list of its own: what is removed while it is walked stays in it. */
  querySelectorAll(selector: string): Iterable<HtmlElement>;
  remove(): void;
}

export interface HtmlDocument extends HtmlElement {
  body: HtmlElement;
}

export const isElement = (node: HtmlNode): node is HtmlElement => node.nodeType === 1;
export const isText = (node: HtmlNode): boolean => node.nodeType === 3;

const parse = (html: string): HtmlDocument => (parseHTML(html) as unknown as { document: HtmlDocument }).document;

/** A fragment, and a page that leaves its `body` tag out, get what a browser would give them. */
export function parseHtml(html: string): HtmlDocument {
  const document = /<body[\s>]/i.test(html) ? parse(html) : undefined;
  if (document?.querySelector('body')) return document;
  const inside = html.replace(/<!doctype[^>]{0,300}>|<\/?(?:html|body)(?:\s[^>]{0,1000})?>/gi, '');
  return parse(`<!doctype html><html><head></head><body>${inside}</body></html>`);
}
