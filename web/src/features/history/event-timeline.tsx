import type { CallEvent } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import { preciseClockOf } from '../../lib/format.ts';
import { callQueries } from '../../lib/queries.ts';
import { Card } from '../../ui/page.tsx';
import { Failed, SkeletonRows } from '../../ui/states.tsx';
import { eventInWords } from './event-words.ts';

/** Every event of the call in order, fetched when somebody wants to see them. */
export function EventTimeline({ callId }: { callId: string }) {
  const [open, setOpen] = useState(false);
  const events = useQuery({ ...callQueries.events(callId), enabled: open });
  return (
    <Card>
      <details onToggle={(event) => setOpen(event.currentTarget.open)} className="group">
        <summary className="flex list-none items-center gap-2 rounded-xl px-4 py-3.5 sm:px-5">
          <ChevronRight className="size-4 text-ink-3 transition-transform group-open:rotate-90" aria-hidden />
          <span className="font-semibold tracking-tight">Events</span>
          <span className="text-[0.8667rem] text-ink-2">everything that happened, in order</span>
        </summary>
        <div className="border-t border-line" data-testid="events">
          {events.isPending ? (
            <SkeletonRows label="Loading events" rows={4} />
          ) : events.isError ? (
            <Failed what="The events could not be loaded" error={events.error} retry={() => void events.refetch()} />
          ) : (
            <ol className="divide-y divide-line">
              {events.data.map((event) => (
                <EventRow key={event.seq} event={event} />
              ))}
            </ol>
          )}
        </div>
      </details>
    </Card>
  );
}

function EventRow({ event }: { event: CallEvent }) {
  const [open, setOpen] = useState(false);
  return (
    <li>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="grid w-full grid-cols-[3.5rem_minmax(0,1fr)] items-baseline gap-x-3 px-4 py-2 text-left text-[0.8667rem] hover:bg-sunken sm:grid-cols-[4rem_11rem_minmax(0,1fr)] sm:px-5"
      >
        <span className="num text-ink-3">{preciseClockOf(event.at)}</span>
        <span className="font-mono text-[0.8rem]">{event.type}</span>
        <span className="col-start-2 truncate text-ink-2 sm:col-start-3">{eventInWords(event)}</span>
      </button>
      {open && (
        <pre className="overflow-x-auto bg-sunken px-5 py-3 font-mono text-[0.8rem] leading-relaxed">{JSON.stringify(event, null, 2)}</pre>
      )}
    </li>
  );
}
