/** What the mock business knows and does not know: documents that are read while you watch, sites, questions, gaps, a search. */
import type {
  DocumentWithText,
  Gap,
  KnowledgeDocument,
  KnowledgeScope,
  KnowledgeSearch,
  KnowledgeSite,
  Problem,
  Question,
  Verdict,
} from '@tandem/contract';

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const dated = { businessId: 'harbour', createdAt: ago(60 * 24 * 20), updatedAt: ago(60 * 30) };
const usual = { base: 'main', language: 'en', tags: [] as string[], audience: 'everyone' };

/** A document as the mock keeps it: `begunAt` is when its reading began, `paceMs` how long each stage takes. */
type KeptDocument = DocumentWithText & { begunAt?: number; paceMs?: number; fails?: KnowledgeDocument['fault'] };
type KeptSite = KnowledgeSite & { begunAt?: number; goal?: number };

const ready = { ...dated, ...usual, state: 'ready', progress: 1, version: 1 } as const;
const written = (id: string, title: string, text: string, tags: string[], passages: number): KeptDocument => ({
  ...ready,
  format: 'markdown',
  id,
  title,
  text,
  tags,
  passages,
  bytes: text.length,
});

export const documents: KeptDocument[] = [
  {
    ...ready,
    id: 'catalogue',
    title: 'Treatment catalogue 2026',
    format: 'pdf',
    fileName: 'treatment-catalogue-2026.pdf',
    text: '',
    state: 'extracting',
    progress: 0.2,
    version: 2,
    passages: 88,
    pages: 44,
    bytes: 6_812_004,
    begunAt: Date.now() - 84_000,
    paceMs: 60_000,
  },
  {
    ...ready,
    id: 'consent',
    title: 'Consent form',
    format: 'pdf',
    fileName: 'consent-form-scan.pdf',
    text: '',
    state: 'failed',
    fault: 'no-text',
    detail: 'Its 3 pages hold pictures only.',
    progress: 0,
    passages: 0,
    pages: 3,
    bytes: 1_204_330,
    fails: 'no-text',
  },
  {
    ...ready,
    id: 'prices',
    title: 'Prices of treatments',
    format: 'xlsx',
    fileName: 'prices.xlsx',
    text: 'A check-up costs forty-five dollars. A cleaning costs eighty dollars. A filling costs one hundred and twenty dollars.',
    tags: ['money'],
    passages: 31,
    pages: 2,
    bytes: 48_211,
    version: 3,
  },
  {
    ...ready,
    id: 'insurance',
    title: 'Insurance and payment',
    format: 'docx',
    fileName: 'insurance.docx',
    text: 'We take all major insurances, cards and cash. Bills over two hundred dollars can be paid in three parts.',
    tags: ['money', 'insurance'],
    passages: 12,
    pages: 4,
    bytes: 88_410,
  },
  {
    ...ready,
    id: 'training',
    title: 'New patients: how we work',
    format: 'pptx',
    fileName: 'how-we-work.pptx',
    text: 'New patients come fifteen minutes early and bring their insurance card.',
    base: 'front-desk',
    passages: 18,
    pages: 21,
    bytes: 3_402_118,
  },
  written('hours', 'Opening hours', 'We are open Monday to Friday from eight in the morning to six in the evening.', ['hours'], 4),
  written('parking', 'Directions and parking', 'We are at Pier Street 12. Parking is free behind the building.', [], 3),
  ...['', '/team', '/treatments/braces'].map(
    (path, n): KeptDocument => ({
      ...written(
        `page-${n}`,
        ['Harbour Dental', 'Our team', 'Braces for children and adults'][n] ?? '',
        'Braces take one to two years.',
        [],
        2,
      ),
      format: 'html',
      sourceId: 'site-1',
      url: `https://www.harbour-dental.example.com${path}`,
    }),
  ),
];

