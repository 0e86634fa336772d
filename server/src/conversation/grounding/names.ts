/** Names in a sentence: words with a capital side by side, or one behind a title. English spelling; other languages only by title. */
import { MONTHS, WEEKDAYS } from './units.ts';

/** With a capital for their place in the sentence, or for no name of anybody. */
const COMMON = new Set(
  `a about absolutely actually after all also alright although an and any anything are as at because before but by bye can certainly
  could did do does don't each either english every everything excellent fine first for from german good goodbye got great have he hello
  her here hi his how however i i'd i'll i'm i've if in instead internet is it it's its just let let's may maybe me most my next no
  none not now of oh ok okay on once one only or our perfect perhaps please right see sean she should since so some sorry spanish
  french still sure thank thanks that that's the their then there these they this those though to today tomorrow tonight unfortunately
  until usually very we we'll we're we've welcome well what what's when where which while who why will with would yes yesterday yet you
  you're you'll your ai faq id pin vat tv usb wifi wi-fi pdf sms am pm`.split(/\s+/),
);
const TITLES = new Set('mr mrs ms miss dr doctor prof professor sir madam herr frau senor senora don dona monsieur madame mme'.split(' '));
const WORD = /[\p{L}][\p{L}\p{M}'’-]*/gu;

const plain = (word: string): string => word.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/’/g, "'").replace(/'s?$/, '');

/** Words of a text as names are looked up among them. */
export function nameWordsOf(text: string): string[] {
  return (text.match(WORD) ?? []).flatMap((word) => {
    const whole = plain(word);
    return whole.includes('-') ? [whole, ...whole.split('-')] : [whole];
  });
}

export interface Name {
  text: string;
  /** All must be known. */
  words: readonly string[];
}

/** Every name of two words or more, and of one behind a title. */
export function namesIn(text: string, language: string): Name[] {
  const names: Name[] = [];
  let run: { raw: string; word: string }[] = [];
  let end = 0;
  const close = () => {
    const titled = run.length > 0 && TITLES.has(run[0].word);
    const own = run.filter(({ word }) => !TITLES.has(word));
    const enough = titled ? own.length > 0 : language.startsWith('en') && own.length > 1;
    if (enough) names.push({ text: run.map(({ raw }) => raw).join(' '), words: own.map(({ word }) => word) });
    run = [];
  };
  for (const { 0: raw, index } of text.matchAll(WORD)) {
    const word = plain(raw);
    const between = text.slice(end, index);
    const goesOn = between === ' ' || (between === '. ' && run.length === 1 && TITLES.has(run[0].word));
    if (!goesOn) close();
    end = index + raw.length;
    const capital = /^\p{Lu}/u.test(raw);
    if (!capital || COMMON.has(word) || WEEKDAYS.has(word) || MONTHS.has(word)) close();
    else run.push({ raw, word });
  }
  close();
  return names;
}
