/**
 * What a caller may say, as a grammar of the Java Speech Grammar Format (JSGF 1.0, which PocketSphinx reads): one of
 * the given phrases with polite words around it, or small talk. And its opponent, a loop of all phones, which explains
 * any sound and so shows how well the grammar explains this one.
 */
import { spokenText } from '../spoken-text.ts';
import type { Lexicon } from './lexicon.ts';

/** Said before a phrase; nothing about its meaning changes. */
const BEFORE = [
  'hello',
  'hi',
  'yes',
  'okay',
  'so',
  'well',
  'um',
  'excuse me',
  'please',
  'hello i would like to know',
  'i would like to know',
  "i'd like to know",
  'i want to know',
  'i have a question',
  'can you tell me',
  'could you tell me',
  'can you please tell me',
  'could you please tell me',
  'please tell me',
  'tell me',
];
const AFTER = ['please', 'thank you', 'thanks', 'today'];

/** What is said on every call. No digits: keys are pressed for those. */
const SMALL_TALK = `
yes / yes please / yeah / sure / of course / okay / correct / that's right / yes i do / go ahead
no / no thank you / no thanks / not really / no i don't / no that's all / no that's it / no goodbye
hello / hi / hello hello / good morning / good afternoon / good evening / how are you / are you there / is anybody there
thank you / thanks / thank you very much / thanks a lot / okay thank you / thank you goodbye / great thank you
goodbye / bye / bye bye / okay bye / have a nice day / that's all / that's it / that is all / nothing else
repeat that / please repeat that / can you repeat that / could you repeat that please / say that again / can you say that again
pardon / sorry what / what did you say / what was that / i didn't hear that / i didn't understand / i don't understand
wait / wait a moment / one moment please / hold on / stop
who are you / are you a robot / are you a computer / what can you do / help / i need help
an agent please / operator / i want to speak to a person / can i speak to a person / i want to talk to a human
can i speak to someone / i would like to speak to an agent / a human please / speak to an agent / transfer me please`
  .trim()
  .split(/ \/ |\n/);

const PHONES = 'AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH'.split(' ');
/** More words than these are not one utterance of a caller: not worth the grammar's width. */
const LONGEST_PHRASE = 30;

/** A grammar and what its words mean. `text` and `dictionary` are the two files of a decoder. */
export interface Grammar {
  text: string;
  /** Phrases as they were given, by what is said for them. */
  written: ReadonlyMap<string, string>;
  /** Phrases left out: words whose pronunciation is unknown. */
  dropped: readonly { phrase: string; words: readonly string[] }[];
}

/** What is said for a phrase: lower case, numbers spelled out, letters and apostrophes only. */
export function wordsOf(phrase: string): string[] {
  return spokenText(phrase)
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[\u2018\u2019]/g, "'")
    .replace(/[^a-z' ]+/g, ' ')
    .split(' ')
    .map((word) => word.replace(/^'+/, '').replace(/'{2,}/g, "'"))
    .filter((word) => word !== '');
}

/** Every word that the grammar of `phrases` needs a pronunciation of. */
export function vocabularyOf(phrases: readonly string[]): Set<string> {
  const vocabulary = new Set<string>();
  for (const phrase of [...BEFORE, ...AFTER, ...SMALL_TALK, ...phrases]) for (const word of wordsOf(phrase)) vocabulary.add(word);
  return vocabulary;
}

const alternatives = (lines: Iterable<string>): string => Array.from(lines).join('\n  | ');

/** The grammar of `phrases`, of which those with a word outside `lexicon` are left out. */
export function grammarOf(phrases: readonly string[], lexicon: Lexicon): Grammar {
  const known = (line: string) => line.split(' ').every((word) => lexicon.has(word));
  const written = new Map<string, string>();
  const dropped: { phrase: string; words: string[] }[] = [];
  for (const phrase of phrases) {
    const words = wordsOf(phrase);
    const unknown = words.filter((word) => !lexicon.has(word));
    if (unknown.length > 0 || words.length > LONGEST_PHRASE) dropped.push({ phrase, words: unknown });
    else if (words.length > 0) written.set(words.join(' '), phrase.replace(/[\s.?!,;:]+$/, '').trim());
  }
  const small = SMALL_TALK.filter((line) => known(line) && !written.has(line));
  const rules = ['#JSGF V1.0;', 'grammar caller;'];
  if (written.size > 0) {
    rules.push(`<before> = ${alternatives(BEFORE.filter(known))};`);
    rules.push(`<after> = ${alternatives(AFTER.filter(known))};`);
    rules.push(`<phrase> = ${alternatives(written.keys())};`);
  }
  rules.push(`<small> = ${alternatives(small)};`);
  rules.push(`public <utterance> = ${written.size > 0 ? '[<before>] <phrase> [<after>] | ' : ''}<small>;`);
  return { text: `${rules.join('\n')}\n`, written, dropped };
}

/** The decoded words with the given phrase in them as it was written ("24" for "twenty four"). */
export function writtenText(words: readonly string[], written: Grammar['written']): string {
  for (let length = words.length; length > 0; length--) {
    for (let from = 0; from + length <= words.length; from++) {
      const phrase = written.get(words.slice(from, from + length).join(' '));
      if (phrase !== undefined) return [...words.slice(0, from), phrase, ...words.slice(from + length)].join(' ');
    }
  }
  return words.join(' ');
}

/** The loop of all phones. Its words are named so that no word of a language can meet them. */
export const phoneLoop = {
  text: `#JSGF V1.0;\ngrammar loop;\npublic <loop> = (${PHONES.map((phone) => `ph_${phone.toLowerCase()}`).join(' | ')})+;\n`,
  dictionary: `${PHONES.map((phone) => `ph_${phone.toLowerCase()} ${phone}`).join('\n')}\n`,
};
