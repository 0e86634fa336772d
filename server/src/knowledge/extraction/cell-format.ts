/** Numbers of a sheet as a person sees them there: dates, per cent, money (ECMA-376 part 1, 18.8.30). */

export type CellKind = 'date' | 'time' | 'date-time' | 'percent' | 'number';

export interface CellFormat {
  kind: CellKind;
  /** Digits after the point; `undefined` is as many as there are. */
  decimals?: number;
  /** Sign of money, and whether it stands before the amount. */
  money?: { sign: string; before: boolean };
}

/** Formats that every file may use without declaring them. */
const BUILT_IN: Record<number, string> = {
  1: '0',
  2: '0.00',
  3: '#,##0',
  4: '#,##0.00',
  9: '0%',
  10: '0.00%',
  14: 'yyyy-mm-dd',
  15: 'd-mmm-yy',
  16: 'd-mmm',
  17: 'mmm-yy',
  18: 'h:mm AM/PM',
  19: 'h:mm:ss AM/PM',
  20: 'h:mm',
  21: 'h:mm:ss',
  22: 'yyyy-mm-dd h:mm',
  37: '#,##0',
  38: '#,##0',
  39: '#,##0.00',
  40: '#,##0.00',
  45: 'mm:ss',
  46: '[h]:mm:ss',
  47: 'mm:ss',
};

const GENERAL: CellFormat = { kind: 'number' };

/** @param code as in `numFmt formatCode`; only its part for positive numbers counts */
export function cellFormat(code: string): CellFormat {
  const positive = code.slice(0, 400).split(';')[0];
  const sign = /\[\$([^\]-]*)(?:-[0-9a-f]+)?\]/i.exec(positive)?.[1] ?? /[$€£¥₹]/.exec(positive)?.[0];
  const bare = positive.replace(/"[^"]*"|\\.|_.|\*./g, '').replace(/\[(?!h+\]|m+\]|s+\])[^\]]*\]/gi, '');
  if (/^general$/i.test(bare.trim())) return GENERAL;
  const date = /[yd]|m{3}/i.test(bare);
  const time = /h|s|AM\/PM/i.test(bare) && !/E[+-]/i.test(bare);
  if (date || time) return { kind: date && time ? 'date-time' : date ? 'date' : 'time' };
  const decimals = /0\.([0#]+)/.exec(bare)?.[1].length ?? (/[0#]/.test(bare) ? 0 : undefined);
  if (bare.includes('%')) return { kind: 'percent', decimals };
  if (!sign) return { kind: 'number', decimals };
  const firstDigit = positive.search(/[0#]/);
  const signAt = positive.indexOf(sign);
  return { kind: 'number', decimals, money: { sign, before: signAt < firstDigit } };
}

export const builtInFormat = (id: number): CellFormat => (BUILT_IN[id] ? cellFormat(BUILT_IN[id]) : GENERAL);

const DAY_MS = 86_400_000;
/** Day 0 as the 1900 system counts from 1 March 1900 on (it believes in a 29 February 1900), and of the 1904 system. */
const DAY_ZERO = { from1900: Date.UTC(1899, 11, 30), from1904: Date.UTC(1904, 0, 1) };

/** @param raw the number as it stands in the file @param from1904 of a workbook made on an old Macintosh */
export function showNumber(raw: string, format: CellFormat, from1904: boolean): string {
  const value = Number(raw);
  if (raw.trim() === '' || !Number.isFinite(value)) return raw;
  switch (format.kind) {
    case 'date':
    case 'time':
    case 'date-time': {
      const at = new Date((from1904 ? DAY_ZERO.from1904 : DAY_ZERO.from1900) + Math.round((value * DAY_MS) / 1_000) * 1_000);
      if (Number.isNaN(at.getTime())) return raw;
      const iso = at.toISOString();
      const clock = iso.slice(11, iso.slice(17, 19) === '00' ? 16 : 19);
      if (format.kind === 'time') return clock;
      return format.kind === 'date' || (clock === '00:00' && value % 1 === 0)
        ? iso.slice(0, iso.indexOf('T'))
        : `${iso.slice(0, iso.indexOf('T'))} ${clock}`;
    }
    case 'percent':
      return `${rounded(value * 100, format.decimals)}%`;
    default: {
      const amount = rounded(value, format.decimals);
      if (!format.money) return amount;
      const { sign, before } = format.money;
      return before && sign.length === 1 ? amount.replace(/^-?/, (minus) => `${minus}${sign}`) : `${amount} ${sign}`;
    }
  }
}

/** Twelve digits hide what binary fractions add: 0.1 + 0.2 is 0.3. */
const rounded = (value: number, decimals: number | undefined): string =>
  decimals === undefined || decimals > 12 ? String(Number(value.toPrecision(12))) : value.toFixed(decimals);
