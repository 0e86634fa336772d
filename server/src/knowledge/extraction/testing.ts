/** Documents for tests, made byte by byte: small, real, and as broken as a test wants them. */
import { deflateSync } from 'node:zlib';
import { type ArchiveFile, writeArchive } from './archive-writer.ts';

export type TestBlock = string | { heading: number; text: string } | { list: string[] } | { table: string[][] };

const escapeXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const part = (name: string, xml: string): ArchiveFile => ({
  name,
  bytes: Buffer.from(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n${xml}`),
  deflate: true,
});

// ---------------------------------------------------------------- PDF

/** A PDF of numbered objects (1 is the catalogue), with a cross-reference table that is right. */
export function writePdf(objects: readonly (string | Buffer)[], trailer = ''): Buffer {
  const parts: Buffer[] = [Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1')];
  let offset = parts[0].length;
  const offsets: number[] = [];
  for (const [index, object] of objects.entries()) {
    const body = typeof object === 'string' ? Buffer.from(object, 'latin1') : object;
    const whole = Buffer.concat([Buffer.from(`${index + 1} 0 obj\n`), body, Buffer.from('\nendobj\n')]);
    offsets.push(offset);
    offset += whole.length;
    parts.push(whole);
  }
  const rows = offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('');
  parts.push(
    Buffer.from(
      `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R ${trailer} >>\nstartxref\n${offset}\n%%EOF\n`,
    ),
  );
  return Buffer.concat(parts);
}

export const pdfStream = (content: string | Buffer, entries = ''): Buffer => {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content;
  return Buffer.concat([Buffer.from(`<< /Length ${bytes.length} ${entries} >>\nstream\n`), bytes, Buffer.from('\nendstream')]);
};

const wrap = (text: string, width: number): string[] => {
  const lines = [''];
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1) ?? '';
    if (last && last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last ? `${last} ${word}` : word;
  }
  return lines;
};

/** Drawing operators of one page: A4, headings larger, tables in columns. Characters of windows-1252 only. */
function pageContent(blocks: readonly TestBlock[]): string {
  const drawn: string[] = [];
  let y = 780;
  const draw = (text: string, size: number, x = 72) => {
    const literal = text.replace(/[\\()]/g, '\\$&');
    drawn.push(`BT /F1 ${size} Tf 1 0 0 1 ${x} ${y} Tm (${literal}) Tj ET`);
  };
  for (const block of blocks) {
    if (typeof block === 'string') {
      for (const line of wrap(block, 80)) {
        draw(line, 11);
        y -= 14;
      }
    } else if ('heading' in block) {
      y -= 8;
      draw(block.text, 24 - block.heading * 3);
      y -= 20;
    } else if ('list' in block) {
      for (const item of block.list) {
        draw(`- ${item}`, 11);
        y -= 14;
      }
    } else {
      for (const row of block.table) {
        for (const [column, cell] of row.entries()) draw(cell, 11, 72 + column * 160);
        y -= 16;
      }
    }
    y -= 14;
  }
  return drawn.join('\n');
}

export interface PdfOptions {
  title?: string;
  /** What `/Count` says instead of the truth. */
  declaredPages?: number;
  /** As if a password were needed. */
  encrypted?: boolean;
}

/** One element for each page. */
export function makePdf(pages: readonly (readonly TestBlock[])[], { title, declaredPages, encrypted }: PdfOptions = {}): Buffer {
  const kids = pages.map((_, index) => `${4 + index * 2} 0 R`).join(' ');
  const objects: (string | Buffer)[] = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${declaredPages ?? pages.length} /Kids [${kids}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
  ];
  for (const [index, blocks] of pages.entries()) {
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents ${5 + index * 2} 0 R >>`,
      pdfStream(deflateSync(Buffer.from(pageContent(blocks), 'latin1')), '/Filter /FlateDecode'),
    );
  }
  let trailer = '';
  if (title) trailer += `/Info ${objects.push(`<< /Title (${title}) >>`)} 0 R `;
  if (encrypted) {
    const key = `<${'5a'.repeat(32)}>`;
    trailer += `/ID [<00><00>] /Encrypt ${objects.push(`<< /Filter /Standard /V 1 /R 2 /O ${key} /U ${key} /P -4 >>`)} 0 R `;
  }
  return writePdf(objects, trailer);
}

// ---------------------------------------------------------------- Office

const RELATIONSHIPS = 'http://schemas.openxmlformats.org/package/2006/relationships';
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';

