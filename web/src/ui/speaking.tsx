import { cx } from '../lib/classes.ts';

/** Four small bars that move while somebody speaks. */
export function SpeakingBars({ className }: { className?: string }) {
  return (
    <span className={cx('inline-flex h-3.5 items-center gap-[2px]', className)} aria-hidden>
      {[0, 0.25, 0.1, 0.35].map((delay) => (
        <span
          key={delay}
          className="h-full w-[2.5px] animate-speaking rounded-full bg-current"
          style={{ animationDelay: `${-delay * 2}s` }}
        />
      ))}
    </span>
  );
}
