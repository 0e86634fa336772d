/**
 * Written text to words as they are said: numbers, prices, times, dates, telephone numbers, addresses of the web and
 * of mail, abbreviations, and no markup. Pure. A synthesizer calls it at its door, so that every voice reads alike.
 */
import { cardinal, decimal, digits, ordinal, year } from './spoken-numbers.ts';

/** One written word (or a group said as one, such as `9:30 am`) and what is said for it. `spoken` may be empty. */
export interface SpokenToken {
  written: string;
  spoken: string;
}

interface Rule {
  pattern: RegExp;
  say: (match: RegExpExecArray) => string | undefined;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const CURRENCIES: Record<string, [one: string, many: string, cent: string, cents: string]> = {
  $: ['dollar', 'dollars', 'cent', 'cents'],
  '€': ['euro', 'euros', 'cent', 'cents'],
  '£': ['pound', 'pounds', 'penny', 'pence'],
};
const ABBREVIATIONS: Record<string, string> = {
  'mr.': 'mister',
  'mrs.': 'missus',
  'ms.': 'miz',
  'dr.': 'doctor',
  'prof.': 'professor',
  'st.': 'street',
  'ave.': 'avenue',
  'rd.': 'road',
  'blvd.': 'boulevard',
  'apt.': 'apartment',
  'no.': 'number',
  'inc.': 'incorporated',
  'ltd.': 'limited',
  'e.g.': 'for example',
  'i.e.': 'that is',
  'etc.': 'and so on',
  'vs.': 'versus',
  'approx.': 'approximately',
  'tel.': 'telephone',
  'ext.': 'extension',
  'w/': 'with',
  mon: 'Monday',
  tue: 'Tuesday',
  tues: 'Tuesday',
  wed: 'Wednesday',
  thu: 'Thursday',
  thurs: 'Thursday',
  fri: 'Friday',
  sat: 'Saturday',
  sun: 'Sunday',
  jan: 'January',
  feb: 'February',
  apr: 'April',
  aug: 'August',
  sept: 'September',
  oct: 'October',
  nov: 'November',
  dec: 'December',
};
const UNITS: Record<string, [one: string, many: string]> = {
  kg: ['kilogram', 'kilograms'],
  km: ['kilometer', 'kilometers'],
  cm: ['centimeter', 'centimeters'],
  mm: ['millimeter', 'millimeters'],
  lb: ['pound', 'pounds'],
  lbs: ['pound', 'pounds'],
  oz: ['ounce', 'ounces'],
  ft: ['foot', 'feet'],
  mi: ['mile', 'miles'],
  min: ['minute', 'minutes'],
  mins: ['minute', 'minutes'],
  hr: ['hour', 'hours'],
  hrs: ['hour', 'hours'],
  sec: ['second', 'seconds'],
  gb: ['gigabyte', 'gigabytes'],
  mb: ['megabyte', 'megabytes'],
  mbps: ['megabit per second', 'megabits per second'],
};

const address = (text: string): string =>
  text
    .replace(/^(https?:\/\/)?(www\.)?/i, '')
    .replace(/[/.]+$/, '')
    .replace(/[?#].*$/, '')
    .replace(/\./g, ' dot ')
    .replace(/@/g, ' at ')
    .replace(/\//g, ' slash ')
    .replace(/-/g, ' dash ')
    .replace(/_/g, ' underscore ')
    .replace(/\d+/g, (run) => ` ${digits(run)} `)
    .replace(/ {2,}/g, ' ')
    .trim();

const meridiem = (text: string | undefined): string => (text ? (/^p/i.test(text) ? ' p m' : ' a m') : '');

function clockTime(hour: number, minute: number, half: string | undefined): string | undefined {
  if (hour > 24 || minute > 59) return undefined;
  if (minute === 0)
    return half ? `${cardinal(hour)}${meridiem(half)}` : hour <= 12 ? `${cardinal(hour)} o'clock` : `${cardinal(hour)} hundred`;
  return `${cardinal(hour)} ${minute < 10 ? `oh ${cardinal(minute)}` : cardinal(minute)}${meridiem(half)}`;
}

function money(sign: string, amount: string, scale: string | undefined): string {
  const [one, many, cent, cents] = CURRENCIES[sign];
  const [whole, fraction] = amount.replace(/,/g, '').split('.');
  if (scale) return `${decimal(amount)} ${scale} ${many}`;
  const units = Number(whole);
  const parts = fraction === undefined ? 0 : Number(fraction.padEnd(2, '0').slice(0, 2));
  const head = `${cardinal(units)} ${units === 1 ? one : many}`;
  const tail = `${cardinal(parts)} ${parts === 1 ? cent : cents}`;
  if (parts === 0) return head;
  return units === 0 ? tail : `${head} and ${tail}`;
}

/** Digit by digit, a short break (comma) between the groups as they were written, else in threes and a last four. */
function telephone(text: string): string {
  const plus = text.trim().startsWith('+') ? 'plus ' : '';
  let groups = text.split(/\D+/).filter(Boolean);
  if (groups.length === 1 && groups[0].length > 4) {
    const run = groups[0];
    groups = [];
    let at = 0;
    while (run.length - at > 4) {
      groups.push(run.slice(at, at + 3));
      at += 3;
    }
    groups.push(run.slice(at));
  }
  return plus + groups.map(digits).join(', ');
}

/** In order of precedence; the first that claims a stretch of text keeps it. A rule may decline with undefined. */
const RULES: Rule[] = [
  { pattern: /[\w.+-]+@[\w-]+(?:\.[\w-]+)+/g, say: (m) => address(m[0]) },
  {
    pattern:
      /\b(?:https?:\/\/|www\.)[^\s<>()"']*[\w/]|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|gov|edu|co|de|uk|eu)\b(?:\/[\w/-]*)?/gi,
    say: (m) => address(m[0]),
  },
  {
    pattern: /\b(\d{4})-(\d{2})-(\d{2})\b/g,
    say: (m) => {
      const month = MONTHS[Number(m[2]) - 1];
      const day = Number(m[3]);
      return month && day >= 1 && day <= 31 ? `${month} ${ordinal(day)}, ${year(Number(m[1]))}` : undefined;
    },
  },
  {
    pattern: /([$€£])\s?(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?:\s(thousand|million|billion)\b)?/g,
    say: (m) => money(m[1], m[2], m[3]),
  },
  { pattern: /\b(\d+(?:\.\d{1,2})?)\s?([€£])/g, say: (m) => money(m[2], m[1], undefined) },
  {
    pattern: /\b(\d{1,2}):(\d{2})(?:\s?([ap])\.?\s?m\b\.?)?/gi,
    say: (m) => clockTime(Number(m[1]), Number(m[2]), m[3]),
  },
  { pattern: /\b(\d{1,2})\s?([ap])\.?m\b\.?/gi, say: (m) => clockTime(Number(m[1]), 0, m[2]) },
  // A telephone number: international, grouped like one, or a run of 7 to 15 digits.
  { pattern: /\+\d[\d\s().-]{5,18}\d\b/g, say: (m) => telephone(m[0]) },
  { pattern: /\(\d{3}\)\s?\d{3}[-.\s]\d{4}\b|\b\d{3}[-.\s]\d{3}[-.\s]\d{4}\b|\b\d{3}-\d{4}\b/g, say: (m) => telephone(m[0]) },
  { pattern: /\b1-8\d\d-\d{3}-\d{4}\b/g, say: (m) => telephone(m[0]) },
  { pattern: /(?<![.,\d])\b(?:\d{7,}|0\d+)\b(?![.,]\d)/g, say: (m) => telephone(m[0]) },
  { pattern: /\b24\/7\b/g, say: () => 'twenty four seven' },
  {
    pattern: new RegExp(`\\b(${MONTHS.join('|')})\\s(\\d{1,2})(?:st|nd|rd|th)?\\b(?:,?\\s(\\d{4})\\b)?`, 'g'),
    say: (m) => `${m[1]} ${ordinal(Number(m[2]))}${m[3] ? `, ${year(Number(m[3]))}` : ''}`,
  },
  {
    pattern: /\b(in|since|until|of|from|by|before|after)\s((?:1[5-9]|20)\d{2})\b(?![,.]?\d)/gi,
    say: (m) => `${m[1]} ${year(Number(m[2]))}`,
  },
  { pattern: /\b(\d+)(?:st|nd|rd|th)\b/gi, say: (m) => ordinal(Number(m[1])) },
  {
    pattern: /\b(\d+(?:\.\d+)?)\s?(kg|km|cm|mm|lbs?|oz|ft|mi|mins?|hrs?|sec|gb|mbps|mb)\b\.?(?=[\s,;:!?)]|$)/gi,
    say: (m) => `${decimal(m[1])} ${UNITS[m[2].toLowerCase()][m[1] === '1' ? 0 : 1]}`,
  },
  { pattern: /\b(\d+(?:\.\d+)?)\s?%/g, say: (m) => `${decimal(m[1])} percent` },
  {
    pattern: /\b(\d+(?:\.\d+)?)\s?°\s?([CF])?\b/g,
    say: (m) => `${decimal(m[1])} degrees${m[2] === 'C' ? ' Celsius' : m[2] ? ' Fahrenheit' : ''}`,
  },
  { pattern: /#(\d+)\b/g, say: (m) => `number ${cardinal(Number(m[1]))}` },
  { pattern: /(?<=\d|\b(?:am|pm)|\b\p{Lu}\p{Ll}{2,8})\s?[–—]\s?(?=\d|\p{Lu})|(?<=\d)-(?=\d)|(?<=[ap]m)-(?=\d)/gu, say: () => ' to ' },
  {
    pattern: /\b(Mon|Tues?|Wed|Thu(?:rs)?|Fri|Sat|Sun)-(?=(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun))/g,
    say: (m) => `${ABBREVIATIONS[m[1].toLowerCase()]} to `,
  },
  { pattern: /\b\d{1,3}(?:,\d{3})+(?:\.\d+)?\b|\b\d+\.\d+\b|\b\d+\b/g, say: (m) => decimal(m[0]) },
  // Digits inside a word: "B2B", "mp3".
  { pattern: /\d+/g, say: (m) => ` ${m[0].startsWith('0') ? digits(m[0]) : decimal(m[0])} ` },
  { pattern: /(?<![\w.])(?:e\.g\.|i\.e\.|w\/)/gi, say: (m) => ABBREVIATIONS[m[0].toLowerCase()] },
  {
    // "St." before a name is a saint, after one a street; a full stop that also ends the sentence stays one.
    pattern: /\b(Mrs?|Ms|Dr|Prof|St|Ave|Rd|Blvd|Apt|No|Inc|Ltd|etc|vs|approx|Tel|Ext)\.(?=(\s+\p{Lu})?|$)/gu,
    say: (m) =>
      m[1] === 'St' && m[2] && /(^|[^\w]\s*)$/.test(m.input.slice(0, m.index)) ? 'saint' : ABBREVIATIONS[`${m[1].toLowerCase()}.`],
  },
  {
    pattern: /\b(Mon|Tues?|Wed|Thu(?:rs)?|Fri|Sat|Sun|Jan|Feb|Apr|Aug|Sept|Oct|Nov|Dec)\b\.?(?!-)/g,
    say: (m) =>
      /^(Sat|Sun)$/.test(m[1]) && /^\s+[a-z]/.test(m.input.slice(m.index + m[0].length)) ? undefined : ABBREVIATIONS[m[1].toLowerCase()],
  },
  { pattern: /\s?&\s?/g, say: () => ' and ' },
  { pattern: /(?<=\s)\+(?=\s)/g, say: () => 'plus' },
  { pattern: /(?<=\s)=(?=\s)/g, say: () => 'equals' },
  // Long dashes are breaths; markup and pictures are not said.
  { pattern: /\s*[–—]\s*|\s--?\s/g, say: () => ', ' },
  { pattern: /[*_`~^|<>{}[\]\\]+|\p{Extended_Pictographic}\uFE0F?/gu, say: () => '' },
];

interface Piece {
  text: string;
  /** Absent: still as written. */
  spoken?: string;
}

function applyRule(pieces: Piece[], rule: Rule): Piece[] {
  const out: Piece[] = [];
  for (const piece of pieces) {
    if (piece.spoken !== undefined) {
      out.push(piece);
      continue;
    }
    let from = 0;
    for (const match of piece.text.matchAll(rule.pattern)) {
      const said = rule.say(match);
      if (said === undefined) continue;
      if (match.index > from) out.push({ text: piece.text.slice(from, match.index) });
      out.push({ text: match[0], spoken: said });
      from = match.index + match[0].length;
    }
    if (from < piece.text.length) out.push({ text: piece.text.slice(from) });
  }
  return out;
}

/** Markdown's links, headings and list marks carry no words of their own. */
const withoutMarkup = (text: string): string =>
  text
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/^\s{0,3}(?:#{1,6}|[-*•]|>)\s+/gm, '')
    .replace(/\s+/g, ' ')
    .trim();

/**
 * For voices that read numbers and prices themselves: the text without markup, tags a vendor would obey, and pictures. Empty
 * when nothing in it can be said.
 */
export function textWithoutMarkup(text: string): string {
  const plain = withoutMarkup(text.replace(/<[^<>]{0,200}>/g, ' '))
    .replace(/[*_`~^|<>{}[\]\\]+|\p{Extended_Pictographic}\uFE0F?|[\u200b-\u200f\u2028-\u202e\ufeff]/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
  return /[\p{L}\p{N}]/u.test(plain) ? plain : '';
}

/**
 * The text word by word: what is written and what is said for it. The written parts joined by blanks are the text
 * without its markup. Languages other than English pass unchanged.
 */
export function spokenTokens(text: string, language = 'en'): SpokenToken[] {
  let pieces: Piece[] = [{ text: withoutMarkup(text) }];
  if (!language.toLowerCase().startsWith('en')) return pieces[0].text.split(' ').map((word) => ({ written: word, spoken: word }));
  for (const rule of RULES) pieces = applyRule(pieces, rule);
  const tokens: SpokenToken[] = [];
  let open = false;
  const append = (written: string, spoken: string) => {
    if (!open) tokens.push({ written: '', spoken: '' });
    const token = tokens[tokens.length - 1];
    token.written += written;
    token.spoken += spoken;
    open = true;
  };
  for (const piece of pieces) {
    if (piece.spoken !== undefined) append(piece.text, piece.spoken);
    else {
      piece.text.split(' ').forEach((word, index) => {
        if (index > 0) open = false;
        if (word !== '') append(word, word);
      });
    }
  }
  return tokens
    .map(({ written, spoken }) => ({
      written: written.trim(),
      spoken: spoken
        .replace(/\s+/g, ' ')
        .replace(/ ([,.;:!?])/g, '$1')
        .trim(),
    }))
    .filter(({ written }) => written !== '');
}

/** The text as it is said. */
export function spokenText(text: string, language = 'en'): string {
  return spokenTokens(text, language)
    .map(({ spoken }) => spoken)
    .filter((spoken) => spoken !== '')
    .join(' ')
    .replace(/ ([,.;:!?])/g, '$1')
    .replace(/,(?=[,.;:!?])/g, '')
    .trim();
}
