/** Over which days a report looks; kept in the address so that a view can be shared. */

export type ReportSearch = {
  /** The last so many days; 7 when nothing is said. */
  days?: number;
  /** `2026-03-01`; both set: a range of the manager's own, the last day included. */
  from?: string;
  to?: string;
  assistantId?: string;
  by?: 'assistant' | 'provider';
};

export const presets = [1, 7, 30, 90] as const;
const DAY_MS = 86_400_000;
const dateOnly = /^\d{4}-\d\d-\d\d$/;

/** `2026-03-01` in the reader's own time zone. */
export const dateOf = (at: Date): string =>
  `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, '0')}-${String(at.getDate()).padStart(2, '0')}`;

const midnightOf = (day: string): Date | undefined => {
  if (!dateOnly.test(day)) return undefined;
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  const at = new Date(year, month - 1, date);
  return dateOf(at) === day ? at : undefined;
};

/** What the API is asked: RFC 3339, `to` not included. A preset ends now and begins at a midnight. */
export function rangeOf({ days = 7, from, to, assistantId }: ReportSearch, now: Date): Record<string, string> {
  const assistant: Record<string, string> = assistantId ? { assistantId } : {};
  const [first, last] = [from && midnightOf(from), to && midnightOf(to)];
  if (first && last) {
    const end = new Date(last.getFullYear(), last.getMonth(), last.getDate() + 1);
    return { from: first.toISOString(), to: end.toISOString(), ...assistant };
  }
  // To the minute, so that a screen that renders again asks for the same thing.
  const end = new Date(Math.ceil(now.getTime() / 60_000) * 60_000);
  const start = new Date(end.getFullYear(), end.getMonth(), end.getDate() - days + 1);
  return { from: start.toISOString(), to: end.toISOString(), ...assistant };
}

/** Every day of a range, so that a day without calls is an empty place and not a gap that closes. */
export function daysOf(from: string, to: string): string[] {
  const last = new Date(new Date(to).getTime() - 1);
  const days: string[] = [];
  const day = new Date(from);
  for (let at = new Date(day.getFullYear(), day.getMonth(), day.getDate()); at <= last && days.length < 100; ) {
    days.push(dateOf(at));
    at = new Date(at.getFullYear(), at.getMonth(), at.getDate() + 1);
  }
  return days;
}

/** `from` and `to` of the preset that is shown, to begin a range of one's own with. */
export const ownRange = (days: number, now: Date) => ({ from: dateOf(new Date(now.getTime() - (days - 1) * DAY_MS)), to: dateOf(now) });
