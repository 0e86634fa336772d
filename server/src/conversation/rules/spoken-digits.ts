/** Counts the digits of a number as it is spoken: "double five, oh one 23" has six. */
import { inLanguage } from './words.ts';

interface Numerals {
  /** One digit each. */
  digits: ReadonlySet<string>;
  /** Two digits each: "twenty" in "twenty three" is one, and "three" the other; alone they are two. */
  teens: ReadonlySet<string>;
  tens: ReadonlySet<string>;
  /** The next digit so many times. */
  times: Readonly<Record<string, number>>;
}

const set = (words: string) => new Set(words.split(' '));

const numerals: Record<string, Numerals> = {
  en: {
    digits: set('zero oh o nought one two three four five six seven eight nine'),
    teens: set('ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'),
    tens: set('twenty thirty forty fifty sixty seventy eighty ninety'),
    times: { double: 2, triple: 3 },
  },
  de: {
    digits: set('null eins ein eine zwei zwo drei vier funf sechs sieben acht neun'),
    teens: set('zehn elf zwolf dreizehn vierzehn funfzehn sechzehn siebzehn achtzehn neunzehn'),
    tens: set('zwanzig dreissig dreißig vierzig funfzig sechzig siebzig achtzig neunzig'),
    times: { doppel: 2 },
  },
  es: {
    digits: set('cero uno una dos tres cuatro cinco seis siete ocho nueve'),
    teens: set('diez once doce trece catorce quince dieciseis diecisiete dieciocho diecinueve'),
    tens: set('veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa'),
    times: { doble: 2, triple: 3 },
  },
  fr: {
    digits: set('zero un une deux trois quatre cinq six sept huit neuf'),
    teens: set('dix onze douze treize quatorze quinze seize'),
    tens: set('vingt trente quarante cinquante soixante septante huitante octante nonante'),
    times: { double: 2, triple: 3 },
  },
};

/** `words` as `wordsOf` gives them. */
export function digitsIn(words: readonly string[], language: string): number {
  const { digits, teens, tens, times } = inLanguage(numerals, language);
  let count = 0;
  let repeat = 1;
  let afterTens = false;
  for (const word of words) {
    const written = /^\d+$/.test(word);
    if (written) count += word.length === 1 ? repeat : word.length;
    else if (digits.has(word)) count += afterTens ? 0 : repeat;
    else if (teens.has(word) || tens.has(word)) count += 2;
    // German says the ones first and in one word.
    else if ([...tens].some((ten) => word.endsWith(ten))) count += 2;
    afterTens = tens.has(word);
    repeat = times[word] ?? 1;
  }
  return count;
}