export const questions: Question[] = [
  {
    ...dated,
    ...usual,
    id: 'question_1',
    tags: ['hours'],
    phrasings: ['When are you open?', 'What are your opening hours?', 'Are you open today?', 'How late are you open?'],
    answer: 'We are open Monday to Friday, from eight in the morning to six in the evening.',
  },
  {
    ...dated,
    ...usual,
    id: 'question_2',
    phrasings: ['How much is a check-up?', 'What does a check-up cost?'],
    answer: 'A check-up costs forty-five dollars.',
  },
];

const site = { ...dated, ...usual, maxDepth: 3, maxPages: 200, changed: 0, refused: 0 };
export const sources: KeptSite[] = [
  {
    ...site,
    id: 'site-1',
    url: 'https://www.harbour-dental.example.com/',
    everyHours: 24,
    state: 'ready',
    found: 47,
    read: 43,
    changed: 2,
    refused: 4,
    crawledAt: ago(190),
  },
  {
    ...site,
    id: 'site-2',
    url: 'https://help.smile-plan.example.com/en',
    everyHours: 168,
    state: 'crawling',
    found: 120,
    read: 37,
    refused: 3,
    begunAt: Date.now() - 37 * 150,
    goal: 400,
  },
  {
    ...site,
    id: 'site-3',
    url: 'https://intranet.harbour.example.com/',
    everyHours: null,
    state: 'failed',
    fault: 'forbidden',
    found: 1,
    read: 0,
    refused: 1,
  },
];

const asked = (id: string, count: number, calls: number, lastMinutes: number, verdict: Verdict, ...texts: string[]): Gap => ({
  id,
  businessId: 'harbour',
  question: texts[0] ?? '',
  examples: texts.map((text, n) => ({ text, callId: `call-${n}`, turn: n === 0 ? 4 : 1, at: ago(lastMinutes + n * 340), verdict })),
  count,
  calls,
  state: 'open',
  firstAt: ago(60 * 24 * 9),
  lastAt: ago(lastMinutes),
});

export const gaps: Gap[] = [
  asked(
    'gap_1',
    23,
    19,
    12,
    'unknown',
    'Do you have an appointment tomorrow at nine?',
    'can I come in tomorrow',
    'is there anything free tomorrow morning',
    'Can I come in tomorrow?',
  ),
  asked('gap_2', 9, 9, 150, 'clarify', 'Do you do teeth whitening?', 'how much is whitening', 'do you offer bleaching'),
  asked('gap_3', 4, 3, 1_300, 'unknown', 'Is the building accessible with a wheelchair?', 'do you have a lift'),
  asked('gap_4', 1, 1, 4_100, 'clarify', 'Do you treat children under three?'),
  {
    ...asked('gap_5', 6, 6, 9_000, 'unknown', 'When are you open?', 'opening hours on friday'),
    state: 'answered',
    questionId: 'question_1',
  },
];

type Row = Record<string, unknown> & { id: string };
export type KnowledgeLists = Record<string, Row[]>;
export type KnowledgeAnswer = { status: number; body?: unknown; headers?: Record<string, string> };
/** What came with a request: a JSON body, or the fields and file of a form. */
export type KnowledgeBody = Record<string, unknown> & { file?: File };

const problem = (status: number, code: string, detail: string): KnowledgeAnswer => ({
  status,
  body: { type: 'about:blank', title: detail, status, code, detail } satisfies Problem,
});

const stages = ['waiting', 'extracting', 'cutting', 'embedding'] as const;

/** Where a document is by now. */
function advance(document: KeptDocument): void {
  const { begunAt, paceMs = 400, fails } = document;
  if (begunAt === undefined) return;
  const along = (Date.now() - begunAt) / paceMs;
  const stage = stages[Math.floor(along)];
  if (fails && along > 1.5)
    Object.assign(document, { state: 'failed', fault: fails, detail: 'Its 2 pages hold pictures only.', progress: 0, begunAt: undefined });
  else if (stage) Object.assign(document, { state: stage, progress: along % 1 });
  else {
    Object.assign(document, { state: 'ready', progress: 1, begunAt: undefined });
    Object.assign(document, {
      passages: Math.max(document.passages, 4),
      ...(document.format === 'pdf' ? { pages: document.pages ?? 2 } : {}),
    });
  }
}

