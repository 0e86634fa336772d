import type { ReactNode } from 'react';
import { cx } from '../lib/classes.ts';
import { useTitle } from '../lib/title.ts';

type PageProps = { title: string; lead?: ReactNode; actions?: ReactNode; children: ReactNode; narrow?: boolean };

/** A screen: its title (also the document's), a line that says what it is for, its main action. */
export function Page({ title, lead, actions, children, narrow = false }: PageProps) {
  useTitle(title);
  return (
    <div className={cx('mx-auto w-full px-4 py-6 sm:px-8 sm:py-9', narrow ? 'max-w-4xl' : 'max-w-[82rem]')}>
      <header className="mb-6 flex flex-wrap items-end justify-between gap-x-6 gap-y-4">
        <div className="min-w-0">
          <h1 className="text-2xl font-semibold tracking-tight text-balance">{title}</h1>
          {lead && <div className="mt-1 text-ink-2">{lead}</div>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export function Card({ children, className, ...rest }: { children: ReactNode; className?: string; 'data-testid'?: string }) {
  return (
    <section className={cx('min-w-0 rounded-xl border border-line bg-surface shadow-card', className)} {...rest}>
      {children}
    </section>
  );
}

export function CardTitle({ title, lead, actions, level = 2 }: { title: string; lead?: ReactNode; actions?: ReactNode; level?: 2 | 3 }) {
  const Heading = level === 2 ? 'h2' : 'h3';
  return (
    <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-b border-line px-4 py-3.5 sm:px-5">
      <div className="min-w-0">
        <Heading className="font-semibold tracking-tight">{title}</Heading>
        {lead && <p className="mt-0.5 text-[0.8667rem] text-ink-2">{lead}</p>}
      </div>
      {actions && <div className="flex items-center gap-2">{actions}</div>}
    </div>
  );
}
