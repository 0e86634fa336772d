/** What a search is worth, as a manager would say it. */
import type { Verdict } from '@tandem/contract';

type Words = {
  /** Of a search that is tried out. */
  would: string;
  why: string;
  /** Of a turn of a call. */
  did: string;
  tone: 'good' | 'slow' | 'bad';
};

export const verdictWords: Record<Verdict, Words> = {
  answer: {
    would: 'It would answer',
    why: 'What it found fits the question.',
    did: 'Answered from what it knows',
    tone: 'good',
  },
  clarify: {
    would: 'It would ask back',
    why: 'Something is near, but not near enough: it asks once what the caller means.',
    did: 'Something near, but not enough',
    tone: 'slow',
  },
  unknown: {
    would: 'It would say that it does not know',
    why: 'Nothing it may use fits. It takes a message, or transfers to a person.',
    did: 'Nothing that answers it',
    tone: 'bad',
  },
};
