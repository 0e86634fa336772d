import { cx } from '../lib/classes.ts';

type ProgressProps = { share: number; label: string; words: string; className?: string };

/** How far something is, 0 to 1; `words` are what is read aloud in place of a percentage. */
export function Progress({ share, label, words, className }: ProgressProps) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={words}
      className={cx('h-1.5 overflow-hidden rounded-full bg-sunken', className)}
    >
      <div className="h-full rounded-full bg-accent transition-[width] duration-500" style={{ width: `${Math.max(2, percent)}%` }} />
    </div>
  );
}

type MeterProps = { share: number; label: string; tone?: 'accent' | 'quiet'; className?: string };

/** A measured share, 0 to 1, as a bar; the figure stands beside it as text. */
export function Meter({ share, label, tone = 'accent', className }: MeterProps) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className={cx('h-1.5 overflow-hidden rounded-full bg-sunken', className)}
    >
      <div className={cx('h-full rounded-full', tone === 'accent' ? 'bg-accent' : 'bg-ink-3')} style={{ width: `${percent}%` }} />
    </div>
  );
}
