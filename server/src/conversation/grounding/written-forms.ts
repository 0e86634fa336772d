/** Forms with a shape of their own: addresses, dates and times in figures, telephone numbers, product codes. */
import { clock, dateOf, type Reading } from './readings.ts';

/** `read` declines with undefined: then the text is left to other forms. */
export interface WrittenForm {
  /** Without it in the text the form is not looked for. */
  sign: RegExp;
  pattern: RegExp;
  read: (match: readonly (string | undefined)[]) => Reading | undefined;
}

const LABEL = '[a-z0-9][a-z0-9-]{0,40}';
const DOMAIN = '(?:com|org|net|io|gov|edu|co|de|uk|eu|es|fr|ch|at|info|biz|example|test)';

/** In order; what one has read is no other's. */
export const WRITTEN_FORMS: readonly WrittenForm[] = [
  { sign: /@/, pattern: /(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}/g, read: ([whole = '']) => mail(whole) },
  {
    sign: / dot /i,
    pattern: new RegExp(
      `(?<![\\w-])([a-z0-9_-]{1,40}(?: dot [a-z0-9_-]{1,40}){0,4}) at (${LABEL}(?: dot ${LABEL}){0,4} dot ${DOMAIN})\\b`,
      'gi',
    ),
    read: ([, name = '', at = '']) => mail(`${name}@${at}`.replace(/ dot /gi, '.')),
  },
  {
    sign: /\.[a-z]/i,
    pattern: new RegExp(`(?<![\\w.-])(?:https?://)?(${LABEL}(?:\\.${LABEL}){0,5}\\.${DOMAIN})\\b(?:/\\S{0,400})?`, 'gi'),
    read: ([, name = '']) => host(name),
  },
  {
    sign: / dot /i,
    pattern: new RegExp(`(?<![\\w-])(${LABEL}(?: dot ${LABEL}){0,4} dot ${DOMAIN})\\b`, 'gi'),
    read: ([, name = '']) => host(name.replace(/ dot /gi, '.')),
  },
  { sign: /\d-/, pattern: /\b(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?/g, read: isoTime },
  {
    sign: /\d[/.]\d/,
    pattern: /\b(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d{2})\b/g,
    read: ([, one, , two, year = '']) => {
      const full = year.length === 2 ? 2000 + Number(year) : Number(year);
      const [a, b] = [Number(one), Number(two)];
      const either = [dateOf(a, b, full), dateOf(b, a, full)].filter((date) => date !== undefined);
      return either.length === 0 ? undefined : { says: either.flatMap(({ says }) => says), needs: either.flatMap(({ needs }) => needs) };
    },
  },
  { sign: /\d/, pattern: /(?<![\d.,:])(?:\+?\(?\d[\d \u00a0()/-]{5,30}\d|\d{2,4}(?:\.\d{2,4}){2,6})(?![\d,:])/g, read: telephone },
  {
    sign: /\d[:h]/i,
    pattern: /\b(\d{1,2})[:h](\d{2})(?::\d{2})?(?:\s?([ap])\.?\s?m\b\.?)?(?!\d)/gi,
    read: ([, h, m, half]) => clock(Number(h), Number(m), half),
  },
  {
    sign: /\d\.\d/,
    pattern: /\b(\d{1,2})\.(\d{2})\s?(?:([ap])\.?\s?m\b\.?|uhr\b)/gi,
    read: ([, h, m, half]) => clock(Number(h), Number(m), half ?? 'x'),
  },
  { sign: /\d\s?[ap]/i, pattern: /\b(\d{1,2})\s?([ap])\.?\s?m\b\.?/gi, read: ([, h, half]) => clock(Number(h), 0, half) },
  {
    sign: /\p{L}-?\d|\d[A-Z]/u,
    pattern: /\b(?:[A-Z]{1,6}-?\d+[A-Z0-9-]*|[a-z]+\d+[a-z0-9]*|[A-Z][a-z]+\d+[A-Za-z0-9]*|\d+[A-Z]{1,3}\d*[A-Z0-9]*)\b/g,
    read: ([whole = '']) => code(whole),
  },
];

const mail = (address: string): Reading => {
  const key = `@${address.toLowerCase()}`;
  return { says: [key, `w:${key.split('@').at(-1)}`], needs: [[key]] };
};
const host = (name: string): Reading => {
  const key = `w:${name.toLowerCase().replace(/^www\./, '')}`;
  return { says: [key], needs: [[key]] };
};

function code(written: string): Reading | undefined {
  if (/^\d+(?:AM|PM|KG|KM|CM|MM|ML|L|G|M|H|GB|MB|TB|ST|ND|RD|TH|C|F|W|V|K|USD|EUR|GBP|CHF)$/.test(written)) return undefined;
  const compact = written.replace(/-/g, '').toUpperCase();
  const numbers = (written.match(/\d+/g) ?? []).map((run) => `=${Number(run)}`);
  const letters = written.match(/\p{L}+/gu) ?? [];
  return {
    says: [`c${compact}`, ...numbers, ...numbers.map((key) => `#${key.slice(1)}`)],
    needs: [[`c${compact}`], [...letters.map((word) => `x${word.toLowerCase()}`), ...numbers]],
  };
}

function isoTime([, year, month, day, hour, minute, zone]: readonly (string | undefined)[]): Reading | undefined {
  const date = dateOf(Number(month), Number(day), Number(year));
  if (!date || hour === undefined) return date;
  const time = clock(Number(hour), Number(minute), 'x');
  const says = [...date.says, ...(time?.says ?? [])];
  if (zone === undefined) return { says, needs: date.needs };
  // An instant: told in the caller's zone its hour is another, its day at most the next or the one before.
  for (const shift of [-1, 1]) {
    const near = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day) + shift));
    says.push(...(dateOf(near.getUTCMonth() + 1, near.getUTCDate(), near.getUTCFullYear())?.says ?? []));
  }
  return { says: [...says, `M${Number(minute) % 15}`], needs: date.needs };
}

/** Figures in groups: a telephone number, or numbers that stand side by side. */
function telephone([whole = '']: readonly (string | undefined)[]): Reading | undefined {
  const figures = whole.replace(/\D/g, '');
  if (figures.length < 7) return undefined;
  const groups = whole.split(/\D+/).filter((group) => group !== '');
  const each = groups.map((group) => `=${Number(group)}`);
  const apart = groups.length > 1 ? [each, ...(figures.length > 15 ? [] : [[`=${Number(figures)}`]])] : [each];
  return {
    says: [`~${figures}`, ...each, ...each.map((key) => `#${key.slice(1)}`), `=${Number(figures)}`],
    needs: [[`~${figures}`], ...apart],
  };
}
