/** What a screen shows while it has nothing to show: loading, empty, failed. */
import { CircleAlert, type LucideIcon, RotateCw } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError } from '../lib/api.ts';
import { cx } from '../lib/classes.ts';
import { Button } from './button.tsx';

export function Skeleton({ className }: { className?: string }) {
  return <div className={cx('animate-breathe rounded-md bg-sunken', className)} aria-hidden />;
}

export function SkeletonRows({ rows = 6, label }: { rows?: number; label: string }) {
  return (
    <div role="status" aria-label={label} className="divide-y divide-line">
      {Array.from({ length: rows }, (_, n) => (
        <div key={n} className="flex items-center gap-4 px-4 py-4 sm:px-5">
          <Skeleton className="h-4 w-32" />
          <Skeleton className="h-4 flex-1" />
          <Skeleton className="h-4 w-16" />
        </div>
      ))}
    </div>
  );
}

type EmptyProps = { icon: LucideIcon; title: string; children?: ReactNode; action?: ReactNode; className?: string };

export function Empty({ icon: Icon, title, children, action, className }: EmptyProps) {
  return (
    <div className={cx('flex flex-col items-center px-6 py-14 text-center', className)}>
      <div className="mb-4 grid size-12 place-items-center rounded-full bg-sunken text-ink-3">
        <Icon className="size-5" aria-hidden />
      </div>
      <p className="font-medium">{title}</p>
      {children && <p className="mt-1.5 max-w-sm text-[0.9rem] leading-relaxed text-ink-2">{children}</p>}
      {action && <div className="mt-5">{action}</div>}
    </div>
  );
}

/** The words for a failure of any kind. */
export const faultOf = (error: unknown): string => (error instanceof Error ? error.message : 'Something went wrong.');

export function Failed({ what, error, retry }: { what: string; error: unknown; retry?: () => void }) {
  return (
    <div role="alert" className="flex flex-col items-center px-6 py-14 text-center">
      <div className="mb-4 grid size-12 place-items-center rounded-full bg-bad-soft text-bad">
        <CircleAlert className="size-5" aria-hidden />
      </div>
      <p className="font-medium">{what}</p>
      <p className="mt-1.5 max-w-sm text-[0.9rem] text-ink-2">{faultOf(error)}</p>
      {error instanceof ApiError && <p className="mt-1 font-mono text-xs text-ink-3">{error.code}</p>}
      {retry && (
        <Button className="mt-5" onClick={retry}>
          <RotateCw aria-hidden /> Try again
        </Button>
      )}
    </div>
  );
}

export function Notice({
  tone = 'bad',
  children,
  className,
}: {
  tone?: 'bad' | 'slow' | 'good' | 'neutral';
  children: ReactNode;
  className?: string;
}) {
  const looks = {
    bad: 'bg-bad-soft text-bad',
    slow: 'bg-slow-soft text-slow',
    good: 'bg-good-soft text-good',
    neutral: 'bg-sunken text-ink-2',
  };
  return (
    <div role={tone === 'bad' ? 'alert' : 'status'} className={cx('rounded-lg px-3.5 py-2.5 text-[0.9rem]', looks[tone], className)}>
      {children}
    </div>
  );
}
