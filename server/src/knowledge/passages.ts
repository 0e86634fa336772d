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
function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  const path: string[] = [];
  let lines: string[] = [];
  const close = () => {
    const joined = lines.join(' ').replace(/\s+/g, ' ').trim();
    if (joined) blocks.push({ heading: path.filter(Boolean), text: joined });
    lines = [];
  };
  for (const line of text.split(/\r?\n/)) {
    const heading = /^(#{1,6})\s+(.{1,200})$/.exec(line);
    if (heading) {
      close();
      path.length = heading[1].length - 1;
      path[heading[1].length - 1] = heading[2].trim();
    } else if (line.trim() === '') {
      close();
    } else {
      lines.push(line.replace(/^\s*[-*•]\s+/, ''));
    }
  }
  close();
  return blocks;
}

/** Cuts one document. Never returns an empty passage; a sentence longer than the limit stays whole. */
export function cutPassages(document: { id: string; title: string; text: string }): Passage[] {
  const passages: Passage[] = [];
  let open: { heading: string; sentences: string[]; words: number } | undefined;
  const close = () => {
    if (!open) return;
    const title = open.heading && open.heading !== document.title ? `${document.title} – ${open.heading}` : document.title;
    passages.push({ id: `${document.id}#${passages.length}`, documentId: document.id, title, text: open.sentences.join(' ') });
    open = undefined;
  };
  for (const block of blocksOf(document.text)) {
    const heading = block.heading.join(' – ');
    if (open && (open.heading !== heading || open.words >= TARGET_WORDS)) close();
    for (const sentence of sentencesOf(block.text)) {
      const words = wordsIn(sentence);
      if (open && open.words + words > MOST_WORDS) close();
      open ??= { heading, sentences: [], words: 0 };
      open.sentences.push(sentence);
      open.words += words;
    }
  }
  close();
  return passages;
}
