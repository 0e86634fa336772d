/** Markdown made plain: headings, paragraphs and items stay; links, emphasis, pictures and HTML become the words in them. */
import { textOf } from './encoding.ts';
import { type Found, MarkdownWriter, oneLine, type Reading } from './reading.ts';
import { rowSentences } from './table.ts';

/** Marks inside a line. Every pattern is bounded, so that no text takes long. */
export function plainInline(text: string): string {
  return text
    .replace(/!\[([^\]]{0,300})\]\([^)]{0,2000}\)/g, '')
    .replace(/\[([^\]]{1,500})\]\([^)]{0,2000}\)/g, '$1')
    .replace(/\[([^\]]{1,500})\]\[[^\]]{0,200}\]/g, '$1')
    .replace(/<((?:https?|mailto):[^>\s]{1,500})>/g, (_, address: string) => address.replace(/^mailto:/, ''))
    .replace(/<\/?[a-z][^<>]{0,500}>/gi, ' ')
    .replace(/(\*\*|__)(?=\S)([^*_]{1,500})(?<=\S)\1/g, '$2')
    .replace(/(?<![\w*])\*(?=\S)([^*]{1,500})(?<=\S)\*(?![\w*])/g, '$1')
    .replace(/(?<![\w_])_(?=\S)([^_]{1,500})(?<=\S)_(?![\w_])/g, '$1')
    .replace(/~~([^~]{1,500})~~/g, '$1')
    .replace(/`{1,2}([^`]{1,500})`{1,2}/g, '$1')
    .replace(/\\([\\`*_{}[\]()#+.!|<>~-])/g, '$1');
}

const cellsOf = (line: string): string[] =>
  line
    .trim()
    .replace(/^\|/, '')
    .replace(/\|$/, '')
    .split(/(?<!\\)\|/)
    .map((cell) => oneLine(plainInline(cell.replaceAll('\\|', '|'))));

const ITEM = /^\s{0,12}(?:[-*+•]|\d{1,3}[.)])\s+(.*)$/;
const RULE = /^\s{0,3}([-*_])(?:\s*\1){2,}\s*$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

/** What stands between two dashed lines at the very top; only its title matters. */
function frontMatter(lines: string[]): { title?: string; rest: string[] } {
  if (lines[0]?.trim() !== '---') return { rest: lines };
  const end = lines.slice(0, 100).findIndex((line, index) => index > 0 && line.trim() === '---');
  if (end < 0) return { rest: lines };
  const title = lines.slice(1, end).flatMap((line) => /^title:\s*["']?(.{1,300}?)["']?\s*$/i.exec(line)?.[1] ?? [])[0];
  return { title, rest: lines.slice(end + 1) };
}

/** Blocks of a Markdown text, written one by one. */
class MarkdownWalk {
  readonly #writer: MarkdownWriter;
  #paragraph: string[] = [];
  #items: string[] = [];
  title: string | undefined;

  constructor(writer: MarkdownWriter) {
    this.#writer = writer;
  }

  run(lines: readonly string[]): void {
    let fence: string | undefined;
    for (let at = 0; at < lines.length; at++) {
      const line = lines[at];
      const mark = /^\s{0,3}(```+|~~~+)/.exec(line)?.[1];
      if (mark && (!fence || mark.startsWith(fence))) {
        fence = fence ? undefined : mark;
        this.flush();
      } else if (fence) this.#paragraph.push(line);
      else if (line.includes('|') && TABLE_RULE.test(lines[at + 1] ?? '') && (lines[at + 1] ?? '').includes('-'))
        at = this.#table(lines, at);
      else this.#line(line);
    }
    this.flush();
  }

  #line(line: string): void {
    const heading = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line);
    const item = ITEM.exec(line);
    if (heading) this.#heading(heading[1].length, heading[2]);
    else if (/^\s{0,3}(=+|-{2,})\s*$/.test(line) && this.#paragraph.length === 1)
      this.#heading(line.includes('=') ? 1 : 2, this.#paragraph.splice(0)[0]);
    else if (line.trim() === '' || RULE.test(line)) this.flush();
    else if (item && !RULE.test(line)) {
      if (this.#paragraph.length > 0) this.flush();
      // The number of a step is said with it.
      this.#items.push(/^\s*\d/.test(line) ? line.trim() : item[1]);
    } else if (this.#items.length > 0) this.#items[this.#items.length - 1] += ` ${line.trim()}`;
    else this.#paragraph.push(line.replace(/^\s{0,3}>+\s?/, ''));
  }

  #heading(level: number, text: string): void {
    this.flush();
    const plain = oneLine(plainInline(text));
    this.title ??= level === 1 ? plain : undefined;
    this.#writer.heading(level, plain);
  }

  /** Returns the place of its last line. */
  #table(lines: readonly string[], at: number): number {
    this.flush();
    const rows: string[][] = [];
    let end = at + 2;
    while (end < lines.length && lines[end].includes('|')) rows.push(cellsOf(lines[end++]));
    this.#writer.list(rowSentences(rows, cellsOf(lines[at])));
    return end - 1;
  }

  flush(): void {
    this.#writer.paragraph(plainInline(this.#paragraph.splice(0).join(' ')));
    this.#writer.list(this.#items.splice(0).map(plainInline));
  }
}

export function readMarkdown({ bytes, limits }: Reading): Found {
  const { title, rest } = frontMatter(textOf(bytes).split(/\r\n|\r|\n/));
  const writer = new MarkdownWriter(limits);
  const walk = new MarkdownWalk(writer);
  walk.run(rest);
  return { title: title ?? walk.title, text: writer.text() };
}

/** Lines that stand for themselves, such as opening hours or an address, not prose that was wrapped. */
function areLines(lines: readonly string[]): boolean {
  const short = lines.filter((line) => line.length <= 60 && !/[.,;]\s*$/.test(line) && /^\s*[\p{Lu}\p{N}]/u.test(line));
  return lines.length > 1 && short.length === lines.length;
}

/** Plain text: paragraphs, and lists where lines begin with a mark or stand for themselves. */
export function readText({ bytes, limits }: Reading): Found {
  const writer = new MarkdownWriter(limits);
  for (const block of textOf(bytes)
    .replaceAll('\f', '\n\n')
    .split(/(?:\r\n|\r|\n)[ \t]*(?:\r\n|\r|\n)/)) {
    let prose: string[] = [];
    let items: string[] = [];
    const flush = () => {
      if (areLines(prose)) writer.list(prose);
      else writer.paragraph(prose.join(' '));
      writer.list(items);
      prose = [];
      items = [];
    };
    for (const line of block.split(/\r\n|\r|\n/)) {
      const item = /^\s*[-*•]\s+(.*)$/.exec(line)?.[1];
      if (item !== undefined) items.push(item);
      else if (items.length > 0 && /^\s+\S/.test(line)) items[items.length - 1] += ` ${line.trim()}`;
      else {
        if (items.length > 0) flush();
        prose.push(line);
      }
    }
    flush();
  }
  return { text: writer.text() };
}