const relationships = (name: string, entries: readonly [id: string, type: string, target: string][]): ArchiveFile =>
  part(
    name,
    `<Relationships xmlns="${RELATIONSHIPS}">${entries.map(([id, type, target]) => `<Relationship Id="${id}" Type="${OFFICE}/${type}" Target="${target}"/>`).join('')}</Relationships>`,
  );

/** The parts that every package has. */
function packageParts(main: string, contentType: string, title: string | undefined): ArchiveFile[] {
  const core = title
    ? part('docProps/core.xml', `<cp:coreProperties xmlns:cp="c" xmlns:dc="d"><dc:title>${escapeXml(title)}</dc:title></cp:coreProperties>`)
    : undefined;
  return [
    part(
      '[Content_Types].xml',
      `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/${main}" ContentType="application/vnd.openxmlformats-officedocument.${contentType}.main+xml"/></Types>`,
    ),
    relationships('_rels/.rels', [
      ['rId1', 'officeDocument', main],
      ...(core ? [['rId2', 'core-properties', 'docProps/core.xml'] as [string, string, string]] : []),
    ]),
    ...(core ? [core] : []),
  ];
}

export interface OfficeOptions {
  title?: string;
  /** Put into the archive besides, or instead of a part of the same name. */
  extra?: readonly ArchiveFile[];
}

const pack = (parts: readonly ArchiveFile[], extra: readonly ArchiveFile[] = []): Buffer => {
  const replaced = new Set(extra.map(({ name }) => name));
  return writeArchive([...parts.filter(({ name }) => !replaced.has(name)), ...extra]);
};

export function makeDocx(blocks: readonly TestBlock[], { title, extra }: OfficeOptions = {}): Buffer {
  const paragraph = (text: string, properties = '') =>
    `<w:p>${properties && `<w:pPr>${properties}</w:pPr>`}<w:r><w:t xml:space="preserve">${escapeXml(text)}</w:t></w:r></w:p>`;
  const body = blocks.map((block) => {
    if (typeof block === 'string') return paragraph(block);
    if ('heading' in block) return paragraph(block.text, `<w:pStyle w:val="Heading${block.heading}"/>`);
    if ('list' in block)
      return block.list.map((item) => paragraph(item, '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>')).join('');
    const rows = block.table.map((row) => `<w:tr>${row.map((cell) => `<w:tc>${paragraph(cell)}</w:tc>`).join('')}</w:tr>`);
    return `<w:tbl>${rows.join('')}</w:tbl>`;
  });
  const w = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"';
  const styles = [1, 2, 3].map(
    (level) => `<w:style w:type="paragraph" w:styleId="Heading${level}"><w:name w:val="heading ${level}"/></w:style>`,
  );
  return pack(
    [
      ...packageParts('word/document.xml', 'wordprocessingml.document', title),
      part('word/document.xml', `<w:document ${w}><w:body>${body.join('')}</w:body></w:document>`),
      part('word/styles.xml', `<w:styles ${w}>${styles.join('')}</w:styles>`),
      part(
        'word/numbering.xml',
        `<w:numbering ${w}><w:abstractNum w:abstractNumId="0"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/></w:lvl></w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>`,
      ),
      relationships('word/_rels/document.xml.rels', [
        ['rId1', 'styles', 'styles.xml'],
        ['rId2', 'numbering', 'numbering.xml'],
      ]),
    ],
    extra,
  );
}

export interface TestSlide {
  title?: string;
  points: string[];
  table?: string[][];
  notes?: string;
}

