/**
 * XML of Office files, read as it streams in, so that a sheet of 100 MB needs no tree and no string of that size. Tags
 * carry their local name. Only the five predefined entities and character references are known: a document type
 * declaration, which Office files must not have (ECMA-376 part 2, 6.2.5), is refused, and with it every entity bomb.
 */
import { damaged } from './reading.ts';

export interface XmlHandler {
  open?(name: string, attributes: (name: string) => string | undefined): void;
  close?(name: string): void;
  text?(text: string): void;
}

const MOST_PENDING = 4_000_000; // characters of one tag or one run of text

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Character data with its references resolved; an unknown one stays as it is. */
export function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{1,8}));/gi, (whole, hex?: string, decimal?: string, name?: string) => {
    if (name) return ENTITIES[name] ?? whole;
    const code = hex ? Number.parseInt(hex, 16) : Number(decimal);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '';
  });
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

/** An attribute by its local name, or by its whole one when it has a prefix (`r:id`). */
function attributeReader(tag: string): (name: string) => string | undefined {
  let all: Map<string, string> | undefined;
  return (name) => {
    if (!all) {
      all = new Map();
      for (const [, whole, double, single] of tag.matchAll(/([^\s=<>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)) {
        const value = unescapeXml(double ?? single ?? '');
        all.set(whole, value);
        if (!all.has(localName(whole))) all.set(localName(whole), value);
      }
    }
    return all.get(name);
  };
}

/** Where a piece of markup that begins with `<` ends, -1 while it is not all there. */
function endOfMarkup(text: string, at: number): number {
  if (text.startsWith('<!--', at)) return past(text, '-->', at + 4);
  if (text.startsWith('<![CDATA[', at)) return past(text, ']]>', at + 9);
  if (text.startsWith('<?', at)) return past(text, '?>', at + 2);
  // A ">" may stand in a quoted value.
  let quote = '';
  for (let index = at + 1; index < text.length; index++) {
    const character = text[index];
    if (quote) {
      if (character === quote) quote = '';
    } else if (character === '"' || character === "'") quote = character;
    else if (character === '>') return index + 1;
  }
  return -1;
}

const past = (text: string, mark: string, from: number): number => {
  const at = text.indexOf(mark, from);
  return at < 0 ? -1 : at + mark.length;
};

export class XmlScanner {
  readonly #handler: XmlHandler;
  #pending = '';

  constructor(handler: XmlHandler) {
    this.#handler = handler;
  }

  /** @throws ExtractionError `file-damaged` */
  write(chunk: string): void {
    const text = this.#pending + chunk;
    let at = 0;
    for (;;) {
      const less = text.indexOf('<', at);
      if (less < 0) break; // the run of text may go on in the next chunk
      if (text.length - less < 9 && !text.includes('>', less)) break;
      const end = endOfMarkup(text, less);
      if (end < 0) break;
      if (less > at) this.#handler.text?.(unescapeXml(text.slice(at, less)));
      this.#markup(text.slice(less, end));
      at = end;
    }
    this.#pending = text.slice(at);
    if (this.#pending.length > MOST_PENDING) throw damaged('The file holds markup that never ends.');
  }

  #markup(markup: string): void {
    if (markup.startsWith('<![CDATA[')) this.#handler.text?.(markup.slice(9, -3));
    else if (markup.startsWith('<!DOCTYPE')) throw damaged('The file declares entities, which no Office document does.');
    else if (markup[1] === '!' || markup[1] === '?') return;
    else if (markup[1] === '/') this.#handler.close?.(localName(markup.slice(2, -1).trim()));
    else {
      const tag = /^<([^\s/>]+)/.exec(markup);
      if (!tag) return;
      const name = localName(tag[1]);
      this.#handler.open?.(name, attributeReader(markup.slice(tag[0].length)));
      if (markup.at(-2) === '/') this.#handler.close?.(name);
    }
  }
}
