/**
 * Documents cut into passages for speech: one idea each, 40 to 120 words, under the path of its headings. Cuts fall
 * between paragraphs, then between sentences.
 */

export interface Passage {
  /** `<documentId>#<index>`, stable while the document's text is. */
  id: string;
  documentId: string;
  /** Document title and the headings above, joined by ` – `. */
  title: string;
  text: string;
}

const TARGET_WORDS = 90;
const MOST_WORDS = 120;

const wordsIn = (text: string): number => text.split(/\s+/).filter(Boolean).length;

const ABBREVIATION = /\b(?:Mr|Mrs|Ms|Dr|St|No|vs|e\.g|i\.e)\.$/;

/** Sentences of a paragraph; abbreviations and decimals do not end one. */
export function sentencesOf(paragraph: string): string[] {
  const sentences: string[] = [];
  for (const piece of paragraph.trim().split(/(?<=[.!?]["')\]]?)\s+/)) {
    const last = sentences.at(-1);
    if (last !== undefined && ABBREVIATION.test(last)) sentences[sentences.length - 1] = `${last} ${piece}`;
    else if (piece) sentences.push(piece);
  }
  return sentences;
}

interface Block {
  heading: string[];
  text: string;
}

/** Paragraphs under their Markdown headings; a line without blank lines around it belongs to its paragraph. */
function* blocksOf(text: string): Generator<Block, void, undefined> {
  const path: string[] = [];
  let lines: string[] = [];
  const close = (): Block | undefined => {
    const joined = lines.join(' ').replace(/\s+/g, ' ').trim();
    lines = [];
    return joined ? { heading: path.filter(Boolean), text: joined } : undefined;
  };
  for (const line of text.split(/\r?\n/)) {
    const heading = /^(#{1,6})\s+(.{1,200})$/.exec(line);
    if (!heading && line.trim() !== '') {
      lines.push(line.replace(/^\s*[-*•]\s+/, ''));
      continue;
    }
    const block = close();
    if (block) yield block;
    if (heading) {
      path.length = heading[1].length - 1;
      path[heading[1].length - 1] = heading[2].trim();
    }
  }
  const last = close();
  if (last) yield last;
}

/**
 * Cuts one document, passage by passage, so that a long one can be cut in pieces of time. Never yields an empty passage;
 * a sentence longer than the limit stays whole.
 */
export function* passagesOf(document: { id: string; title: string; text: string }): Generator<Passage, void, undefined> {
  let count = 0;
  let open: { heading: string; sentences: string[]; words: number } | undefined;
  const close = ({ heading, sentences }: NonNullable<typeof open>): Passage => {
    open = undefined;
    const title = heading && heading !== document.title ? `${document.title} – ${heading}` : document.title;
    return { id: `${document.id}#${count++}`, documentId: document.id, title, text: sentences.join(' ') };
  };
  for (const block of blocksOf(document.text)) {
    const heading = block.heading.join(' – ');
    if (open && (open.heading !== heading || open.words >= TARGET_WORDS)) yield close(open);
    for (const sentence of sentencesOf(block.text)) {
      const words = wordsIn(sentence);
      if (open && open.words + words > MOST_WORDS) yield close(open);
      open ??= { heading, sentences: [], words: 0 };
      open.sentences.push(sentence);
      open.words += words;
    }
  }
  if (open) yield close(open);
}

/** All of a document's passages at once. */
export const cutPassages = (document: { id: string; title: string; text: string }): Passage[] => [...passagesOf(document)];
