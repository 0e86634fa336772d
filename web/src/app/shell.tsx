import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, type LinkProps, Outlet } from '@tanstack/react-router';
import {
  AudioLines,
  BookOpenText,
  Bot,
  ChartNoAxesGantt,
  Ellipsis,
  History,
  LogOut,
  type LucideIcon,
  MessageSquareText,
  Settings,
  Wrench,
} from 'lucide-react';
import { useEffect, useState } from 'react';
import { useLiveFeed, useLiveCalls } from '../lib/live.ts';
import { Button } from '../ui/button.tsx';
import { Sheet } from '../ui/dialog.tsx';
import { Mark } from '../ui/mark.tsx';
import { Failed } from '../ui/states.tsx';
import { onKeyInAddress, sessionQuery, signOut } from './session.ts';
import { SignIn } from './sign-in.tsx';

type Room = { to: LinkProps['to']; label: string; icon: LucideIcon; exact?: boolean };

const rooms: Room[] = [
  { to: '/', label: 'Live calls', icon: AudioLines, exact: true },
  { to: '/history', label: 'History', icon: History },
  { to: '/messages', label: 'Messages', icon: MessageSquareText },
  { to: '/assistants', label: 'Assistants', icon: Bot },
  { to: '/knowledge', label: 'Knowledge', icon: BookOpenText },
  { to: '/tools', label: 'Tools', icon: Wrench },
  { to: '/reports', label: 'Reports', icon: ChartNoAxesGantt },
  { to: '/settings', label: 'Settings', icon: Settings },
];

/** A phone has room for so many at the bottom; the rest are under More. */
const ROOMS_AT_HAND = 4;

/** Everything behind the key: the rail of screens, and the screen. */
export function Shell() {
  const session = useQuery(sessionQuery);
  const queries = useQueryClient();
  useEffect(() => onKeyInAddress(() => void queries.invalidateQueries()), [queries]);
  if (session.isPending) {
    return (
      <div className="grid min-h-dvh place-items-center" role="status" aria-label="Opening Tandem">
        <Mark className="size-10 animate-breathe" />
      </div>
    );
  }
  if (session.isError) {
    return (
      <main className="grid min-h-dvh place-items-center">
        <Failed what="Tandem does not answer" error={session.error} retry={() => void session.refetch()} />
      </main>
    );
  }
  return session.data ? <House businessName={session.data.business?.name} /> : <SignIn />;
}

function House({ businessName }: { businessName: string | undefined }) {
  useLiveFeed();
  const live = useLiveCalls();
  const queries = useQueryClient();
  const leave = async () => {
    await signOut().catch(() => undefined);
    queries.clear();
    await queries.invalidateQueries();
    location.assign('/');
  };
  return (
    <div className="lg:grid lg:min-h-dvh lg:grid-cols-[15rem_minmax(0,1fr)]">
      <a
        href="#screen"
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-lg focus:bg-surface focus:px-4 focus:py-2"
      >
        Skip to the content
      </a>
      <aside className="hidden border-r border-line lg:block">
        <div className="sticky top-0 flex h-dvh flex-col px-3 py-5">
          <div className="mb-6 flex items-center gap-2.5 px-2.5">
            <Mark className="size-7" />
            <div className="min-w-0">
              <p className="leading-tight font-semibold tracking-tight">Tandem</p>
              {businessName && <p className="truncate text-[0.8rem] text-ink-3">{businessName}</p>}
            </div>
          </div>
          <nav aria-label="Screens" className="flex flex-col gap-0.5">
            {rooms.map(({ to, label, icon: Icon, exact }) => (
              <Link
                key={label}
                to={to}
                activeOptions={{ exact: exact ?? false }}
                className="flex h-10 items-center gap-3 rounded-lg px-2.5 text-ink-2 transition-colors hover:bg-sunken hover:text-ink data-[status=active]:bg-surface data-[status=active]:font-medium data-[status=active]:text-ink data-[status=active]:shadow-card"
              >
                <Icon className="size-[1.15rem]" aria-hidden />
                {label}
                {to === '/' && <LiveCount count={live.calls?.length ?? 0} />}
              </Link>
            ))}
          </nav>
          <Button look="quiet" className="mt-auto justify-start gap-3 px-2.5" onClick={() => void leave()}>
            <LogOut aria-hidden /> Sign out
          </Button>
        </div>
      </aside>
      <header className="flex items-center gap-2.5 border-b border-line px-4 py-3 lg:hidden">
        <Mark className="size-6" />
        <p className="min-w-0 flex-1 truncate font-semibold tracking-tight">{businessName ?? 'Tandem'}</p>
        <Button look="quiet" size="smallIcon" aria-label="Sign out" onClick={() => void leave()}>
          <LogOut aria-hidden />
        </Button>
      </header>
      <main id="screen" className="min-w-0 pb-24 lg:pb-10">
        <Outlet />
      </main>
      <BottomBar live={live.calls?.length ?? 0} />
    </div>
  );
}

const bottomLook =
  'relative flex h-16 flex-col items-center justify-center gap-1 text-[0.75rem] text-ink-2 data-[status=active]:font-medium data-[status=active]:text-accent';

function BottomBar({ live }: { live: number }) {
  const [more, setMore] = useState(false);
  return (
    <nav
      aria-label="Screens"
      className="fixed inset-x-0 bottom-0 z-30 grid grid-cols-5 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      {rooms.slice(0, ROOMS_AT_HAND).map(({ to, label, icon: Icon, exact }) => (
        <Link key={label} to={to} activeOptions={{ exact: exact ?? false }} className={bottomLook}>
          <Icon className="size-5" aria-hidden />
          {label === 'Live calls' ? 'Live' : label}
          {to === '/' && live > 0 && <span className="absolute top-2.5 right-[calc(50%-1.1rem)] size-2 rounded-full bg-assistant" />}
        </Link>
      ))}
      <button type="button" className={bottomLook} aria-haspopup="dialog" onClick={() => setMore(true)}>
        <Ellipsis className="size-5" aria-hidden />
        More
      </button>
      <Sheet open={more} onClose={() => setMore(false)} title="More">
        <ul className="grid gap-1 p-3 pb-6">
          {rooms.slice(ROOMS_AT_HAND).map(({ to, label, icon: Icon }) => (
            <li key={label}>
              <Link
                to={to}
                onClick={() => setMore(false)}
                className="flex h-12 items-center gap-3 rounded-lg px-3 hover:bg-sunken data-[status=active]:font-medium data-[status=active]:text-accent"
              >
                <Icon className="size-5 text-ink-3" aria-hidden />
                {label}
              </Link>
            </li>
          ))}
        </ul>
      </Sheet>
    </nav>
  );
}

function LiveCount({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <span className="num ml-auto rounded-full bg-assistant-soft px-2 py-0.5 text-[0.75rem] font-medium text-assistant">
      {count}
      <span className="sr-only"> live</span>
    </span>
  );
}
