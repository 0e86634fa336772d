/** Files that want to harm, read in this process: each must end by itself, with a reason. */
import { deflateRawSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { SeededRandom } from '#kit/random.ts';
import { ExtractionError, type ExtractionLimits } from './extraction.ts';
import { extractionLimits } from './limits.ts';
import { readDocument } from './read-document.ts';
import { makeDocx, makePdf, makePptx, makeXlsx, pdfStream, writePdf } from './testing.ts';
import { XmlScanner } from './xml.ts';

const faultOf = async (bytes: Uint8Array, limits: Partial<ExtractionLimits> = {}) => {
  const error: unknown = await readDocument({ bytes }, { ...extractionLimits, ...limits }).catch((thrown: unknown) => thrown);
  if (!(error instanceof ExtractionError)) throw new Error('was read', { cause: error });
  return error.fault;
};

/** Processor time of this process: a machine that is busy with something else does not count. */
const busyMs = () => process.cpuUsage().user / 1_000;

const zeros = Buffer.alloc(10 * 1024 * 1024);
const documentPart = 'word/document.xml';

test('zip bomb: 10 MB of zeros pack a thousand to one', async () => {
  expect(await faultOf(makeDocx(['x'], { extra: [{ name: 'word/media/zeros.bin', bytes: zeros, deflate: true }] }))).toBe(
    'expands-too-much',
  );
  expect(await faultOf(makePptx([{ points: ['x'] }], { extra: [{ name: 'ppt/slides/slide1.xml', bytes: zeros, deflate: true }] }))).toBe(
    'expands-too-much',
  );
});

test('an archive in the archive is not opened', async () => {
  const bomb = makeDocx(['x'], { extra: [{ name: documentPart, bytes: zeros, deflate: true }] });
  const outer = makeDocx(['The words outside.'], { extra: [{ name: 'word/embeddings/inner.docx', bytes: bomb }] });
  expect((await readDocument({ bytes: outer }, extractionLimits)).text).toBe('The words outside.');
});

test('a directory that lies about sizes is found out while unpacking', async () => {
  const lie = (name: string) => ({ extra: [{ name, bytes: zeros, deflate: true, declaredBytes: 400 }] });
  expect(await faultOf(makeDocx(['x'], lie(documentPart)))).toBe('file-damaged');
  expect(await faultOf(makeXlsx([{ name: 'A', rows: [['x']] }], lie('xl/worksheets/sheet1.xml')))).toBe('file-damaged');
});

test('entries: their number, and many over the same bytes', async () => {
  const many = Array.from({ length: 50 }, (_, index) => ({ name: `word/${index}.xml`, bytes: Buffer.from('<a/>') }));
  expect(await faultOf(makeDocx(['x'], { extra: many }), { entries: 40 })).toBe('too-many-entries');
  // Fifield's bomb: a directory whose entries all point at one packed file (here the first).
  const archive = makeDocx(['x'], { extra: [...many, { name: 'word/z.xml', bytes: zeros.subarray(0, 900_000), deflate: true }] });
  const entry = archive.lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'));
  const end = archive.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const copies = Array.from({ length: 90 }, (_, index) => {
    const copy = Buffer.from(archive.subarray(entry, end));
    copy.write(String.fromCharCode(33 + index), copy.length - 5, 'latin1');
    return copy;
  });
  const tail = Buffer.from(archive.subarray(end));
  for (const at of [8, 10]) tail.writeUInt16LE(tail.readUInt16LE(at) + copies.length, at);
  expect(await faultOf(Buffer.concat([archive.subarray(0, end), ...copies, tail]))).toMatch(/expands-too-much|file-damaged/);
});

test('XML: entities are not known, a document type is refused', async () => {
  const laughs = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]><sst><si><t>&c;</t></si></sst>`;
  const part = (name: string) => ({ extra: [{ name, bytes: Buffer.from(laughs) }] });
  expect(await faultOf(makeXlsx([{ name: 'A', rows: [['x']] }], part('xl/sharedStrings.xml')))).toBe('file-damaged');
  expect(await faultOf(makeDocx(['x'], part(documentPart)))).toBe('file-damaged');
  let text = '';
  new XmlScanner({ text: (words) => (text += words) }).write('<a>&amp;&lol;&#65;&#x1F600;&#xFFFFFFF;&#0;</a>');
  expect(text).toBe('&&lol;A😀&#xFFFFFFF;');
});

test('XML is the same however it is cut', () => {
  const xml = '<?xml version="1.0"?><!-- a > b --><r a="1 > 0"><x:t y:z=\'2\'>one &amp; two</x:t><![CDATA[<raw>]]><e/></r>';
  const scan = (pieces: string[]) => {
    const seen: string[] = [];
    let words = '';
    const told = (what: string) => {
      if (words) seen.push(`"${words}"`);
      words = '';
      seen.push(what);
    };
    const scanner = new XmlScanner({
      open: (name, attribute) => told(`<${name} ${attribute('a') ?? attribute('z') ?? ''}`),
      close: (name) => told(`/${name}`),
      text: (text) => (words += text),
    });
    for (const piece of pieces) scanner.write(piece);
    return seen;
  };
  const whole = scan([xml]);
  expect(whole).toEqual(['<r 1 > 0', '<t 2', '"one & two"', '/t', '"<raw>"', '<e ', '/e', '/r']);
  for (let size = 1; size < 12; size++) expect(scan(xml.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? [])).toEqual(whole);
});

const page = '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << >> >>';

test('PDF: a million pages, declared or real', async () => {
  expect(await faultOf(makePdf([['x'], ['y']]), { pages: 1 })).toBe('too-many-pages');
  // One page object, a million times: small, and really a million pages.
  const kids = (reference: string) => `<< /Type /Pages /Parent 2 0 R /Count 1000 /Kids [${`${reference} `.repeat(1_000)}] >>`;
  const real = writePdf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count 1000000 /Kids [${'3 0 R '.repeat(1_000)}] >>`,
    kids('4 0 R'),
    page,
  ]);
  expect(real.length).toBeLessThan(20_000);
  expect(await faultOf(real)).toMatch(/too-many-pages|file-damaged/);
  const liar = makePdf([['The only page there is.']], { declaredPages: 1_000_000 });
  const read = await readDocument({ bytes: liar }, extractionLimits).catch((error: unknown) => error);
  if (read instanceof ExtractionError) expect(read.fault).toMatch(/too-many-pages|file-damaged/);
  else expect(read).toMatchObject({ pages: 1 });
});

