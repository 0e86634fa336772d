/**
 * What may not differ between two questions that mean the same, however alike their other words are: "open on Saturday" is
 * not "open on Sunday", and "how long" is not "how much".
 */
import { termOf, wordsOf } from '#models/terms.ts';
import { allUnits, codeTerm } from './index-terms.ts';
import { codesIn, spokenNumbers, wordFor } from './spoken-values.ts';

export interface Slots {
  /** What kind of answer is asked for; `what` fits any. */
  kind: string;
  negated: boolean;
  /** Numbers, days, months, codes, opposites and other words that turn the meaning; sorted. */
  values: readonly string[];
}

const DAYS =
  'monday tuesday wednesday thursday friday saturday sunday weekend weekday holiday today tomorrow yesterday tonight morning noon afternoon evening night midnight';
const MONTHS = 'january february march april june july august september october november december christmas easter'; // "may" is mostly a verb
const SHORT = new Map(
  Object.entries({
    mon: 'monday',
    tue: 'tuesday',
    tues: 'tuesday',
    wed: 'wednesday',
    thu: 'thursday',
    thurs: 'thursday',
    fri: 'friday',
    sat: 'saturday',
    sun: 'sunday',
  }),
);
const TURNING =
  'open closed close cancel confirm rent before after with without in out on off up down more less first last minimum maximum ' +
  'earliest latest cheapest child children kid kids adult adults senior seniors student students old new only both another other ' +
  'enable disable start stop begin end arrive leave increase decrease add remove delete import export upgrade downgrade send receive ' +
  'lost found win lose allow forbid include exclude except inside outside online home private business';
/** Words of one meaning among those above. */
const ONE_MEANING = new Map(
  Object.entries({
    close: 'closed',
    children: 'child',
    kid: 'child',
    kids: 'child',
    adults: 'adult',
    seniors: 'senior',
    students: 'student',
  }),
);
/** Only turn the meaning next to a word that they belong to; alone they are mere grammar. */
const PARTICLES = new Set(['in', 'on', 'up', 'down', 'off', 'out', 'with']);
const VALUES = new Set(`${DAYS} ${MONTHS} ${TURNING}`.split(' ').filter((word) => !PARTICLES.has(word)));
const NEGATIONS = new Set(
  'not no never none nobody nothing neither nor cannot cant dont doesnt isnt arent wont wouldnt couldnt didnt havent hasnt'.split(' '),
);

const KINDS: readonly [RegExp, string][] = [
  [/\bhow (?:much|expensive)\b|\b(?:price|prices|cost|costs|fee|fees|charge)\b/, 'price'],
  [/\bhow long\b|\bhow many (?:minutes|hours|days|weeks|months|years)\b/, 'duration'],
  [/\bhow (?:many|often)\b/, 'count'],
  [/\bhow (?:far|big|large|old|tall|heavy|wide|high)\b/, 'measure'],
  [/\bwhen\b|\b(?:what|which) (?:time|day|date|hours)\b|\bhow (?:late|early|soon)\b|\bhours\b/, 'time'],
  [/\bwhere\b|\b(?:address|location)\b/, 'place'],
  [/\b(?:who|whom|whose)\b/, 'person'],
  [/\bwhy\b/, 'reason'],
  [/\b(?:how|what way)\b/, 'manner'],
  [/\b(?:what|which|tell me)\b/, 'what'],
  [
    /^(?:and |so |but |then |also |ok |okay |hi |hello )*(?:can|could|may|do|does|did|is|are|was|were|will|would|should|have|has)\b/,
    'whether',
  ],
];

/** `codes` are those that the text may also spell; those that it writes when absent. */
export function slotsOf(text: string, codes: ReadonlySet<string> = new Set(codesIn(text))): Slots {
  // Apostrophes go first, so that "don't" is one word and counts as a negation.
  const units = allUnits(text.replace(/['’](?=t\b)/gi, ''), (code) => codes.has(code));
  const values = new Set<string>();
  const words: string[] = [];
  for (const unit of units) {
    if (unit.term.startsWith(codeTerm(''))) values.add(unit.term);
    else words.push(...unit.words);
  }
  for (const word of words) {
    const whole = SHORT.get(word) ?? word;
    const single = VALUES.has(whole) ? whole : VALUES.has(whole.replace(/s$/, '')) ? whole.replace(/s$/, '') : undefined;
    if (single !== undefined) values.add(ONE_MEANING.get(single) ?? single);
    if (/\d/.test(word)) values.add(wordFor(word) === undefined ? word.replace(/(?:st|nd|rd|th)$/, '') : Number(word).toString());
  }
  for (const { figures } of spokenNumbers(words)) values.add(figures);
  const plain = words.join(' ');
  return {
    kind: KINDS.find(([pattern]) => pattern.test(plain))?.[1] ?? 'none',
    negated: words.some((word) => NEGATIONS.has(word)),
    values: [...values].sort(),
  };
}

/** Whether nothing that decides differs between two questions. A code that one writes the other may spell. */
export function sameSlots(text: string, other: string): boolean {
  const codes = new Set([...codesIn(text), ...codesIn(other)]);
  const [a, b] = [slotsOf(text, codes), slotsOf(other, codes)];
  const kinds = a.kind === b.kind || ((a.kind === 'what' || b.kind === 'what') && a.kind !== 'none' && b.kind !== 'none');
  return kinds && a.negated === b.negated && a.values.length === b.values.length && a.values.every((value, at) => value === b.values[at]);
}

/** Names in a written question: words with a capital letter that do not begin it, as terms. Codes are slots already. */
export function namesIn(text: string): string[] {
  const names: string[] = [];
  for (const [name] of text.matchAll(/(?<=[\p{L}\p{N},;:'’-]\s+)\p{Lu}[\p{L}\p{N}'’-]*/gu)) {
    if (name.length > 1 && !/\d/.test(name)) names.push(...wordsOf(name).map(termOf));
  }
  return names;
}

/** Values of one class take each other's place: who asks for Sunday does not also mean the Saturday before. */
export function slotClass(word: string): string | undefined {
  const whole = SHORT.get(word) ?? word.replace(/s$/, '');
  if (DAYS.includes(whole) && DAYS.split(' ').includes(whole)) return 'day';
  if (MONTHS.split(' ').includes(whole)) return 'month';
  if (/\d/.test(word) || spokenNumbers([word]).length > 0) return 'number';
  return undefined;
}
