/** HTTP ranges (RFC 9110 §14): what a player asks for when it seeks. */

/** The first byte and the last, inclusive; undefined for the whole; `unsatisfiable` beyond the end. Only one range is read. */
export function readRange(header: string | undefined, size: number): { first: number; last: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return undefined;
  const first = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const last = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return first >= size || first > last ? 'unsatisfiable' : { first, last };
}