const PAGE_MS = 150;

function crawl(source: KeptSite): void {
  const { begunAt, goal = 12 } = source;
  if (begunAt === undefined) return;
  const read = Math.min(goal, Math.floor((Date.now() - begunAt) / PAGE_MS));
  Object.assign(source, { read, found: Math.max(source.found, Math.min(goal + source.refused, read + 40)) });
  if (read < goal) return;
  Object.assign(source, { state: 'ready', changed: 3, crawledAt: new Date().toISOString(), begunAt: undefined });
}

const formats: Record<string, KnowledgeDocument['format']> = {
  pdf: 'pdf',
  docx: 'docx',
  pptx: 'pptx',
  xlsx: 'xlsx',
  csv: 'csv',
  html: 'html',
  md: 'markdown',
  txt: 'text',
};

/** What a file makes of a document, or undefined for a kind that cannot be read. */
async function fromFile(file: File): Promise<Partial<KeptDocument> | undefined> {
  const format = formats[file.name.split('.').at(-1) ?? ''];
  if (!format) return undefined;
  return {
    format,
    fileName: file.name,
    bytes: file.size,
    text: format === 'text' || format === 'markdown' || format === 'csv' ? await file.text() : '',
    state: 'waiting',
    progress: 0,
    fault: undefined,
    detail: undefined,
    begunAt: Date.now(),
    fails: /scan/i.test(file.name) ? 'no-text' : undefined,
  };
}

const unreadable = problem(415, 'format-unknown', 'This is no text, nor a document of a known kind.');

/** Answers what is not one of the five routes of every list; undefined where it is. */
export async function knowledgeAnswer(
  lists: KnowledgeLists,
  method: string,
  [area, id, deed]: readonly (string | undefined)[],
  body: KnowledgeBody,
  query: URLSearchParams,
): Promise<KnowledgeAnswer | undefined> {
  if (area === 'documents') return documentAnswer(lists['documents'] as unknown as KeptDocument[], method, id, deed, body);
  if (area === 'sources') return sourceAnswer(lists['sources'] as unknown as KeptSite[], method, id, deed, body);
  if (area === 'gaps') return gapAnswer(lists, method, id, deed, body, query.get('state'));
  if (area === 'knowledge' && id === 'search')
    return { status: 200, body: search(lists, String(body['query']), body['scope'] as Partial<KnowledgeScope>) };
  return undefined;
}

async function documentAnswer(
  rows: KeptDocument[],
  method: string,
  id: string | undefined,
  deed: string | undefined,
  { file, ...fields }: KnowledgeBody,
): Promise<KnowledgeAnswer | undefined> {
  for (const row of rows) advance(row);
  if (id === undefined) {
    if (method !== 'POST') return undefined;
    const now = new Date().toISOString();
    const read = file ? await fromFile(file) : ({ format: 'markdown', state: 'waiting', progress: 0, begunAt: Date.now() } as const);
    if (!read) return unreadable;
    const title = file?.name.replace(/\.\w+$/, '').replace(/[-_]+/g, ' ');
    const tags = typeof fields['tags'] === 'string' ? fields['tags'].split(',').filter(Boolean) : ((fields['tags'] as string[]) ?? []);
    const made = { ...ready, text: '', bytes: 0, passages: 0, title, ...fields, tags, ...read, id: `document_${rows.length + 1}` };
    const row = { ...made, createdAt: now, updatedAt: now } as KeptDocument;
    rows.unshift(row);
    return { status: 201, body: row };
  }
  const row = rows.find((each) => each.id === id);
  if (!row || deed === undefined) return undefined;
  if (deed === 'file' && method === 'GET')
    return { status: 200, body: Buffer.from(`The original of ${row.title}`), headers: { 'content-type': 'application/octet-stream' } };
  if (deed === 'file') {
    const read = file && (await fromFile(file));
    if (!read) return unreadable;
    Object.assign(row, read, { version: row.version + 1, updatedAt: new Date().toISOString() });
    return { status: 200, body: row };
  }
  Object.assign(row, { state: 'waiting', progress: 0, fault: undefined, detail: undefined, begunAt: Date.now() });
  return { status: 202, body: row };
}