/** The slides' files are numbered backwards, so that their order must come from the presentation. */
export function makePptx(slides: readonly TestSlide[], { title, extra }: OfficeOptions = {}): Buffer {
  const file = (index: number) => `slide${slides.length - index}.xml`;
  const paragraphs = (texts: readonly string[]) => texts.map((text) => `<a:p><a:r><a:t>${escapeXml(text)}</a:t></a:r></a:p>`).join('');
  const shape = (kind: string, texts: readonly string[]) =>
    `<p:sp><p:nvSpPr><p:nvPr><p:ph type="${kind}"/></p:nvPr></p:nvSpPr><p:txBody>${paragraphs(texts)}</p:txBody></p:sp>`;
  const p =
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"';
  const parts = slides.flatMap((slide, index) => {
    const rows = slide.table?.map(
      (row) => `<a:tr>${row.map((cell) => `<a:tc><a:txBody>${paragraphs([cell])}</a:txBody></a:tc>`).join('')}</a:tr>`,
    );
    const table = rows ? `<p:graphicFrame><a:tbl>${rows.join('')}</a:tbl></p:graphicFrame>` : '';
    const shapes = `${shape('sldNum', [String(index + 1)])}${slide.title ? shape('title', [slide.title]) : ''}${shape('body', slide.points)}${table}`;
    const made = [part(`ppt/slides/${file(index)}`, `<p:sld ${p}><p:cSld><p:spTree>${shapes}</p:spTree></p:cSld></p:sld>`)];
    if (!slide.notes) return made;
    return [
      ...made,
      part(
        `ppt/notesSlides/${file(index)}`,
        `<p:notes ${p}><p:cSld><p:spTree>${shape('body', [slide.notes])}</p:spTree></p:cSld></p:notes>`,
      ),
      relationships(`ppt/slides/_rels/${file(index)}.rels`, [['rId1', 'notesSlide', `../notesSlides/${file(index)}`]]),
    ];
  });
  const ids = slides.map((_, index) => `<p:sldId id="${256 + index}" r:id="rId${index + 1}"/>`).join('');
  return pack(
    [
      ...packageParts('ppt/presentation.xml', 'presentationml.presentation', title),
      part('ppt/presentation.xml', `<p:presentation ${p} xmlns:r="${OFFICE}"><p:sldIdLst>${ids}</p:sldIdLst></p:presentation>`),
      relationships(
        'ppt/_rels/presentation.xml.rels',
        slides.map((_, index) => [`rId${index + 1}`, 'slide', `slides/${file(index)}`]),
      ),
      ...parts,
    ],
    extra,
  );
}

/** `format`: a number format's code, such as `yyyy-mm-dd` or `0%`. */
export type TestCell = string | number | boolean | null | { value: number; format: string };

export interface TestSheet {
  name: string;
  rows: TestCell[][];
  hidden?: boolean;
}

export function makeXlsx(sheets: readonly TestSheet[], { title, extra }: OfficeOptions = {}): Buffer {
  const strings: string[] = [];
  const formats: string[] = [];
  const indexIn = (list: string[], value: string) => (list.includes(value) ? list.indexOf(value) : list.push(value) - 1);
  const cellXml = (cell: TestCell, reference: string): string => {
    if (cell === null) return '';
    if (typeof cell === 'string') return `<c r="${reference}" t="s"><v>${indexIn(strings, cell)}</v></c>`;
    if (typeof cell === 'boolean') return `<c r="${reference}" t="b"><v>${Number(cell)}</v></c>`;
    if (typeof cell === 'number') return `<c r="${reference}"><v>${cell}</v></c>`;
    return `<c r="${reference}" s="${indexIn(formats, cell.format) + 1}"><v>${cell.value}</v></c>`;
  };
  const worksheets = sheets.map(({ rows }, index) => {
    const data = rows.map(
      (row, at) =>
        `<row r="${at + 1}">${row.map((cell, column) => cellXml(cell, `${String.fromCharCode(65 + column)}${at + 1}`)).join('')}</row>`,
    );
    return part(`xl/worksheets/sheet${index + 1}.xml`, `<worksheet xmlns="s"><sheetData>${data.join('')}</sheetData></worksheet>`);
  });
  const list = sheets.map(
    ({ name, hidden }, index) =>
      `<sheet name="${escapeXml(name)}" sheetId="${index + 1}" ${hidden ? 'state="hidden" ' : ''}r:id="rId${index + 1}"/>`,
  );
  const xfs = formats.map((_, index) => `<xf numFmtId="${164 + index}"/>`).join('');
  return pack(
    [
      ...packageParts('xl/workbook.xml', 'spreadsheetml.sheet', title),
      part('xl/workbook.xml', `<workbook xmlns="s" xmlns:r="${OFFICE}"><sheets>${list.join('')}</sheets></workbook>`),
      relationships('xl/_rels/workbook.xml.rels', [
        ...sheets.map((_, index): [string, string, string] => [`rId${index + 1}`, 'worksheet', `worksheets/sheet${index + 1}.xml`]),
        ['rIdS', 'sharedStrings', '/xl/sharedStrings.xml'],
        ['rIdF', 'styles', 'styles.xml'],
      ]),
      ...worksheets,
      part('xl/sharedStrings.xml', `<sst xmlns="s">${strings.map((text) => `<si><t>${escapeXml(text)}</t></si>`).join('')}</sst>`),
      part(
        'xl/styles.xml',
        `<styleSheet xmlns="s"><numFmts>${formats.map((code, index) => `<numFmt numFmtId="${164 + index}" formatCode="${escapeXml(code)}"/>`).join('')}</numFmts><cellStyleXfs><xf numFmtId="0"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>${xfs}</cellXfs></styleSheet>`,
      ),
    ],
    extra,
  );
}
