/** Clauses with the times of their words: the map from a position in the played sound to exactly the words that were heard. */
import type { WordTime } from '@tandem/contract';

/** Ordinary speech, for clauses whose length is not known yet. */
const MS_PER_CHAR = 65;

/** One clause in the sound of a reply. Positions are milliseconds of sound since the reply began. */
export interface TimedClause {
  readonly text: string;
  readonly fromMs: number;
  /** Grows while its sound comes in. */
  toMs: number;
  /** All of its sound is there. */
  complete: boolean;
  /** As the synthesizer timed them, from the clause's start; their spelling may differ from the text's. */
  readonly spoken: WordTime[];
  /** Said to fill a wait: heard, but no part of the answer. */
  readonly filler?: boolean;
  /** When its text was there and when its first sound, on the call's clock. */
  made?: { textAt: number; soundAt: number };
}

export class TimedScript {
  readonly clauses: TimedClause[] = [];

  get lengthMs(): number {
    return this.clauses.at(-1)?.toMs ?? 0;
  }

  /** The clause's sound follows what is there. */
  begin(text: string, filler = false): TimedClause {
    const fromMs = this.lengthMs;
    const clause: TimedClause = { text, fromMs, toMs: fromMs, complete: false, spoken: [], filler };
    this.clauses.push(clause);
    return clause;
  }

  clauseAt(positionMs: number): TimedClause | undefined {
    return this.clauses.find((clause) => positionMs < clause.toMs) ?? this.clauses.at(-1);
  }

  /** Everything of the answer heard up to a position; a word that was cut is left out, and so are fillers. */
  heardUntil(positionMs: number): string {
    const parts: string[] = [];
    for (const clause of this.clauses) {
      if (clause.fromMs >= positionMs) break;
      if (clause.filler) continue;
      const text = heardOf(clause, positionMs);
      if (text !== '') parts.push(text);
    }
    return parts.join(' ');
  }
}

/** The part of one clause heard up to a position. */
export function heardOf(clause: TimedClause, positionMs: number): string {
  if (clause.toMs === clause.fromMs) return '';
  if (clause.complete && positionMs >= clause.toMs) return clause.text;
  return wordTimesOf(clause)
    .filter((word) => clause.fromMs + word.toMs <= positionMs)
    .map((word) => word.text)
    .join(' ');
}

/**
 * The clause's own words, timed from its start. The synthesizer's times are taken word by word where it spoke the same
 * number of words; otherwise ("$45" became "forty five dollars") its stretch of sound is shared out by length.
 */
export function wordTimesOf(clause: TimedClause): WordTime[] {
  const tokens = clause.text.split(/\s+/).filter((token) => token !== '');
  if (clause.spoken.length === tokens.length) {
    return tokens.map((text, i) => ({ text, fromMs: clause.spoken[i].fromMs, toMs: clause.spoken[i].toMs }));
  }
  const chars = tokens.reduce((sum, token) => sum + token.length + 1, 0);
  const known = clause.toMs - clause.fromMs;
  const from = clause.complete ? (clause.spoken[0]?.fromMs ?? 0) : 0;
  const to = clause.complete ? (clause.spoken.at(-1)?.toMs ?? known) : Math.max(known, chars * MS_PER_CHAR);
  const perChar = (to - from) / Math.max(1, chars);
  let at = from;
  return tokens.map((text) => {
    const fromMs = Math.round(at);
    at += (text.length + 1) * perChar;
    return { text, fromMs, toMs: Math.round(at) };
  });
}