test('PDF: pages, forms and objects that lead in circles', async () => {
  const circle = writePdf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Count 2 /Kids [3 0 R 3 0 R] >>',
    '<< /Type /Pages /Parent 2 0 R /Count 1 /Kids [2 0 R] >>',
  ]);
  expect(await faultOf(circle)).toMatch(/file-damaged|no-text/);
  const form = pdfStream('/F Do', '/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /F 4 0 R >> >>');
  const forms = writePdf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Count 1 /Kids [3 0 R] >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << /XObject << /F 4 0 R >> >> /Contents 5 0 R >>',
    form,
    pdfStream('/F Do'),
  ]);
  expect(await faultOf(forms)).toMatch(/file-damaged|no-text/);
  expect(await faultOf(writePdf(['1 0 R', '2 0 R']))).toBe('file-damaged');
});

test('texts made to be slow are not', async () => {
  const evil = [
    '[a]('.repeat(8_000),
    '**a'.repeat(8_000),
    '_'.repeat(20_000),
    '<!--'.repeat(8_000),
    '<a '.repeat(8_000),
    '| '.repeat(8_000) + '\n' + '|-'.repeat(8_000),
    '"'.repeat(20_001),
    `# ${'a#'.repeat(20_000)}`,
    ' '.repeat(40_000) + 'x',
    'x.'.repeat(20_000),
    'a,'.repeat(20_000),
    '\n- '.repeat(8_000) + 'x',
    '<html>' + '<table><tr><td>'.repeat(1_500) + 'x',
    '<html>' + '<ul><li>'.repeat(2_000) + 'x',
  ];
  for (const text of evil) {
    const started = busyMs();
    for (const fileName of ['a.txt', 'a.md', 'a.csv', 'a.html']) {
      await readDocument({ bytes: Buffer.from(text), fileName }, extractionLimits).catch((error: unknown) =>
        expect(error).toBeInstanceOf(ExtractionError),
      );
    }
    expect(busyMs() - started, text.slice(0, 20)).toBeLessThan(6_000);
  }
});

test('a hundred random, cut and broken files end by themselves', async () => {
  const random = new SeededRandom(4);
  const integer = (below: number) => Math.floor(random.next() * below);
  const whole = [
    makePdf([['Some words.'], ['More words.']]),
    makeDocx([
      'Some words.',
      {
        table: [
          ['a', 'b'],
          ['1', '2'],
        ],
      },
    ]),
    makePptx([{ title: 'T', points: ['Some words.'], notes: 'n' }]),
    makeXlsx([
      {
        name: 'A',
        rows: [
          ['a', 'b'],
          [1, 2],
        ],
      },
    ]),
    Buffer.from('<html><body><table><tr><td>Some words.</td></tr></table></body></html>'),
  ];
  const heads = ['', '%PDF-1.7\n', 'PK\x03\x04', '<html>', '# ', '\xff\xfe'];
  const outcomes = new Set<string>();
  for (let round = 0; round < 100; round++) {
    let bytes = Buffer.from(whole[round % whole.length]);
    if (round % 3 === 0) bytes = bytes.subarray(0, integer(bytes.length));
    else if (round % 3 === 1) for (let hits = 1 + integer(20); hits > 0; hits--) bytes[integer(bytes.length)] = integer(256);
    else
      bytes = Buffer.concat([
        Buffer.from(heads[integer(heads.length)], 'latin1'),
        Buffer.from(Uint8Array.from({ length: integer(4_000) }, () => integer(256))),
      ]);
    const started = busyMs();
    const outcome = await readDocument({ bytes }, extractionLimits).then(
      () => 'read',
      (error: unknown) => (error as ExtractionError).fault,
    );
    expect(outcome).toBeTypeOf('string');
    outcomes.add(outcome);
    expect(busyMs() - started).toBeLessThan(5_000);
  }
  expect(outcomes).toContain('read');
  expect(outcomes).toContain('file-damaged');
});

test('a packed stream that breaks off is a damaged file', async () => {
  const broken = deflateRawSync(Buffer.alloc(5_000, 65)).subarray(0, 8);
  expect(await faultOf(makeDocx(['x'], { extra: [{ name: documentPart, bytes: broken }] }))).toMatch(/file-damaged|no-text/);
});
