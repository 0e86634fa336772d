/**
 * The text of an HTML tree as Markdown for the ear: headings, paragraphs, list items, and tables row by row. Walks with a
 * stack of its own: pages with ten thousand nested elements exist.
 */
import type { ExtractionLimits } from './extraction.ts';
import { type HtmlElement, type HtmlNode, isElement, isText } from './html-document.ts';
import { MarkdownWriter, oneLine } from './reading.ts';
import { rowSentences } from './table.ts';

const SILENT = new Set(
  'SCRIPT STYLE NOSCRIPT TEMPLATE SVG MATH IFRAME OBJECT EMBED CANVAS AUDIO VIDEO PICTURE IMG MAP INPUT SELECT TEXTAREA DATALIST PROGRESS METER DIALOG HEAD TITLE META LINK'.split(
    ' ',
  ),
);
const BLOCKS = new Set(
  'ADDRESS ARTICLE ASIDE BLOCKQUOTE BODY BUTTON CAPTION CENTER DD DETAILS DIV DL DT FIELDSET FIGCAPTION FIGURE FOOTER FORM H1 H2 H3 H4 H5 H6 HEADER HR HTML LEGEND LI MAIN NAV OL P PRE SECTION SUMMARY TABLE UL'.split(
    ' ',
  ),
);

const nameOf = (element: HtmlElement): string => element.nodeName.toUpperCase();

function isHidden(element: HtmlElement): boolean {
  // A closed accordion is hidden by its style or class and still an answer; only what says that it is nothing goes.
  return element.hasAttribute('hidden') || (element.getAttribute('aria-hidden') === 'true' && !element.querySelector('p,li,td'));
}

/** 1…6 of a heading, and of what acts as one: the question of an accordion; 0 of anything else. */
function headingLevel(element: HtmlElement, name: string, current: number): number {
  if (/^H[1-6]$/.test(name)) return Number(name[1]);
  if (element.getAttribute('role') === 'heading') return Math.min(6, Math.max(1, Number(element.getAttribute('aria-level') ?? 2) || 2));
  if (name === 'SUMMARY' || (name === 'BUTTON' && element.hasAttribute('aria-controls') && element.hasAttribute('aria-expanded')))
    return Math.min(6, current + 1);
  return 0;
}

interface Place {
  node: HtmlNode;
  /** Elements are met twice. */
  leaving: boolean;
}

class Walk {
  readonly #writer: MarkdownWriter;
  #words = '';
  /** Items of the lists that are open, written together when the outermost ends. */
  #items: string[] = [];
  #lists = 0;
  #term = '';
  /** Level of the last heading that the page itself has (accordions stand one below it). */
  #level = 1;

  constructor(writer: MarkdownWriter) {
    this.#writer = writer;
  }

  run(root: HtmlElement): void {
    const stack: Place[] = [{ node: root, leaving: false }];
    for (let place = stack.pop(); place; place = stack.pop()) {
      const { node, leaving } = place;
      if (isText(node)) this.#words += node.nodeValue ?? '';
      else if (!isElement(node)) continue;
      else if (leaving) this.#leave(nameOf(node));
      else if (this.#enter(node, nameOf(node))) {
        stack.push({ node, leaving: true });
        const children: Place[] = [];
        for (let child = node.firstChild; child; child = child.nextSibling) children.push({ node: child, leaving: false });
        while (children.length > 0) stack.push(children.pop() as Place);
      }
    }
    this.#flush();
    this.#endList();
  }

  /** Whether its children are to be walked. */
  #enter(element: HtmlElement, name: string): boolean {
    if (SILENT.has(name) || isHidden(element)) return false;
    if (name === 'BR') this.#words += ' ';
    if (name === 'TABLE') return this.#table(element);
    const level = headingLevel(element, name, this.#level);
    if (level > 0) {
      this.#flush();
      this.#endList();
      if (name !== 'SUMMARY' && name !== 'BUTTON') this.#level = level;
      // A button inside its heading is the same heading.
      this.#writer.heading(level, element.textContent ?? '');
      return false;
    }
    if (BLOCKS.has(name)) this.#flush();
    if (name === 'UL' || name === 'OL' || name === 'DL') this.#lists++;
    return true;
  }

  #leave(name: string): void {
    if (!BLOCKS.has(name)) return;
    if (name === 'DT') {
      this.#term = oneLine(`${this.#term} ${this.#words}`);
      this.#words = '';
      return;
    }
    this.#flush();
    if (name === 'DD' || name === 'DL') this.#term = '';
    if ((name === 'UL' || name === 'OL' || name === 'DL') && this.#lists > 0 && --this.#lists === 0) this.#endList();
  }

  /** The words so far are an item, or a paragraph. */
  #flush(): void {
    const words = oneLine(this.#words);
    this.#words = '';
    if (!words) return;
    if (this.#lists > 0) this.#items.push(this.#term ? `${this.#term.replace(/:$/, '')}: ${words}` : words);
    else this.#writer.paragraph(words);
  }

  #endList(): void {
    if (this.#lists === 0) this.#lists = 0;
    this.#writer.list(this.#items);
    this.#items = [];
  }

  /** True when it only lays out a page: its cells are then walked like any other element. */
  #table(table: HtmlElement): boolean {
    this.#flush();
    const isLayout = table.getAttribute('role') === 'presentation' || table.querySelector('table,h1,h2,h3,ul,ol') !== null;
    if (isLayout) return true;
    this.#endList();
    const caption = table.querySelector('caption')?.textContent;
    if (caption) this.#writer.paragraph(caption);
    const rows: string[][] = [];
    let names: string[] | undefined;
    for (const row of table.querySelectorAll('tr')) {
      const cells: string[] = [];
      let heads = 0;
      for (let cell = row.firstChild; cell; cell = cell.nextSibling) {
        if (!isElement(cell) || !/^T[DH]$/.test(nameOf(cell))) continue;
        if (nameOf(cell) === 'TH') heads++;
        cells.push(oneLine(cell.textContent ?? ''));
        for (let span = Math.min(50, Number(cell.getAttribute('colspan') ?? 1)); span > 1; span--) cells.push('');
      }
      if (!names && rows.length === 0 && cells.length > 1 && heads === cells.length) names = cells;
      else rows.push(cells);
    }
    if (names && rows.length === 0) this.#writer.list(rowSentences([names]));
    else this.#writer.list(rowSentences(rows, names));
    return false;
  }
}

/** @throws ExtractionError `too-large` */
export function htmlMarkdown(root: HtmlElement, limits: Pick<ExtractionLimits, 'characters'>): string {
  const writer = new MarkdownWriter(limits);
  new Walk(writer).run(root);
  return writer.text();
}
