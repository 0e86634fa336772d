/** The scale by which voice-to-voice latencies are judged, everywhere in the console. */
export type Pace = 'good' | 'ok' | 'slow' | 'bad';

export const PACE_LIMITS_MS = { good: 500, ok: 800, slow: 1_500 } as const;

export function paceOf(ms: number): Pace {
  if (ms <= PACE_LIMITS_MS.good) return 'good';
  if (ms <= PACE_LIMITS_MS.ok) return 'ok';
  return ms <= PACE_LIMITS_MS.slow ? 'slow' : 'bad';
}

export const paceInWords: Record<Pace, string> = {
  good: 'As quick as a person',
  ok: 'A natural pause',
  slow: 'A noticeable wait',
  bad: 'Too long: callers start to wonder',
};

/** The text colour classes are spelled out so that Tailwind finds them. */
export const paceText: Record<Pace, string> = { good: 'text-good', ok: 'text-ok', slow: 'text-slow', bad: 'text-bad' };
export const paceFill: Record<Pace, string> = { good: 'bg-good', ok: 'bg-ok', slow: 'bg-slow', bad: 'bg-bad' };
export const paceColor: Record<Pace, string> = { good: 'var(--good)', ok: 'var(--ok)', slow: 'var(--slow)', bad: 'var(--bad)' };
