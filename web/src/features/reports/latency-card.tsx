import type { LatencyReport } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { ChartNoAxesGantt } from 'lucide-react';
import { cx } from '../../lib/classes.ts';
import { latencyOf, plural, stageOfProvider, vendorOf } from '../../lib/format.ts';
import { PACE_LIMITS_MS, paceColor, paceInWords, paceOf } from '../../lib/latency.ts';
import { latencyQuery } from '../../lib/queries.ts';
import { stageInWords, stageTitle } from '../../lib/stages.ts';
import { Latency } from '../../ui/badge.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';
import { Tip } from '../../ui/tip.tsx';

type Group = LatencyReport['groups'][number];
type Stage = Group['stages'][number];
type By = 'business' | 'assistant' | 'provider';

const bys: { value: By; title: string }[] = [
  { value: 'business', title: 'All together' },
  { value: 'assistant', title: 'By assistant' },
  { value: 'provider', title: 'By provider' },
];

export function LatencyCard({ range, by, onBy }: { range: Record<string, string>; by: By; onBy: (by: By) => void }) {
  const report = useQuery(latencyQuery(range, by));
  const groups = report.data?.groups ?? [];
  // One axis for all, so that groups can be compared by eye.
  const end = Math.max(PACE_LIMITS_MS.ok, ...groups.flatMap(({ stages }) => stages.map(({ p99Ms }) => p99Ms)));
  const choice = (
    <div className="flex overflow-hidden rounded-lg border border-line-strong" role="group" aria-label="How turns are put together">
      {bys.map(({ value, title }) => (
        <button
          key={value}
          type="button"
          aria-pressed={by === value}
          onClick={() => onBy(value)}
          className={cx(
            'h-9 px-3 text-[0.8667rem] not-first:border-l not-first:border-line',
            by === value ? 'bg-accent-soft font-medium text-accent' : 'text-ink-2 hover:bg-sunken',
          )}
        >
          {title}
        </button>
      ))}
    </div>
  );
  return (
    <Card data-testid="latency-report">
      <CardTitle
        title="How long callers waited"
        lead="From their last word to the first sound of the answer, and where the time went"
        actions={choice}
      />
      {report.isPending ? (
        <SkeletonRows label="Loading the waits" rows={6} />
      ) : report.isError ? (
        <Failed what="The waits could not be loaded" error={report.error} retry={() => void report.refetch()} />
      ) : groups.length === 0 ? (
        <Empty icon={ChartNoAxesGantt} title="No turn was answered in these days">
          As soon as a caller has been answered, the wait is here.
        </Empty>
      ) : (
        <div className={cx('divide-y divide-line transition-opacity', report.isPlaceholderData && 'opacity-50')}>
          <Legend />
          {groups.map((group) => (
            <GroupTable key={group.key} group={group} by={by} end={end} />
          ))}
        </div>
      )}
    </Card>
  );
}

function Legend() {
  const parts = [
    ['half of the turns waited at most this long', 'h-2.5 w-5 rounded-sm bg-ink-2'],
    ['19 of 20 turns', 'h-2.5 w-5 rounded-sm bg-ink-3/45'],
    ['99 of 100 turns', 'h-3.5 w-0.5 bg-ink-3'],
  ] as const;
  return (
    <ul className="flex flex-wrap gap-x-5 gap-y-1 px-4 py-3 text-[0.8rem] text-ink-2 sm:px-5" aria-hidden>
      {parts.map(([words, look]) => (
        <li key={words} className="inline-flex items-center gap-2">
          <span className={look} /> {words}
        </li>
      ))}
    </ul>
  );
}

/** `language-model/openai` → `OpenAI, thinking`. */
function titleOf({ key, label }: Group, by: By): string {
  if (by === 'assistant') return label || 'No assistant';
  if (by === 'business') return label;
  const stage = key.split('/')[0] as keyof typeof stageOfProvider;
  return `${vendorOf(label)}, ${(stageOfProvider[stage] ?? stage).toLowerCase()}`;
}

