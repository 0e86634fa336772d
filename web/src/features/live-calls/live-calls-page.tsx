import type { Call } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { AudioLines, MousePointerClick } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { cx } from '../../lib/classes.ts';
import { numberOf, plural } from '../../lib/format.ts';
import { useLiveCalls } from '../../lib/live.ts';
import { numbersQuery } from '../../lib/queries.ts';
import { Card, Page } from '../../ui/page.tsx';
import { Empty, Notice, Skeleton } from '../../ui/states.tsx';
import { CallYourAssistant } from './call-your-assistant.tsx';
import { LiveCallDetail } from './live-call-detail.tsx';
import { LiveCallRow } from './live-call-row.tsx';

/** Rows beyond these show no words until they are opened. */
const WATCHED_ROWS = 12;

export function LiveCallsPage() {
  const { calls, connected } = useLiveCalls();
  const [selectedId, setSelectedId] = useState<string>();
  const selected = useKept(calls, selectedId);
  const wide = useWide();

  // On a wide screen there is always room for one call: the newest, until another is chosen.
  useEffect(() => {
    if (wide && selectedId === undefined && calls?.[0]) setSelectedId(calls[0].id);
  }, [wide, selectedId, calls]);

  const lead =
    calls === undefined ? 'Connecting…' : calls.length === 0 ? 'The line is open.' : `${plural(calls.length, 'call')} in progress`;
  return (
    <Page title="Live calls" lead={lead} actions={<CallYourAssistant />}>
      {calls !== undefined && !connected && (
        <Notice tone="slow" className="mb-4">
          The connection to Tandem is lost. What you see may be old; trying again…
        </Notice>
      )}
      {calls === undefined ? (
        <Card className="p-5">
          <div role="status" aria-label="Loading live calls" className="grid gap-4">
            <Skeleton className="h-5 w-40" />
            <Skeleton className="h-4 w-64" />
            <Skeleton className="h-4 w-52" />
          </div>
        </Card>
      ) : calls.length === 0 && !selected ? (
        <Silence />
      ) : (
        <div className="grid grid-cols-[minmax(0,1fr)] gap-5 lg:grid-cols-[minmax(18rem,24rem)_minmax(0,1fr)]">
          <ul className={cx('flex flex-col gap-3', selected && 'hidden lg:flex')} aria-label="Live calls">
            {calls.map((call, n) => (
              <LiveCallRow
                key={call.id}
                call={call}
                watched={n < WATCHED_ROWS}
                selected={call.id === selectedId}
                onSelect={() => setSelectedId(call.id)}
              />
            ))}
            {calls.length === 0 && (
              <li className="rounded-xl border border-dashed border-line-strong px-4 py-8 text-center text-ink-3">No other call</li>
            )}
          </ul>
          {selected ? (
            <LiveCallDetail
              key={selected.id}
              call={selected}
              live={calls.some(({ id }) => id === selected.id)}
              onBack={() => setSelectedId(undefined)}
            />
          ) : (
            <Card className="hidden lg:block">
              <Empty icon={MousePointerClick} title="Choose a call to follow its words" />
            </Card>
          )}
        </div>
      )}
    </Page>
  );
}

/** The chosen call, also for a while after it left the list of live ones. */
function useKept(calls: readonly Call[] | undefined, id: string | undefined): Call | undefined {
  const kept = useRef<Call>(undefined);
  const found = calls?.find((call) => call.id === id);
  if (found) kept.current = found;
  return found ?? (kept.current?.id === id ? kept.current : undefined);
}

function useWide(): boolean {
  const [wide, setWide] = useState(() => matchMedia('(min-width: 64rem)').matches);
  useEffect(() => {
    const query = matchMedia('(min-width: 64rem)');
    const listen = () => setWide(query.matches);
    query.addEventListener('change', listen);
    return () => query.removeEventListener('change', listen);
  }, []);
  return wide;
}

function Silence() {
  const numbers = useQuery(numbersQuery);
  const addresses = numbers.data?.map(({ address }) => numberOf(address)) ?? [];
  return (
    <Card>
      <Empty icon={AudioLines} title="No calls right now" className="py-20" action={<CallYourAssistant size="large" />}>
        {addresses.length > 0 ? `Callers reach you at ${addresses.slice(0, 4).join(', ')}. ` : ''}
        Call your assistant from the browser and watch the words appear here.
      </Empty>
    </Card>
  );
}
