import { expect, test } from 'vitest';
import { ExtractionError, type ExtractionLimits } from './extraction.ts';
import { extractionLimits } from './limits.ts';
import { readDocument } from './read-document.ts';
import { makeDocx, makePdf, makePptx, makeXlsx, type TestBlock } from './testing.ts';

const read = (bytes: Uint8Array | string, fileName?: string, limits: Partial<ExtractionLimits> = {}) =>
  readDocument({ bytes: typeof bytes === 'string' ? Buffer.from(bytes) : bytes, fileName }, { ...extractionLimits, ...limits });

const faultOf = async (reading: Promise<unknown>) => {
  const error = await reading.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ExtractionError);
  return (error as ExtractionError).fault;
};

const guide: TestBlock[] = [
  { heading: 1, text: 'Patient guide' },
  'We are a small practice in the harbour. Appointments can be made by telephone or on our site at any hour of the day.',
  { heading: 2, text: 'Services' },
  'We offer:',
  { list: ['Cleaning with the hygienist', 'Fillings, white only'] },
  { heading: 2, text: 'Prices' },
  {
    table: [
      ['Treatment', 'Price'],
      ['Filling', '90 pounds'],
      ['Crown', '640 pounds'],
    ],
  },
];

test('a PDF has its headings, paragraphs, lists and tables back', async () => {
  const extracted = await read(makePdf([guide], { title: 'Harbour Dental' }));
  expect(extracted).toMatchObject({ format: 'pdf', title: 'Harbour Dental', pages: 1 });
  expect(extracted.text).toBe(`# Patient guide

We are a small practice in the harbour. Appointments can be made by telephone or on our site at any hour of the day.

## Services

We offer:

- Cleaning with the hygienist
- Fillings, white only

## Prices

- Treatment: Filling; Price: 90 pounds.
- Treatment: Crown; Price: 640 pounds.`);
});

test('what stands at the edge of every PDF page is no text, nor is the table of contents', async () => {
  const contents: TestBlock[] = [{ heading: 2, text: 'Contents' }, 'Filling 2', 'Parking behind the house 4'];
  const pages = Array.from({ length: 4 }, (_, index): TestBlock[] => [
    'Harbour Dental 2026',
    `The text of page ${'one two three four'.split(' ')[index]} is here.`,
    'And another line.',
    'And then a third.',
    `Page ${index + 1} of 4`,
  ]);
  const { text } = await read(makePdf([contents, ...pages]));
  expect(text).not.toMatch(/Harbour|Page \d|Contents|Parking/);
  expect(text).toContain('The text of page three is here.');
});

test('a word cut at the end of a PDF line is whole', async () => {
  const cut = makePdf([[`${'a '.repeat(36)}treat- ment costs ninety pounds and takes half an hour at most, on any day of the week.`]]);
  expect((await read(cut)).text).toContain('treatment costs');
});

test('a DOCX', async () => {
  const extracted = await read(makeDocx(guide, { title: 'Harbour & Dental' }));
  expect(extracted).toMatchObject({ format: 'docx', title: 'Harbour & Dental' });
  expect(extracted.text).toContain('# Patient guide\n\nWe are a small practice');
  expect(extracted.text).toContain('- Cleaning with the hygienist\n- Fillings, white only');
  expect(extracted.text).toContain('- Treatment: Crown; Price: 640 pounds.');
});

test('a PPTX in the order of its slides, with notes', async () => {
  const extracted = await read(
    makePptx([
      { title: 'Opening hours', points: ['Monday to Friday', 'Nine to five'], notes: 'On Saturday only by appointment.' },
      {
        points: ['No title here.'],
        table: [
          ['Day', 'Patients'],
          ['Monday', '12'],
        ],
      },
      { title: 'Parking', points: ['Behind the house.'] },
    ]),
  );
  expect(extracted).toMatchObject({ format: 'pptx', title: 'Opening hours', pages: 3 });
  expect(extracted.text).toBe(`## Opening hours

- Monday to Friday
- Nine to five

On Saturday only by appointment.

## 2

No title here.

- Day: Monday; Patients: 12.

## Parking

Behind the house.`);
});

