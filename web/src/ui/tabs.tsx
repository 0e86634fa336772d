import { Tabs } from 'radix-ui';
import { useEffect, useRef } from 'react';

/** The row of tabs above a screen's content; where it is wider than the screen it scrolls by itself. */
export function TabRow({ label, tabs }: { label: string; tabs: readonly { value: string; title: string; count?: number }[] }) {
  const list = useRef<HTMLDivElement>(null);
  const shown = useRef<Element | null>(null);
  // On a phone the chosen tab may lie outside: it is brought in once, then whoever scrolls is left alone.
  useEffect(() => {
    const row = list.current;
    const active = row?.querySelector<HTMLElement>('[data-state=active]') ?? null;
    if (!row || !active || active === shown.current) return;
    shown.current = active;
    const [from, to] = [active.offsetLeft - row.offsetLeft, active.offsetLeft - row.offsetLeft + active.offsetWidth];
    if (from < row.scrollLeft || to > row.scrollLeft + row.clientWidth) row.scrollLeft = to - row.clientWidth + 24;
  });
  return (
    <Tabs.List
      ref={list}
      className="mb-5 flex gap-4 sm:gap-6 overflow-x-auto overflow-y-hidden border-b border-line [scrollbar-width:none]"
      aria-label={label}
    >
      {tabs.map(({ value, title, count }) => (
        <Tabs.Trigger
          key={value}
          value={value}
          className="-mb-px shrink-0 border-b-2 border-transparent px-1 pb-2.5 text-ink-2 hover:text-ink data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink"
        >
          {title}
          {count !== undefined && count > 0 && (
            <>
              {' '}
              <span className="num ml-1 rounded-full bg-accent-soft px-2 py-0.5 text-[0.75rem] font-medium text-accent">{count}</span>
            </>
          )}
        </Tabs.Trigger>
      ))}
    </Tabs.List>
  );
}