function sourceAnswer(
  rows: KeptSite[],
  method: string,
  id: string | undefined,
  deed: string | undefined,
  body: KnowledgeBody,
): KnowledgeAnswer | undefined {
  for (const row of rows) crawl(row);
  if (id === undefined && method === 'POST') {
    const now = new Date().toISOString();
    const counts = { found: 1, read: 0, changed: 0, refused: 0 };
    const made = { ...site, ...counts, ...body, id: `site-${rows.length + 1}`, state: 'crawling', begunAt: Date.now(), goal: 12 };
    const row = { ...made, createdAt: now, updatedAt: now } as unknown as KeptSite;
    rows.unshift(row);
    return { status: 201, body: row };
  }
  const row = rows.find((each) => each.id === id);
  if (!row || deed !== 'crawl') return undefined;
  Object.assign(row, { state: 'crawling', read: 0, found: 1, refused: 0, fault: undefined, begunAt: Date.now(), goal: 12 });
  return { status: 202, body: row };
}

function gapAnswer(
  lists: KnowledgeLists,
  method: string,
  id: string | undefined,
  deed: string | undefined,
  body: KnowledgeBody,
  state: string | null,
): KnowledgeAnswer | undefined {
  const rows = lists['gaps'] as unknown as Gap[];
  if (id === undefined && method === 'GET') return { status: 200, body: { items: rows.filter((gap) => !state || gap.state === state) } };
  const row = rows.find((each) => each.id === id);
  if (!row || deed === undefined) return undefined;
  if (row.state === 'answered') return problem(409, 'conflict', 'It is answered already');
  if (deed === 'dismiss') Object.assign(row, { state: 'dismissed' });
  else {
    const kept = lists['questions'] ?? [];
    const made = { ...dated, ...usual, ...body, id: `question_${kept.length + 1}` };
    kept.unshift(made);
    Object.assign(row, { state: 'answered', questionId: made.id });
  }
  return { status: 200, body: row };
}

const SMALL = new Set('a an the is are do you i it in at of to and for we my your what how when where can there'.split(' '));
const termsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((term) => term && !SMALL.has(term));

/** Counts words in common: enough to look at the screen. */
function search(
  lists: KnowledgeLists,
  query: string,
  { documentIds = [], tags = [], bases = [] }: Partial<KnowledgeScope> = {},
): KnowledgeSearch {
  const terms = termsOf(query);
  const share = (text: string) => {
    const held = new Set(termsOf(text));
    return terms.filter((term) => held.has(term)).length / Math.max(1, terms.length);
  };
  const allowed = (row: { id: string; base: string; tags: string[] }) =>
    (documentIds.length === 0 || documentIds.includes(row.id)) &&
    (bases.length === 0 || bases.includes(row.base)) &&
    (tags.length === 0 || row.tags.some((tag) => tags.includes(tag)));
  const rows = lists['documents'] as unknown as KeptDocument[];
  const approved = lists['questions'] as unknown as Question[];
  const found = [
    ...approved.filter(allowed).map(({ id, phrasings, answer }) => ({
      id: `${id}#0`,
      documentId: id,
      title: phrasings[0] ?? '',
      text: phrasings.join(' '),
      answer,
      score: Math.max(...phrasings.map(share)) * 0.95,
    })),
    ...rows.filter(allowed).map(({ id, title, text }) => ({
      id: `${id}#0`,
      documentId: id,
      title,
      text,
      score: share(`${title} ${text}`) * 0.82,
    })),
  ]
    .filter(({ score }) => score > 0.1)
    .sort((a, b) => b.score - a.score)
    .slice(0, 5);
  const score = found[0]?.score ?? 0;
  const verdict = score >= 0.6 ? 'answer' : score >= 0.25 ? 'clarify' : 'unknown';
  const confidence = { score, margin: score - (found[1]?.score ?? 0), coverage: Math.min(1, score * 1.1) };
  return { passages: found, verdict, confidence, tookMs: 1.37 };
}