test('an XLSX as a person sees it: dates, per cent, money; hidden sheets are not read', async () => {
  const extracted = await read(
    makeXlsx([
      {
        name: 'Price list',
        rows: [
          ['Valid from 2026'],
          ['Service', 'Price', 'VAT', 'Since', 'Bookable'],
          [
            'Filling',
            { value: 80.5, format: '"£"#,##0.00' },
            { value: 0.19, format: '0%' },
            { value: 46027, format: 'yyyy\\-mm\\-dd' },
            true,
          ],
          ['Crown', { value: 640, format: '#,##0.00\\ [$€-407]' }, { value: 0.07, format: '0.0%' }, null, false],
          ['Sum', 0.1 + 0.2, null, { value: 46027.40625, format: 'd/m/yyyy h:mm' }, null],
        ],
      },
      { name: 'Secret', rows: [['margin', 'forty percent']], hidden: true },
    ]),
  );
  expect(extracted).toMatchObject({ format: 'xlsx', pages: 1 });
  expect(extracted.text).toBe(`## Price list

Valid from 2026

- Service: Filling; Price: £80.50; VAT: 19%; Since: 2026-01-05; Bookable: yes.
- Service: Crown; Price: 640.00 €; VAT: 7.0%; Bookable: no.
- Service: Sum; Price: 0.3; Since: 2026-01-05 09:45.`);
});

test('a CSV with any delimiter; quotes that never close are mere characters', async () => {
  const rows = 'Name;Price;Note\nFilling;"90,50";"white;\nonly"\nCrown;640;\n';
  for (const text of [rows, rows.replaceAll(';', '\t').replace('white\t', 'white;'), `\ufeff${rows}`]) {
    const extracted = await read(text, 'prices.csv');
    expect(extracted).toMatchObject({
      format: 'csv',
      text: '- Name: Filling; Price: 90,50; Note: white; only.\n- Name: Crown; Price: 640.',
    });
  }
  expect((await read('Name,Size\nPipe,"2 in\nTube,3 in\n', 'sizes.csv')).text).toBe(
    '- Name: Pipe; Size: "2 in.\n- Name: Tube; Size: 3 in.',
  );
  // Without a name only a table beyond doubt is one.
  expect((await read('name,age,town\nAnn,3,Rome\nBob,4,Oslo\n')).format).toBe('csv');
  expect((await read('Well, yes, no.\nBut, then, again.\nSo, be, it.')).format).toBe('text');
});

test('HTML: content without its frame; accordions, tables and lists are kept', async () => {
  const extracted = await read(`<!doctype html><html><head><title>Harbour &amp; Dental</title><style>p{}</style></head><body>
    <nav><a href="/">Home</a><a href="/x">Contact us</a></nav>
    <div class="cookie-banner">We use cookies.</div>
    <main><h1>Questions</h1><script>alert(1)</script>
    <details><summary>Where can I park?</summary><p>Behind the <b>house</b>, free of charge.</p></details>
    <h2>Hours</h2><table><tr><th>Day</th><th>Open</th></tr><tr><td>Monday</td><td>9 to 5</td></tr><tr><td>Sunday</td><td>closed</td></tr></table>
    <ul><li>Bring your card<ul><li>and a pen</li></ul></li><li>Come early</li></ul>
    <dl><dt>Fax</dt><dd>555-1234</dd></dl></main></body></html>`);
  expect(extracted).toMatchObject({ format: 'html', title: 'Harbour & Dental' });
  expect(extracted.text).toBe(`# Questions

## Where can I park?

Behind the house, free of charge.

## Hours

- Day: Monday; Open: 9 to 5.
- Day: Sunday; Open: closed.

- Bring your card
- and a pen
- Come early

- Fax: 555-1234`);
});

test('HTML in the encoding that it declares', async () => {
  const page = '<html><head><meta charset="iso-8859-2"></head><body><p>\xb1 is a Polish letter in this page.</p></body></html>';
  expect((await read(Buffer.from(page, 'latin1'))).text).toBe('ą is a Polish letter in this page.');
});

