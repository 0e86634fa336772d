/** What flite gives back, made ready for a line: silence cut off, and each written word timed by flite's own phones. */
import type { WordTime } from '@tandem/contract';
import type { SpokenToken } from '../spoken-text.ts';

/** One phone and where it ends, in ms of flite's sound. `pau` is a pause. */
export interface Phone {
  name: string;
  endMs: number;
}

/** Reads `-psdur`: `pau:0.164 hh:0.255 …` with end times in seconds; a later utterance's times begin at 0 again. */
export function parsePhones(stdout: string): Phone[] {
  const phones: Phone[] = [];
  let offsetMs = 0;
  let lastMs = 0;
  for (const match of stdout.matchAll(/([a-z]+\d?):(\d+(?:\.\d+)?)/g)) {
    const endMs = Number(match[2]) * 1000;
    if (endMs < lastMs) offsetMs += lastMs;
    lastMs = endMs;
    phones.push({ name: match[1], endMs: offsetMs + endMs });
  }
  return phones;
}

/** Samples of a mono PCM16 WAV file and its rate (Hz). Throws on anything else. */
export function samplesOfWav(file: Uint8Array): { samples: Int16Array; rate: number } {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tag = (at: number) => String.fromCharCode(...file.subarray(at, at + 4));
  if (file.length < 44 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') throw new Error('not a WAV file');
  let rate = 0;
  for (let at = 12; at + 8 <= file.length; ) {
    const size = view.getUint32(at + 4, true);
    if (tag(at) === 'fmt ') rate = view.getUint32(at + 12, true);
    if (tag(at) === 'data') {
      const length = Math.min(size, file.length - at - 8) >> 1;
      return { samples: new Int16Array(file.slice(at + 8, at + 8 + 2 * length).buffer), rate };
    }
    at += 8 + size + (size & 1);
  }
  throw new Error('a WAV file without sound');
}

const QUIET = 104; // -50 dBFS
const LEAD_MS = 5; // kept before the first loud sample, so that no consonant loses its attack
const TAIL_MS = 90; // kept after the last: the natural gap to the next clause

/** Where the sound that matters begins and ends (sample indices); all of it when it is silent throughout. */
export function audibleSpan(samples: Int16Array, rate: number): { from: number; to: number } {
  let first = 0;
  while (first < samples.length && Math.abs(samples[first]) < QUIET) first++;
  if (first === samples.length) return { from: 0, to: 0 };
  let last = samples.length - 1;
  while (last > first && Math.abs(samples[last]) < QUIET) last--;
  return {
    from: Math.max(0, first - Math.round((LEAD_MS * rate) / 1000)),
    to: Math.min(samples.length, last + 1 + Math.round((TAIL_MS * rate) / 1000)),
  };
}

/** Roughly how many phones a spelling has: letters, with doubled ones, silent e's and two-letter sounds counted once. */
function phonesOf(spoken: string): number {
  const letters = spoken
    .toLowerCase()
    .replace(/(sh|ch|th|ph|ck|ng|ee|oo|ea|ou|ai|igh|wh|qu)/g, 'x')
    .replace(/([a-z])\1/g, '$1')
    .replace(/([^aeiou\s])e\b/g, '$1')
    .replace(/[^a-z]/g, '');
  return Math.max(1, letters.length);
}

/**
 * Times of the written words. Flite pauses at punctuation: where the pauses are as many as the punctuation says, each
 * piece keeps to its own phones; inside a piece words share the phones by their estimated count.
 */
export function timeWords(tokens: readonly SpokenToken[], phones: readonly Phone[], cutMs: number, totalMs: number): WordTime[] {
  const said = tokens.filter((token) => token.spoken !== '');
  const clamp = (ms: number) => Math.min(totalMs, Math.max(0, ms - cutMs));
  const groups: Phone[][] = [];
  const starts: number[] = [];
  let lastEnd = 0;
  let inPause = true;
  for (const phone of phones) {
    if (phone.name === 'pau') inPause = true;
    else {
      if (inPause) {
        groups.push([]);
        starts.push(lastEnd);
      }
      inPause = false;
      groups[groups.length - 1].push(phone);
    }
    lastEnd = phone.endMs;
  }
  let pieces: SpokenToken[][] = [[]];
  for (const token of said) {
    pieces[pieces.length - 1].push(token);
    if (/[,.;:!?]["')]*$/.test(token.spoken)) pieces.push([]);
  }
  pieces = pieces.filter((piece) => piece.length > 0);
  if (groups.length === 0 || pieces.length === 0) return spread(said, [], 0, totalMs, (ms) => ms);
  if (pieces.length !== groups.length) return spread(said, groups.flat(), starts[0], groups.at(-1)?.at(-1)?.endMs ?? totalMs, clamp);
  return pieces.flatMap((piece, index) => spread(piece, groups[index], starts[index], groups[index].at(-1)?.endMs ?? 0, clamp));
}

function spread(
  tokens: readonly SpokenToken[],
  phones: readonly Phone[],
  fromMs: number,
  toMs: number,
  clamp: (ms: number) => number,
): WordTime[] {
  const weights = tokens.map((token) => phonesOf(token.spoken));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const at = (share: number): number => {
    if (phones.length === 0) return fromMs + share * (toMs - fromMs);
    const index = Math.round(share * phones.length);
    return index === 0 ? fromMs : phones[index - 1].endMs;
  };
  let before = 0;
  return tokens.map((token, index) => {
    const start = at(before / total);
    before += weights[index];
    return { text: token.written, fromMs: Math.round(clamp(start)), toMs: Math.round(clamp(at(before / total))) };
  });
}

/** Sentences of a text, so that a long one is heard from its first sentence on. Short neighbours stay together. */
export function sentencesOf(text: string, shortest = 24): string[] {
  const sentences: string[] = [];
  for (const sentence of text.split(/(?<=[.!?]["')]?)\s+(?=[\p{Lu}\d"'(])/u)) {
    const last = sentences.at(-1);
    // A break after "Dr." or "St." is no end of a sentence; a very short start is joined with what follows.
    if (last !== undefined && (last.length < shortest || /\b(?:Mr|Mrs|Ms|Dr|Prof|St|No)\.$/.test(last))) {
      sentences[sentences.length - 1] = `${last} ${sentence}`;
    } else if (sentence.trim() !== '') sentences.push(sentence.trim());
  }
  return sentences;
}
