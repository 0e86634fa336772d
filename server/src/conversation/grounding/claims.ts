/**
 * The guard of what is spoken: numbers, dates, times, prices, addresses, codes and names of a clause that nothing the
 * assistant was given holds. Pure.
 */
import type { Witness } from './evidence.ts';
import { mentionsIn } from './mentions.ts';
import { namesIn } from './names.ts';

/** Something that a sentence states and that must be known from somewhere. */
export interface Claim {
  /** As it stands in the sentence. */
  text: string;
  /** Whether any of these hold it. */
  knownIn(evidence: readonly Witness[]): boolean;
}

/** "On Sunday we are closed" follows from a list of the days on which it is open. */
const NEGATIVE =
  /(?:^|[^\p{L}])(?:not|no|never|closed|except|nicht|kein\p{L}*|geschlossen|zu|außer|cerrad\p{L}+|excepto|fermé\p{L}*|sauf|pas)(?!\p{L})|n['’]t\b/iu;

/** What a sentence claims; a day that the caller is only asked about is no claim. */
export function claimsIn(text: string, language: string): Claim[] {
  const asks = text.trimEnd().endsWith('?');
  const denies = NEGATIVE.test(text);
  const numbers = mentionsIn(text, language)
    .filter(({ needs }) => needs.length > 0 && !(asks && needs[0][0].startsWith('W')))
    .map(
      ({ text: written, needs }): Claim => ({
        text: written,
        knownIn: (evidence) =>
          (denies && needs[0][0].startsWith('W') && evidence.some((one) => one.has('W'))) ||
          needs.some((keys) => keys.every((key) => evidence.some((one) => one.has(key)))),
      }),
    );
  const names = namesIn(text, language).map(
    ({ text: name, words }): Claim => ({
      text: name,
      knownIn: (evidence) => words.every((word) => evidence.some((one) => one.hasWord(word))),
    }),
  );
  return [...numbers, ...names];
}

/** The claims of a clause that no evidence holds, as they are written; `evidence` is asked for only where there are claims. */
export function unknownClaims(clause: string, language: string, evidence: () => readonly Witness[]): string[] {
  const claims = claimsIn(clause, language);
  if (claims.length === 0) return [];
  const known = evidence();
  return claims.filter((claim) => !claim.knownIn(known)).map(({ text }) => text);
}
