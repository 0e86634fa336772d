import type { Call, Ending, Page as PageOf } from '@tandem/contract';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { PhoneIncoming, PhoneOutgoing, Search, SearchX, TimerReset, TriangleAlert } from 'lucide-react';
import { useEffect, useState } from 'react';
import type { HistorySearch } from './history-search.ts';
import { api } from '../../lib/api.ts';
import { durationInWords, endingInWords, gatewayOf, momentOf, numberOf, wholeMomentOf } from '../../lib/format.ts';
import { useNow, useSettled } from '../../lib/now.ts';
import { problemsInWords } from '../../lib/problems.ts';
import { assistantsQuery } from '../../lib/queries.ts';
import { EndingWords, Latency } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { filterBox } from '../../ui/field.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';

const reasons: Ending['reason'][] = [
  'hung-up',
  'goodbye',
  'idle',
  'cancelled',
  'transferred',
  'media-lost',
  'signalling-lost',
  'model-failed',
  'rejected',
  'number-unknown',
  'no-common-codec',
  'max-duration',
  'cost-ceiling',
  'shutdown',
  'process-died',
  'error',
];
const gateways = ['sip', 'twilio', 'browser'];
const PAGE = '50';

export function HistoryPage() {
  const filters = useSearch({ from: '/shell/history' });
  const calls = useInfiniteQuery({
    queryKey: ['calls', filters],
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ state: 'ended', limit: PAGE });
      for (const [name, value] of Object.entries(filters)) if (value) query.set(name, String(value));
      if (pageParam) query.set('cursor', pageParam);
      return api.get<PageOf<Call>>(`/calls?${query}`, signal);
    },
    initialPageParam: '',
    getNextPageParam: ({ nextCursor }) => nextCursor,
    placeholderData: keepPreviousData,
  });
  const rows = calls.data?.pages.flatMap(({ items }) => items) ?? [];
  const narrowed = Object.values(filters).some(Boolean);
  return (
    <Page title="History" lead="Every call, with what was said and how quickly it was answered.">
      <Filters filters={filters} narrowed={narrowed} />
      <Card className="overflow-hidden">
        {calls.isPending ? (
          <SkeletonRows label="Loading calls" rows={8} />
        ) : calls.isError ? (
          <Failed what="The calls could not be loaded" error={calls.error} retry={() => void calls.refetch()} />
        ) : rows.length === 0 ? (
          <Empty icon={narrowed ? SearchX : PhoneIncoming} title={narrowed ? 'No call matches' : 'No calls yet'}>
            {narrowed ? 'Try a shorter number or another filter.' : 'As soon as a call has ended it is here, with its words and its sound.'}
          </Empty>
        ) : (
          <CallTable calls={rows} />
        )}
      </Card>
      {calls.hasNextPage && (
        <div className="mt-5 text-center">
          <Button onClick={() => void calls.fetchNextPage()} busy={calls.isFetchingNextPage}>
            Load more
          </Button>
        </div>
      )}
    </Page>
  );
}