const head = 'pb-1.5 text-right text-[0.75rem] font-medium text-ink-3';

/** One group: the whole wait and its stages on one axis, with the figures beside the bars. */
function GroupTable({ group, by, end }: { group: Group; by: By; end: number }) {
  const total = group.stages.find(({ stage }) => stage === 'total');
  const stages = group.stages.filter(({ stage, p99Ms }) => stage !== 'total' && p99Ms >= 0.5);
  return (
    <div className="px-4 py-4 sm:px-5">
      <table className="w-full table-fixed border-collapse">
        <caption className="pb-3 text-left">
          <span className="font-medium">{titleOf(group, by)}</span>{' '}
          <span className="text-[0.8667rem] text-ink-3">{plural(group.turns, 'turn')}</span>
        </caption>
        <thead>
          <tr>
            <th scope="col" className={cx(head, 'w-28 text-left sm:w-40')}>
              Stage
            </th>
            <td className="hidden sm:table-cell" />
            {['P50', 'P95', 'P99'].map((name) => (
              <th key={name} scope="col" className={cx(head, 'w-[4.2rem]')}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {total && <StageRow stage={total} end={end} whole />}
          {stages.map((stage) => (
            <StageRow key={stage.stage} stage={stage} end={end} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function StageRow({ stage, end, whole = false }: { stage: Stage; end: number; whole?: boolean }) {
  const { p50Ms, p95Ms, p99Ms } = stage;
  const name = whole ? 'The whole wait' : (stageTitle[stage.stage as keyof typeof stageTitle] ?? stage.stage);
  const words = whole
    ? `Half of the answers came within ${latencyOf(p50Ms)}. ${paceInWords[paceOf(p50Ms)]}.`
    : (stageInWords[stage.stage as keyof typeof stageInWords] ?? '');
  const color = whole ? paceColor[paceOf(p50Ms)] : `var(--stage-${stage.stage})`;
  const figure = (ms: number) => (whole ? <Latency ms={ms} /> : <span className="num text-ink-2">{latencyOf(ms)}</span>);
  return (
    <tr className={cx(whole && 'font-medium')}>
      <th
        scope="row"
        className={cx('py-1 pr-3 text-left text-[0.8667rem] leading-tight', whole ? 'font-medium' : 'font-normal text-ink-2')}
      >
        <Tip words={words} side="right">
          <span tabIndex={0} className="rounded decoration-line-strong decoration-dotted underline-offset-4 hover:underline">
            {name}
          </span>
        </Tip>
        {/* A phone has no room for a column of bars. */}
        <Bars stage={stage} end={end} color={color} className="mt-1 h-1.5 sm:hidden" />
      </th>
      <td className="hidden py-1 pr-4 sm:table-cell" aria-hidden>
        <Bars stage={stage} end={end} color={color} className={whole ? 'h-5' : 'h-3.5'} />
      </td>
      {[p50Ms, p95Ms, p99Ms].map((ms, n) => (
        <td key={n} className="py-1 text-right text-[0.8667rem] whitespace-nowrap">
          {figure(ms)}
        </td>
      ))}
    </tr>
  );
}

type BarsProps = { stage: Stage; end: number; color: string; className: string };

function Bars({ stage: { p50Ms, p95Ms, p99Ms }, end, color, className }: BarsProps) {
  const at = (ms: number) => `${Math.min(100, (ms / end) * 100)}%`;
  return (
    <span className={cx('relative block', className)} aria-hidden>
      <span className="absolute inset-y-0 left-0 rounded-r-[3px] opacity-35" style={{ width: at(p95Ms), background: color }} />
      <span className="absolute inset-y-0 left-0 rounded-r-[3px]" style={{ width: at(p50Ms), background: color, minWidth: 2 }} />
      <span className="absolute inset-y-0 w-0.5" style={{ left: `calc(${at(p99Ms)} - 2px)`, background: color }} />
    </span>
  );
}