test('HTML without its body tag, and a fragment', async () => {
  const whole = await read('<!DOCTYPE html><html lang=en><title>Hours</title><h1>When</h1><p>At nine.');
  expect(whole).toMatchObject({ format: 'html', title: 'Hours', text: '## When\n\nAt nine.' });
  expect((await read('<p>At <b>nine</b>.</p>', 'a.html')).text).toBe('At nine.');
});

test('twenty thousand nested elements are only text', async () => {
  const extracted = await read(`<html><body>${'<div>'.repeat(20_000)}deep down${'</div>'.repeat(20_000)}</body></html>`);
  expect(extracted.text).toBe('deep down');
});

test('Markdown: links, emphasis and code are words, tables are rows, front matter is a title', async () => {
  const extracted = await read(
    `---\ntitle: "The *guide*"\n---\nHours\n=====\n\nWe are **open** at [nine](https://x.example/a), \`really\`.\n\n* one\n  more\n* snake_case_name\n\n| Day | Open |\n|---|:--:|\n| Monday | 9 \\| 10 |\n\n\`\`\`\ncode\n\`\`\`\n`,
  );
  expect(extracted).toMatchObject({ format: 'markdown', title: 'The *guide*' });
  expect(extracted.text).toBe(
    '# Hours\n\nWe are open at nine, really.\n\n- one more\n- snake_case_name\n\n- Day: Monday; Open: 9 | 10.\n\ncode',
  );
});

test('plain text in UTF-8, UTF-16 and windows-1252', async () => {
  const text = 'Das Café öffnet um neun – täglich.';
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
  const windows = Buffer.from(text.replace('–', '\x96'), 'latin1');
  for (const bytes of [Buffer.from(text), Buffer.from(`\ufeff${text}`), utf16, Buffer.from(utf16).swap16(), utf16.subarray(2), windows]) {
    expect(await read(bytes)).toMatchObject({ format: 'text', text });
  }
});

test('lines that stand for themselves are items; wrapped prose is one paragraph', async () => {
  const { text } = await read(
    'Monday 9 to 5\nTuesday 9 to 6\n\nThis is a longer text that somebody has\nwrapped at forty characters.\n- item one\n- item two\n',
  );
  expect(text).toBe(
    '- Monday 9 to 5\n- Tuesday 9 to 6\n\nThis is a longer text that somebody has wrapped at forty characters.\n\n- item one\n- item two',
  );
});

test('the bytes decide, not the name', async () => {
  expect((await read(makePdf([['A PDF under a false name.']]), 'x.docx')).format).toBe('pdf');
  expect((await read('Plain words.', 'x.pdf')).format).toBe('text');
  expect((await read(makeDocx(['Words.']), 'x.xlsx')).format).toBe('docx');
});

test('what cannot be read says why', async () => {
  expect(await faultOf(read(''))).toBe('no-text');
  expect(await faultOf(read(' \n \n'))).toBe('no-text');
  expect(await faultOf(read(makePdf([[]])))).toBe('no-text');
  expect(await faultOf(read(makeDocx([])))).toBe('no-text');
  expect(await faultOf(read(makePdf([['secret']], { encrypted: true })))).toBe('file-encrypted');
  const compound = Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600), Buffer.from('EncryptedPackage', 'utf16le')]);
  expect(await faultOf(read(compound))).toBe('file-encrypted');
  expect(await faultOf(read(compound.subarray(0, 400)))).toBe('format-unknown');
  expect(await faultOf(read(Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')))).toBe('format-unknown');
  expect(await faultOf(read('{\\rtf1 hello}'))).toBe('format-unknown');
  expect(await faultOf(read(Buffer.alloc(2_000_000, 65), 'a.txt', { bytes: 1_000_000 }))).toBe('too-large');
  expect(await faultOf(read('word '.repeat(1_000), 'a.txt', { characters: 1_000 }))).toBe('too-large');
});

test('progress goes up to the end', async () => {
  const told: number[] = [];
  await readDocument({ bytes: makePdf(Array.from({ length: 10 }, () => ['A page.'])) }, extractionLimits, (share) => told.push(share));
  expect(told).toEqual(Array.from({ length: 10 }, (_, index) => (index + 1) / 10));
});
