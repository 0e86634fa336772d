/** Letters as people spell them: their names, the radio alphabet, "b as in boy", "double l"; and mail addresses. English. */
import { digitOf, wordsOf } from './spoken-digits.ts';

const RADIO =
  'alfa alpha bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee zulu'.split(
    ' ',
  );
const NAMES: Record<string, string> = {
  ay: 'a',
  bee: 'b',
  be: 'b',
  cee: 'c',
  see: 'c',
  sea: 'c',
  dee: 'd',
  ee: 'e',
  ef: 'f',
  eff: 'f',
  gee: 'g',
  aitch: 'h',
  haitch: 'h',
  eye: 'i',
  jay: 'j',
  kay: 'k',
  el: 'l',
  ell: 'l',
  em: 'm',
  en: 'n',
  pee: 'p',
  pea: 'p',
  cue: 'q',
  queue: 'q',
  ar: 'r',
  are: 'r',
  ess: 's',
  tee: 't',
  tea: 't',
  you: 'u',
  vee: 'v',
  ex: 'x',
  why: 'y',
  wye: 'y',
  zee: 'z',
  zed: 'z',
};
const TIMES: Record<string, number> = { double: 2, triple: 3 };
const SIGNS: Record<string, string> = { dot: '.', period: '.', point: '.', underscore: '_', dash: '-', hyphen: '-', minus: '-', plus: '+' };

/** One spelled character and where the words go on. */
function readLetter(words: readonly string[], at: number): { text: string; next: number } | undefined {
  const word = words[at];
  if (word === undefined) return undefined;
  // "b as in boy", "b like boy", "b for bravo": the word is heard better than the letter.
  const link = words[at + 1] === 'as' && words[at + 2] === 'in' ? 3 : words[at + 1] === 'like' || words[at + 1] === 'for' ? 2 : 0;
  if (link > 0 && letterOf(word) !== undefined && words[at + link]) return { text: words[at + link][0], next: at + link + 1 };
  if (word === 'double' && (words[at + 1] === 'u' || words[at + 1] === 'you')) return { text: 'w', next: at + 2 };
  if (Object.hasOwn(TIMES, word)) {
    const inner = readLetter(words, at + 1);
    return inner && { text: inner.text.repeat(TIMES[word]), next: inner.next };
  }
  if (word === 'x' && words[at + 1] === 'ray') return { text: 'x', next: at + 2 };
  const letter = letterOf(word) ?? digitOf(word);
  return letter === undefined ? undefined : { text: letter, next: at + 1 };
}

function letterOf(word: string): string | undefined {
  if (/^[a-z]$/.test(word)) return word;
  if (word === 'oh') return 'o';
  if (RADIO.includes(word)) return word[0];
  return Object.hasOwn(NAMES, word) ? NAMES[word] : undefined;
}

/** The spelled word of an utterance ("g r a c e" → "grace"), at least two characters in a row; undefined when nothing was spelled. */
export function spelledWord(text: string): string | undefined {
  const words = wordsOf(text).filter((word) => word !== 'capital');
  let best = '';
  for (let at = 0; at < words.length; ) {
    let spelled = '';
    let next = at;
    for (let read = readLetter(words, next); read; read = readLetter(words, next)) {
      spelled += read.text;
      next = read.next;
    }
    if (spelled.length >= best.length) best = spelled;
    at = Math.max(next, at + 1);
  }
  return best.length >= 2 ? best : undefined;
}

const LEAD_IN =
  /^(?:(?:yes|sure|ok|okay|well|so|um|uh|its|it is|that is|thats|that would be|my e ?mail(?: address)? is|my address is|the address is|email)\s+)+/;

/**
 * "grace dot hopper at example dot com" → `grace.hopper@example.com`; undefined when it does not make an address. What
 * a recogniser has already written as one is taken as it is.
 */
