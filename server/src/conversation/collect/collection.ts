/**
 * Collecting one piece of information by telephone: ask, understand speech or keys, read back, confirm. Pure.
 *
 *            understood                 "yes"
 *   asking ────────────▶ confirming ───────────▶ over (done)
 *     ▲ │                  │  │
 *     │ └─ not understood ─┘  └─ corrected: read back again
 *     │         "no"       │
 *     └────────────────────┘       3 attempts or "never mind" ──▶ over (given up)
 */
import type { Expectation } from '../floor-terms.ts';
import { correctedDigits } from './correction.ts';
import { groupedDigits, readableDate, readableEmail, spelledOut } from './read-back.ts';
import { keyedDate, spokenDate } from './spoken-date.ts';
import { spokenDigits, wordsOf } from './spoken-digits.ts';
import { spelledWord, spokenEmail, spokenName } from './spoken-letters.ts';
import { yesNoOf } from './yes-no.ts';

export type CollectionKind = 'digits' | 'phone-number' | 'date' | 'email' | 'name' | 'yes-no';

export interface CollectionRequest {
  what: CollectionKind;
  /** As it follows "your": "order number". The whole question for `yes-no`. */
  label: string;
  /** BCP 47; speech is understood in English, elsewhere only keys are. */
  language: string;
  /** Of `digits`. */
  minLength?: number;
  maxLength?: number;
  /** Never spoken back, shown or recorded in clear. */
  secret?: boolean;
  /** `YYYY-MM-DD` where the business is. */
  today: string;
}

/** What the caller gave: words, or keys (with or without a closing #). */
export interface CollectionEntry {
  by: 'speech' | 'keys';
  text: string;
}

export interface Collection {
  readonly request: CollectionRequest;
  readonly phase: 'asking' | 'confirming' | 'over';
  /** Understood so far; digits may still be incomplete while asking. */
  readonly value: string;
  /** Times that it was not understood or not right. */
  readonly attempts: number;
  /** What the next words will probably be, for the patience of the floor. */
  readonly expects: Expectation;
}

export type CollectionStep =
  /** Say this and bring the answer to it to `takeEntry`. */
  | { type: 'say'; text: string }
  /** Confirmed by the caller. */
  | { type: 'done'; value: string }
  /** `attempts`: it could not be understood; `caller`: they do not want to. Offer to take a message. */
  | { type: 'given-up'; why: 'attempts' | 'caller' };

export const MAX_ATTEMPTS = 3;
const RIGHT = 'Is that right?';

export function beginCollection(request: CollectionRequest): [Collection, string] {
  const state: Collection = { request, phase: 'asking', value: '', attempts: 0, expects: expectedOf(request) };
  return [state, question(request, 0)];
}

/** A step of the drawing above. An entry after the end changes nothing. */
export function takeEntry(state: Collection, entry: CollectionEntry): [Collection, CollectionStep] {
  if (state.phase === 'over') return [state, { type: 'given-up', why: 'caller' }];
  if (entry.by === 'speech' && refuses(entry.text)) return [over(state), { type: 'given-up', why: 'caller' }];
  return state.phase === 'confirming' ? confirm(state, entry) : ask(state, entry);
}

function ask(state: Collection, entry: CollectionEntry): [Collection, CollectionStep] {
  const { request } = state;
  const value = understood(request, entry, state.value);
  if (value === undefined || value === '') return again(state, 'Sorry, I did not get that.');
  if (request.what === 'yes-no') return [over(state, value), { type: 'done', value }];
  const { minLength, maxLength } = bounds(request);
  if (isDigits(request)) {
    const length = value.replace('+', '').length;
    if (length > maxLength) return again(state, `That was more than ${maxLength} digits.`);
    // People pause inside long numbers: what is missing may still come.
    if (length < minLength && length > state.value.length && entry.by === 'speech')
      return [
        { ...state, value },
        { type: 'say', text: request.secret ? 'Go on, please.' : `${groupedDigits(value)}. And the rest?` },
      ];
    if (length < minLength) return again(state, `I need ${minLength === maxLength ? minLength : `at least ${minLength}`} digits.`);
  }
  return readBack(state, value);
}