function Filters({ filters, narrowed }: { filters: HistorySearch; narrowed: boolean }) {
  const navigate = useNavigate();
  const assistants = useQuery(assistantsQuery);
  const [typed, setTyped] = useState(filters.search ?? '');
  const search = useSettled(typed.trim(), 300);
  const narrow = (change: HistorySearch) =>
    void navigate({ to: '/history', search: (before: HistorySearch) => ({ ...before, ...change }), replace: true });

  useEffect(() => {
    void navigate({ to: '/history', search: (before: HistorySearch) => ({ ...before, search: search || undefined }), replace: true });
  }, [search, navigate]);

  return (
    <div className="mb-4 flex flex-wrap gap-2" role="search">
      <div className="relative min-w-0 flex-1 basis-56">
        <Search className="pointer-events-none absolute top-3 left-3 size-4 text-ink-3" aria-hidden />
        <input
          type="search"
          className={`${filterBox} w-full pl-9`}
          placeholder="Part of a number"
          aria-label="Search by part of a number"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
      </div>
      <select
        className={`${filterBox} max-w-52`}
        aria-label="Ending"
        value={filters.reason ?? ''}
        onChange={(event) => narrow({ reason: event.target.value || undefined })}
      >
        <option value="">Any ending</option>
        {reasons.map((reason) => (
          <option key={reason} value={reason}>
            {reason === 'hung-up' ? 'Somebody hung up' : endingInWords({ by: 'system', reason })}
          </option>
        ))}
      </select>
      {(assistants.data?.length ?? 0) > 1 && (
        <select
          className={filterBox}
          aria-label="Assistant"
          value={filters.assistantId ?? ''}
          onChange={(event) => narrow({ assistantId: event.target.value || undefined })}
        >
          <option value="">Any assistant</option>
          {assistants.data?.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      )}
      <select
        className={filterBox}
        aria-label="Gateway"
        value={filters.gateway ?? ''}
        onChange={(event) => narrow({ gateway: event.target.value || undefined })}
      >
        <option value="">Any gateway</option>
        {gateways.map((name) => (
          <option key={name} value={name}>
            {gatewayOf(name)}
          </option>
        ))}
      </select>
      <select
        className={filterBox}
        aria-label="Answers"
        value={filters.slow ? 'slow' : ''}
        onChange={(event) => narrow({ slow: event.target.value === 'slow' || undefined })}
      >
        <option value="">Any speed</option>
        <option value="slow">With slow turns</option>
      </select>
      {narrowed && (
        <Button
          look="quiet"
          onClick={() => {
            setTyped('');
            void navigate({ to: '/history', search: {}, replace: true });
          }}
        >
          Clear
        </Button>
      )}
    </div>
  );
}

const head = 'px-5 py-3 text-left text-[0.8rem] font-medium text-ink-3';
const cell = 'px-5 py-3.5 align-baseline';

function CallTable({ calls }: { calls: Call[] }) {
  const now = useNow(60_000);
  return (
    <>
      <table className="hidden w-full md:table" data-testid="history">
        <thead className="border-b border-line">
          <tr>
            <th className={head}>When</th>
            <th className={head}>Caller</th>
            <th className={head}>Assistant</th>
            <th className={`${head} text-right`}>Duration</th>
            <th className={`${head} text-right`}>Turns</th>
            <th className={`${head} text-right`}>Answers after</th>
            <th className={head}>Ending</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {calls.map((call) => (
            <tr key={call.id} className="relative transition-colors focus-within:bg-sunken hover:bg-sunken">
              <td className={`${cell} num whitespace-nowrap text-ink-2`} title={wholeMomentOf(call.startedAt)}>
                {momentOf(call.startedAt, now)}
              </td>
              <td className={cell}>
                <CallLink call={call} />
                <span className="block text-[0.8rem] text-ink-3">{gatewayOf(call.gateway)}</span>
              </td>
              <td className={cell}>{call.assistantName ?? <span className="text-ink-3">None</span>}</td>
              <td className={`${cell} num text-right whitespace-nowrap`}>
                {call.durationMs === null ? '–' : durationInWords(call.durationMs)}
              </td>
              <td className={`${cell} num text-right`}>{call.turns}</td>
              <td className={`${cell} text-right whitespace-nowrap`}>
                {call.voiceToVoiceP50Ms === null ? <span className="text-ink-3">–</span> : <Latency ms={call.voiceToVoiceP50Ms} />}
              </td>
              <td className={cell}>
                {call.ending && <EndingWords ending={call.ending} className="text-[0.9rem]" />}
                <Problems call={call} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <ul className="divide-y divide-line md:hidden">
        {calls.map((call) => (
          <li key={call.id} className="relative px-4 py-3.5 active:bg-sunken">
            <div className="flex items-baseline justify-between gap-3">
              <CallLink call={call} />
              <span className="num shrink-0 text-[0.8667rem] text-ink-2">
                {call.durationMs === null ? '–' : durationInWords(call.durationMs)}
              </span>
            </div>
            <p className="num mt-0.5 text-[0.8667rem] text-ink-2">
              {momentOf(call.startedAt, now)} · {call.assistantName ?? 'no assistant'}
            </p>
            <div className="mt-1.5 flex items-baseline justify-between gap-3 text-[0.8667rem]">
              {call.ending && <EndingWords ending={call.ending} />}
              {call.voiceToVoiceP50Ms !== null && <Latency ms={call.voiceToVoiceP50Ms} />}
            </div>
            <Problems call={call} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** What was bad about its turns, where anything was. */
function Problems({ call }: { call: Call }) {
  const words = problemsInWords(call.turnProblems);
  if (words === '') return null;
  const Icon = call.turnProblems?.slow ? TimerReset : TriangleAlert;
  return (
    <p className="mt-0.5 flex items-baseline gap-1.5 text-[0.8rem] text-slow" data-testid="call-problems">
      <Icon className="size-3.5 shrink-0 translate-y-0.5" aria-hidden />
      <span>
        <span className="sr-only">What went wrong: </span>
        {words}
      </span>
    </p>
  );
}

/** The caller's number; its link covers the whole row. */
function CallLink({ call }: { call: Call }) {
  const Direction = call.direction === 'inbound' ? PhoneIncoming : PhoneOutgoing;
  return (
    <Link
      to="/history/$callId"
      params={{ callId: call.id }}
      className="inline-flex min-w-0 items-center gap-2 font-medium after:absolute after:inset-0"
    >
      <Direction className="size-3.5 shrink-0 text-ink-3" aria-label={call.direction === 'inbound' ? 'Incoming' : 'Outgoing'} />
      <span className="truncate">{numberOf(call.direction === 'inbound' ? call.from : call.to)}</span>
    </Link>
  );
}
