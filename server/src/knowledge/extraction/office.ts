/** Office packages (ECMA-376 part 2): which parts there are, how they refer to each other, what the document is called. */
import { posix } from 'node:path';
import type { Archive } from './archive.ts';
import { oneLine } from './reading.ts';
import { type XmlHandler, XmlScanner } from './xml.ts';

export interface Relationship {
  id: string;
  /** The last word of its type, such as `slide`, `notesSlide`, `officeDocument`. */
  type: string;
  /** Name of the part in the archive. */
  target: string;
}

export async function scanPart(archive: Archive, name: string, handler: XmlHandler): Promise<void> {
  const scanner = new XmlScanner(handler);
  for await (const chunk of archive.text(name)) scanner.write(chunk);
}

/** What a part refers to inside the package; empty when it refers to nothing. `part` is '' for the package itself. */
export async function relationshipsOf(archive: Archive, part: string): Promise<Relationship[]> {
  const name = posix.join(posix.dirname(part), '_rels', `${posix.basename(part)}.rels`);
  const found: Relationship[] = [];
  if (!archive.has(name)) return found;
  await scanPart(archive, name, {
    open: (tag, attribute) => {
      const target = attribute('Target');
      if (tag !== 'Relationship' || !target || attribute('TargetMode') === 'External') return;
      const type = (attribute('Type') ?? '').split('/').at(-1) ?? '';
      found.push({ id: attribute('Id') ?? '', type, target: posix.join('/', posix.dirname(part), target).slice(1) });
      if (target.startsWith('/')) found[found.length - 1].target = target.slice(1);
    },
  });
  return found;
}

export type OfficeKind = 'docx' | 'pptx' | 'xlsx';

/** The main part and its kind by content type; `undefined` when this is no such package, or one of another kind. */
export async function mainPartOf(archive: Archive): Promise<{ kind: OfficeKind; part: string } | undefined> {
  if (!archive.has('[Content_Types].xml')) return undefined;
  const part = (await relationshipsOf(archive, '')).find(({ type }) => type === 'officeDocument')?.target;
  if (!part || !archive.has(part)) return undefined;
  let type = '';
  await scanPart(archive, '[Content_Types].xml', {
    open: (tag, attribute) => {
      if (tag === 'Override' && attribute('PartName') === `/${part}`) type = attribute('ContentType') ?? '';
    },
  });
  const kind = kindOf(type);
  return kind && { kind, part };
}

/** The binary workbook (`.xlsb`) has a type of its own that is not read. */
function kindOf(contentType: string): OfficeKind | undefined {
  if (/wordprocessingml|ms-word\.(document|template)\.macro/.test(contentType)) return 'docx';
  if (/presentationml|ms-powerpoint\.(presentation|slideshow|template)\.macro/.test(contentType)) return 'pptx';
  if (/spreadsheetml|ms-excel\.(sheet|template)\.macro/.test(contentType)) return 'xlsx';
  return undefined;
}

/** `dc:title` of the core properties. */
export async function titleOf(archive: Archive): Promise<string | undefined> {
  const part = (await relationshipsOf(archive, '')).find(({ type }) => type === 'core-properties')?.target;
  if (!part || !archive.has(part)) return undefined;
  let inside = false;
  let title = '';
  await scanPart(archive, part, {
    open: (name) => {
      inside = name === 'title';
    },
    close: () => {
      inside = false;
    },
    text: (text) => {
      if (inside && title.length < 300) title += text;
    },
  });
  return oneLine(title).slice(0, 300) || undefined;
}
