/** Sentences, and pieces of those that are too long, in scripts with blanks between words and without. */

const ABBREVIATION =
  /(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Sr|Jr|No|Nr|Tel|Str|Art|Fig|Inc|Ltd|Co|vs|etc|approx|ca|bzw|inkl|zzgl|ggf|usw|e\.\s?g|i\.\s?e|z\.\s?B|d\.\s?h|p\.\s?ex)|(?<![^\s(])\p{L})\.$/u;
/** "am 1. Januar": a German ordinal, which ends nothing. */
const ORDINAL = /\b(?:am|vom|bis|zum|im|der|den|dem|des|und) \d{1,2}\.$/iu;
const ENDS_SHORT = /(?:^|\s|\.)\p{L}{1,2}\.$/u;
const BOUNDARY = /(?<=[.!?…؟।]["'”’»)\]]{0,2})\s+|(?<=[。！？]["'”’」』）]{0,2})(?!["'”’」』）])/u;

/** Sentences of a paragraph; abbreviations, ordinals and decimals do not end one. */
export function sentencesOf(paragraph: string): string[] {
  const sentences: string[] = [];
  for (const piece of paragraph.trim().split(BOUNDARY)) {
    const last = sentences.at(-1);
    if (last !== undefined && goesOn(last, piece)) sentences[sentences.length - 1] = `${last} ${piece}`;
    else if (piece) sentences.push(piece);
  }
  return sentences;
}

const goesOn = (last: string, next: string): boolean => {
  // Only the end matters, and a long paragraph without an end must not be looked at again for every piece.
  const end = last.slice(-24);
  return ABBREVIATION.test(end) || ORDINAL.test(end) || (/^\p{Ll}/u.test(next) && ENDS_SHORT.test(end));
};

const WITHOUT_BLANKS = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/;
/** Chinese and Japanese; a word has 1.7 characters on average. */
const IDEOGRAPHS = /[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]/g;
/** Thai, Lao, Burmese, Khmer; about 4.5. */
const SYLLABLES = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]/g;

/** Words, counted where blanks part them and estimated where none do. */
export function wordsIn(text: string): number {
  if (!WITHOUT_BLANKS.test(text)) return text.split(/\s+/).filter(Boolean).length;
  let [ideographs, syllables] = [0, 0];
  const rest = text.replace(IDEOGRAPHS, () => (ideographs++, ' ')).replace(SYLLABLES, () => (syllables++, ' '));
  const others = rest.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word)).length;
  return others + Math.ceil(ideographs / 1.7 + syllables / 4.5);
}

const CLAUSE_END = /(?<=[,;:،؛][)"'”’]?)\s+|(?<=[、，；：])|\s+(?=[–—] )/u;

/**
 * A sentence of more than `mostWords` words cut at its commas, into pieces of about the same length. A piece without a
 * comma stays whole up to `mostCharacters`, then it is cut between words, or anywhere when it has no blank.
 */
export function piecesOf(sentence: string, mostWords: number, mostCharacters: number): string[] {
  const words = wordsIn(sentence);
  if (words <= mostWords && sentence.length <= mostCharacters) return [sentence];
  const goal = words / Math.ceil(words / mostWords);
  const pieces: string[] = [];
  let open = '';
  let count = 0;
  for (const clause of sentence.split(CLAUSE_END)) {
    const more = wordsIn(clause);
    if (open && (count + more > mostWords || count + more / 2 > goal)) {
      pieces.push(open);
      [open, count] = ['', 0];
    }
    open = open ? `${open}${WITHOUT_BLANKS.test(open.at(-2) ?? '') ? '' : ' '}${clause}` : clause;
    count += more;
  }
  if (open) pieces.push(open);
  return pieces.flatMap((piece) => bounded(piece, mostWords, mostCharacters));
}

function bounded(text: string, mostWords: number, mostCharacters: number): string[] {
  const most = WITHOUT_BLANKS.test(text)
    ? Math.min(mostCharacters, Math.floor((mostWords * text.length) / Math.max(1, wordsIn(text))))
    : mostCharacters;
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > most) {
    const blank = rest.lastIndexOf(' ', most);
    let end = blank > most / 2 ? blank : most;
    // Never between the two halves of one character.
    if (/[\ud800-\udbff]/.test(rest[end - 1])) end--;
    pieces.push(rest.slice(0, end).trim());
    rest = rest.slice(end).trim();
  }
  if (rest) pieces.push(rest);
  return pieces;
}
