/** Words as vendors write them, read with suspicion, and made a transcript on the leg's clock. */
import type { WordTime } from '@tandem/contract';
import type { Transcript } from './transcriber.ts';

/** Times in ms of the vendor's stream. */
export interface HeardWord {
  text: string;
  fromMs: number;
  toMs: number;
  confidence: number | undefined;
}

export const textOf = (value: unknown): string => (typeof value === 'string' ? value.trim() : '');

/** A finite number, or undefined: vendors write null and "NaN" too. */
export const numberOf = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);

export const recordOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** A list of words; `unitMs`: 1000 where the vendor counts seconds. What has no text is left out. */
export function wordsOf(value: unknown, unitMs: number, names: { text: string; written?: string; from: string; to: string }): HeardWord[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) => {
    const word = recordOf(entry);
    const text = textOf(word[names.written ?? names.text]) || textOf(word[names.text]);
    const fromMs = Math.max(0, (numberOf(word[names.from]) ?? 0) * unitMs);
    const toMs = Math.max(fromMs, (numberOf(word[names.to]) ?? 0) * unitMs);
    return text === '' ? [] : [{ text, fromMs, toMs, confidence: numberOf(word.confidence) }];
  });
}

/** The confidence is the words' mean. Without words the times are 0, which is: nobody knows. */
export function transcriptOf(text: string, words: readonly HeardWord[], legAt: (streamMs: number) => number): Transcript {
  const [first] = words;
  if (!first) return { text, fromAt: 0, toAt: 0, confidence: undefined, words: undefined };
  const fromAt = Math.round(legAt(first.fromMs));
  let before = 0;
  const timed = words.map((word): WordTime => {
    const fromMs = Math.max(before, Math.round(legAt(word.fromMs)) - fromAt);
    before = Math.max(fromMs, Math.round(legAt(word.toMs)) - fromAt);
    return { text: word.text, fromMs, toMs: before };
  });
  const known = words.flatMap(({ confidence }) => (confidence === undefined ? [] : [confidence]));
  const mean = known.reduce((sum, confidence) => sum + confidence, 0) / known.length;
  const confidence = known.length === 0 ? undefined : Math.min(1, Math.max(0, mean));
  return { text, fromAt, toAt: fromAt + before, confidence, words: timed };
}

/** What may be sent of the phrases: each once, whole, up to a number and a sum of characters. */
export function boundTerms(phrases: readonly string[], bounds: { terms: number; charactersEach: number; characters: number }): string[] {
  const terms = new Map<string, string>();
  let characters = 0;
  for (const phrase of phrases) {
    const term = phrase.replace(/\s+/g, ' ').trim();
    const key = term.toLowerCase();
    if (term === '' || term.length > bounds.charactersEach || terms.has(key)) continue;
    if (terms.size === bounds.terms || characters + term.length > bounds.characters) break;
    terms.set(key, term);
    characters += term.length;
  }
  return [...terms.values()];
}

/** `base` (http, https, ws or wss, with or without a path) with a path and a query behind it, as a WebSocket's URL. */
export function socketUrl(base: string, path: string, query: URLSearchParams = new URLSearchParams()): string {
  const text = query.toString();
  return `${base.replace(/^http/, 'ws').replace(/\/+$/, '')}${path}${text ? `?${text}` : ''}`;
}
