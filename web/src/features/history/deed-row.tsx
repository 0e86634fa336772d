import {
  CircleAlert,
  ClipboardCheck,
  type LucideIcon,
  MessageSquareText,
  PhoneForwarded,
  PhoneOutgoing,
  ShieldCheck,
  Wrench,
} from 'lucide-react';
import { useEffect, useRef } from 'react';
import { cx } from '../../lib/classes.ts';
import { clockOf } from '../../lib/format.ts';
import { Badge } from '../../ui/badge.tsx';
import type { Deed } from './deeds.ts';

const icons: Record<Deed['kind'], LucideIcon> = {
  tool: Wrench,
  message: MessageSquareText,
  callback: PhoneOutgoing,
  transfer: PhoneForwarded,
  failure: CircleAlert,
  collection: ClipboardCheck,
  withheld: ShieldCheck,
};

/** Something done, between what was said. `sought`: somebody came here to see this very one. */
export function DeedRow({ deed, sought }: { deed: Deed; sought: boolean }) {
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (sought) row.current?.scrollIntoView({ block: 'center' });
  }, [sought]);
  const Icon = icons[deed.kind];
  return (
    <li
      ref={row}
      data-testid="deed"
      aria-current={sought ? 'true' : undefined}
      className={cx(
        'grid grid-cols-[3.6rem_minmax(0,1fr)] gap-x-2 rounded-lg px-2 py-1.5 sm:grid-cols-[4rem_5rem_minmax(0,1fr)]',
        sought && 'bg-accent-soft',
      )}
    >
      <span className="num flex h-6 items-center gap-1 text-[0.8rem] text-ink-3">
        <span className="size-3" aria-hidden />
        {clockOf(deed.atMs)}
      </span>
      <span className="hidden sm:block" />
      <div className="min-w-0 border-l-2 border-line pl-3">
        <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1 text-[0.9rem]">
          <Icon className={cx('size-3.5 shrink-0', deed.tone === 'bad' ? 'text-bad' : 'text-ink-3')} aria-hidden />
          <span className={cx(deed.kind === 'tool' && 'font-mono text-[0.8667rem]')}>{deed.title}</span>
          {deed.outcome && <Badge tone={deed.tone}>{deed.outcome}</Badge>}
        </p>
        {deed.details.length > 0 && (
          <dl className="mt-0.5 text-[0.8667rem] text-ink-2">
            {deed.details.map(([name, value]) => (
              <div key={name} className="flex gap-2">
                {name && <dt className="shrink-0 text-ink-3">{name}</dt>}
                <dd className="line-clamp-3 min-w-0 break-words">{value}</dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </li>
  );
}
