import type { Ending } from '@tandem/contract';
import type { ReactNode } from 'react';
import { cx } from '../lib/classes.ts';
import { endingInWords, endingTone, latencyOf } from '../lib/format.ts';
import { paceInWords, paceOf, paceText } from '../lib/latency.ts';

const tones = {
  neutral: 'bg-sunken text-ink-2',
  good: 'bg-good-soft text-good',
  slow: 'bg-slow-soft text-slow',
  bad: 'bg-bad-soft text-bad',
  accent: 'bg-accent-soft text-accent',
};

export function Badge({ tone = 'neutral', children, className }: { tone?: keyof typeof tones; children: ReactNode; className?: string }) {
  return (
    <span className={cx('inline-flex items-center gap-1.5 rounded-full px-2.5 py-0.5 text-[0.8rem] font-medium', tones[tone], className)}>
      {children}
    </span>
  );
}

const dots = { neutral: 'bg-ink-3', good: 'bg-good', slow: 'bg-slow', bad: 'bg-bad' };

/** How a call ended: a dot for the eye, the sentence for everybody. */
export function EndingWords({ ending, className }: { ending: Ending; className?: string }) {
  return (
    <span className={cx('inline-flex items-baseline gap-2', className)}>
      <span className={cx('size-2 shrink-0 -translate-y-px rounded-full', dots[endingTone(ending)])} aria-hidden />
      {endingInWords(ending)}
    </span>
  );
}

/** A latency, coloured by the scale, with its meaning for those who do not see colours. */
export function Latency({ ms, className }: { ms: number; className?: string }) {
  const pace = paceOf(ms);
  return (
    <span className={cx('num font-medium', paceText[pace], className)} title={paceInWords[pace]}>
      {latencyOf(ms)}
    </span>
  );
}