export function spokenEmail(text: string): string | undefined {
  const written = /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/.exec(text);
  if (written) return written[0].toLowerCase();
  const flat = text
    .toLowerCase()
    .replace(/['’,;:!?]/g, '')
    .replace(/\.(?=\s|$)/g, ' ')
    .replace(/([._+-])/g, (sign) => ` ${Object.keys(SIGNS).find((name) => SIGNS[name] === sign) ?? ''} `)
    .replace(/@/g, ' at ')
    .replace(/\s+/g, ' ')
    .trim()
    .replace(LEAD_IN, '');
  const words = flat.replace(/\bat sign\b/g, 'at').split(' ');
  const at = words.lastIndexOf('at');
  if (at < 1) return undefined;
  const local = joined(words.slice(0, at));
  const domain = joined(words.slice(at + 1));
  const address = `${local}@${domain}`;
  return /^[a-z0-9][a-z0-9._+-]{0,63}@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,24}$/.test(address) && !address.includes('..')
    ? address
    : undefined;
}

/** Words run together; spelled letters, digits and signs become characters. */
function joined(words: readonly string[]): string {
  let out = '';
  for (let at = 0; at < words.length; ) {
    const word = words[at];
    if (Object.hasOwn(SIGNS, word)) {
      out += SIGNS[word];
      at++;
      continue;
    }
    // A word such as "bee" or "oscar" is a letter only beside another spelled one.
    const read = readLetter(words, at);
    const plain = /^[a-z]{2,}$/.test(word) && !Object.hasOwn(TIMES, word);
    const linked = read !== undefined && read.next > at + 1;
    const spelledBeside = [words[at - 1], words[at + 1]].some((other) => other !== undefined && /^[a-z0-9]$/.test(other));
    const radioRun = RADIO.includes(word) && (RADIO.includes(words[at - 1] ?? '') || RADIO.includes(words[at + 1] ?? ''));
    if (read && (!plain || linked || spelledBeside || radioRun || digitOf(word) !== undefined)) {
      out += read.text;
      at = read.next;
    } else {
      out += word;
      at++;
    }
  }
  return out;
}

const NAME_LEAD_IN =
  /^(?:(?:yes|yeah|sure|ok|okay|well|so|um|uh|its|it's|it is|this is|that is|that's|thats|my name is|my name's|the name is|the name's|i am|i'm|i’m|it’s|my first name is|my last name is|call me)[\s,]+)+/i;

/** A name as it is written: lead-ins gone, a spelled word put in its place. Undefined when nothing is left. */
export function spokenName(text: string): string | undefined {
  const bare = text
    .trim()
    .replace(/[.!?]+$/, '')
    .replace(NAME_LEAD_IN, '')
    .replace(/,?\s*(?:please|thanks|thank you)$/i, '');
  const words = bare.split(/[\s,]+/).filter((word) => /^[\p{L}'’-]+$/u.test(word));
  const spelled = spelledWord(bare);
  const whole = words.filter(
    (word) =>
      word.length > 1 &&
      !/^(?:as|in|like|for|double|capital|spelled|spelt|spell|thats|that's)$/i.test(word) &&
      letterOf(word.toLowerCase()) === undefined,
  );
  if (spelled !== undefined && spelled.length >= 3) {
    // "Grace Hopper, h o p p e r": the spelling replaces the word it begins like.
    const kept = whole.filter(
      (word) => !bare.toLowerCase().includes(`in ${word.toLowerCase()}`) && !bare.toLowerCase().includes(`for ${word.toLowerCase()}`),
    );
    const at = kept.findLastIndex((word) => word[0].toLowerCase() === spelled[0]);
    if (at >= 0) kept[at] = spelled;
    return capitalised(at >= 0 ? kept : [spelled]);
  }
  const plain = words.length <= 6 ? words : [];
  return plain.every((word) => word.length === 1) ? undefined : capitalised(plain);
}

function capitalised(words: readonly string[]): string {
  return words.map((word) => (word === word.toLowerCase() ? word[0].toUpperCase() + word.slice(1) : word)).join(' ');
}
