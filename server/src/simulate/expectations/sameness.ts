/** Values of arguments, facts and events beside what was expected of them. */
import { sameWords } from './spoken-form.ts';

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * True when `actual` has all that `expected` asks for. Texts are compared as spoken words; of objects only the fields that
 * are expected; lists item by item. `{matches: ...}` is a regular expression.
 */
export function holds(expected: unknown, actual: unknown): boolean {
  if (typeof expected === 'string')
    return typeof actual === 'string' ? sameWords(actual, expected) : isPlain(actual) && String(actual) === expected;
  if (Array.isArray(expected)) {
    return Array.isArray(actual) && actual.length === expected.length && expected.every((item, at) => holds(item, actual[at]));
  }
  if (!isFields(expected)) return Object.is(expected, actual);
  const pattern = onlyPattern(expected);
  if (pattern !== undefined) return isPlain(actual) && patternOf(pattern).test(String(actual));
  return isFields(actual) && Object.entries(expected).every(([name, value]) => holds(value, actual[name]));
}

function onlyPattern(expected: Fields): string | undefined {
  const { matches } = expected;
  return typeof matches === 'string' && Object.keys(expected).length === 1 ? matches : undefined;
}

const isPlain = (value: unknown): value is string | number | boolean => ['string', 'number', 'boolean'].includes(typeof value);

/** Without case. Throws `SyntaxError` for what is no regular expression. */
export const patternOf = (pattern: string): RegExp => new RegExp(pattern, 'iu');

/** A value for the reader: `day "friday", time "17:00"`. */
export function valueWords(value: unknown): string {
  if (isFields(value)) {
    const pattern = onlyPattern(value);
    if (pattern !== undefined) return `/${pattern}/`;
    const fields = Object.entries(value).map(
      ([name, field]) => `${name} ${isFields(field) ? `(${valueWords(field)})` : valueWords(field)}`,
    );
    return fields.length === 0 ? 'nothing' : fields.join(', ');
  }
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