function confirm(state: Collection, entry: CollectionEntry): [Collection, CollectionStep] {
  const { request, value } = state;
  if (entry.by === 'keys') {
    const keys = entry.text.replace(/#$/, '');
    if (keys === '1') return [over(state, value), { type: 'done', value }];
    if (keys === '2') return again(state, 'All right.');
    const whole = understood(request, entry, '');
    return whole !== undefined && isWhole(request, whole) ? readBack(state, whole) : again(state, 'Sorry, I did not get that.');
  }
  const answer = yesNoOf(entry.text);
  const corrected = isDigits(request) ? correctedDigits(value, entry.text) : undefined;
  if (corrected !== undefined && isWhole(request, corrected)) return readBack(state, corrected);
  if (answer === 'yes') return [over(state, value), { type: 'done', value }];
  const instead = understood(request, { by: 'speech', text: entry.text.replace(/^\s*(?:no+|nope|nah|wrong|not quite)\b[\s,.]*/i, '') }, '');
  if (instead !== undefined && instead !== value && isWhole(request, instead) && isSure(request, entry.text))
    return readBack(state, instead);
  return again(state, answer === 'no' ? 'All right.' : 'Sorry, I did not get that.');
}

/** The question once more, in another way; or the end. */
function again(state: Collection, lead: string): [Collection, CollectionStep] {
  const attempts = state.attempts + 1;
  if (attempts >= MAX_ATTEMPTS) return [over({ ...state, attempts }), { type: 'given-up', why: 'attempts' }];
  const expects = state.request.what === 'name' ? 'spelling' : expectedOf(state.request);
  return [
    { ...state, phase: 'asking', value: '', attempts, expects },
    { type: 'say', text: `${lead} ${question(state.request, attempts)}` },
  ];
}

function readBack(state: Collection, value: string): [Collection, CollectionStep] {
  const next: Collection = { ...state, phase: 'confirming', value, expects: 'yes-no' };
  return [next, { type: 'say', text: `${spokenBack(state.request, value)} ${RIGHT}` }];
}

function over(state: Collection, value = ''): Collection {
  return { ...state, phase: 'over', value, expects: 'free' };
}

/** Undefined: nothing of the kind was in it. `before` is what digits came earlier. */
function understood(request: CollectionRequest, entry: CollectionEntry, before: string): string | undefined {
  const { what, today, language } = request;
  if (entry.by === 'keys') {
    const keys = entry.text.replace(/#$/, '');
    if (what === 'yes-no') return keys === '1' ? 'yes' : keys === '2' ? 'no' : undefined;
    if (what === 'date') return keyedDate(keys);
    return isDigits(request) && /^\d+$/.test(keys) ? keys : undefined;
  }
  if (!language.toLowerCase().startsWith('en')) return undefined;
  if (what === 'yes-no') return yesNoOf(entry.text);
  if (what === 'date') return spokenDate(entry.text, today);
  if (what === 'email') return spokenEmail(entry.text);
  if (what === 'name') return spokenName(entry.text);
  const digits = spokenDigits(entry.text);
  if (digits === '') return undefined;
  const plus = what === 'phone-number' && before === '' && /^\W*(?:\w+\W+){0,4}?plus\b|\+\d/i.test(entry.text) ? '+' : '';
  // "…five six, again, four two five six": a whole number replaces its beginning.
  return isWhole(request, digits) && before !== '' && before.length + digits.length > bounds(request).maxLength
    ? digits
    : before + plus + digits;
}

function question({ what, label, language, secret }: CollectionRequest, attempts: number): string {
  const keys = attempts > 0 || !language.toLowerCase().startsWith('en') || secret;
  switch (what) {
    case 'yes-no':
      return attempts === 0 ? label : `${label} Please say yes or no.`;
    case 'digits':
    case 'phone-number':
      if (keys) return `Please enter your ${label} with the keys of your phone and finish with the hash key.`;
      return `What is your ${label}?`;
    case 'date':
      return attempts >= 1
        ? `Please enter your ${label} with the keys: two for the day, two for the month, four for the year.`
        : `What is your ${label}?`;
    case 'email':
      return attempts >= 1 ? `Please spell your ${label}, letter by letter.` : `What is your ${label}?`;
  }
  return attempts >= 1 ? `Please spell your ${label}.` : `What is your ${label}?`;
}

function spokenBack({ what, secret }: CollectionRequest, value: string): string {
  if (secret) {
    const { length } = value;
    return length >= 8 ? `I have ${length} digits, ending in ${groupedDigits(value.slice(-4))}.` : `I have ${length} digits.`;
  }
  if (what === 'date') return `${readableDate(value)}.`;
  if (what === 'email') return `${readableEmail(value)}.`;
  if (what === 'name') return `${value}, spelled ${value.split(' ').map(spelledOut).join('; ')}.`;
  return `${value.startsWith('+') ? 'plus ' : ''}${groupedDigits(value.replace('+', ''))}.`;
}

/** Words that name somebody on purpose: "it's Cooper", "c o o p e r", not "that's not it". */
function isSure({ what }: CollectionRequest, text: string): boolean {
  if (what !== 'name') return true;
  return (
    spelledWord(text) !== undefined ||
    (/(?:name(?:['’]s| is)|it(?:['’]s| is)|i(?:['’]m| am)|this is)/i.test(text) && !/(?:wrong|right|correct|not)/i.test(text))
  );
}

function isWhole(request: CollectionRequest, value: string): boolean {
  if (!isDigits(request)) return value !== '';
  const { minLength, maxLength } = bounds(request);
  const { length } = value.replace('+', '');
  return length >= minLength && length <= maxLength;
}

const isDigits = ({ what }: CollectionRequest): boolean => what === 'digits' || what === 'phone-number';

function bounds({ what, minLength, maxLength }: CollectionRequest): { minLength: number; maxLength: number } {
  // E.164: 15 digits at most.
  if (what === 'phone-number') return { minLength: minLength ?? 7, maxLength: maxLength ?? 15 };
  return { minLength: minLength ?? 1, maxLength: maxLength ?? 32 };
}

function expectedOf({ what }: CollectionRequest): Expectation {
  return what === 'phone-number' ? 'digits' : what;
}

const REFUSALS =
  /\b(?:never ?mind|forget it|cancel|i (?:do not|don'?t) (?:have|know|remember|want)|no idea|i'?d rather not|skip (?:it|that)|stop asking)\b/i;

function refuses(text: string): boolean {
  return REFUSALS.test(text.replace(/’/g, "'")) && wordsOf(text).length <= 12;
}
