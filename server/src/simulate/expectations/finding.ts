/** What one expectation came to, before it is a `Check`. */

export interface Finding {
  passed: boolean;
  /** What there was instead; only told when it failed. */
  found?: string;
  /** Why it cannot be said at this level; counts as passed. */
  skipped?: string;
}

export const passed: Finding = { passed: true };
export const failed = (found: string): Finding => ({ passed: false, found });
export const skipped = (why: string): Finding => ({ passed: true, skipped: why });
/** Passed, or what was found instead. */
export const finding = (holds: boolean, found: () => string): Finding => (holds ? passed : failed(found()));

export const times = (count: number): string => (count === 0 ? 'never' : count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`);

/** The first few of a list, and how many more there are. */
export function some(items: readonly string[], most = 4): string {
  const more = items.length - most;
  return `${items.slice(0, most).join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}
