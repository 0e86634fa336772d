import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useNow } from '../../lib/now.ts';
import { assistantsQuery } from '../../lib/queries.ts';
import { cx } from '../../lib/classes.ts';
import { filterBox } from '../../ui/field.tsx';
import { Page } from '../../ui/page.tsx';
import { LatencyCard } from './latency-card.tsx';
import { ownRange, presets, rangeOf, type ReportSearch } from './range.ts';
import { UsageCard } from './usage-card.tsx';

/** How quickly callers were answered, and what it cost. */
export function ReportsPage() {
  const search = useSearch({ from: '/shell/reports' });
  const navigate = useNavigate();
  const now = useNow(60_000);
  const range = rangeOf(search, now);
  const change = (part: Partial<Record<keyof ReportSearch, unknown>>) =>
    void navigate({ to: '/reports', search: { ...search, ...part } as ReportSearch, replace: true });
  return (
    <Page title="Reports" lead="How long callers waited, and what it cost.">
      <Filters search={search} change={change} now={now} />
      <div className="grid gap-5">
        <LatencyCard range={range} by={search.by ?? 'business'} onBy={(by) => change({ by: by === 'business' ? undefined : by })} />
        <UsageCard range={range} />
      </div>
    </Page>
  );
}

const dayName = (days: number): string => (days === 1 ? 'Today' : `${days} days`);

type FiltersProps = { search: ReportSearch; change: (part: Partial<Record<keyof ReportSearch, unknown>>) => void; now: Date };

function Filters({ search, change, now }: FiltersProps) {
  const assistants = useQuery(assistantsQuery);
  const own = search.from !== undefined && search.to !== undefined;
  const days = search.days ?? 7;
  return (
    <div className="mb-4 flex flex-wrap items-center gap-2" role="search">
      <div className="flex overflow-hidden rounded-lg border border-line-strong bg-surface" role="group" aria-label="Over which days">
        {presets.map((preset) => (
          <button
            key={preset}
            type="button"
            aria-pressed={!own && days === preset}
            onClick={() => change({ days: preset === 7 ? undefined : preset, from: undefined, to: undefined })}
            className={cx(
              'h-10 px-3 text-[0.9rem] not-first:border-l not-first:border-line sm:px-4',
              !own && days === preset ? 'bg-accent-soft font-medium text-accent' : 'text-ink-2 hover:bg-sunken',
            )}
          >
            {dayName(preset)}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={own}
          onClick={() => change({ ...ownRange(days, now), days: undefined })}
          className={cx(
            'h-10 border-l border-line px-3 text-[0.9rem] sm:px-4',
            own ? 'bg-accent-soft font-medium text-accent' : 'text-ink-2 hover:bg-sunken',
          )}
        >
          Other…
        </button>
      </div>
      {own && (
        <>
          <input
            type="date"
            aria-label="First day"
            className={filterBox}
            value={search.from}
            max={search.to}
            onChange={({ target: { value } }) => value && change({ from: value, to: value > (search.to ?? '') ? value : search.to })}
          />
          <span className="text-ink-3">to</span>
          <input
            type="date"
            aria-label="Last day"
            className={filterBox}
            value={search.to}
            min={search.from}
            onChange={({ target: { value } }) => value && change({ to: value, from: value < (search.from ?? '') ? value : search.from })}
          />
        </>
      )}
      {(assistants.data?.length ?? 0) > 1 && (
        <select
          className={filterBox}
          aria-label="Assistant"
          value={search.assistantId ?? ''}
          onChange={({ target: { value } }) => change({ assistantId: value || undefined })}
        >
          <option value="">Every assistant</option>
          {assistants.data?.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}
