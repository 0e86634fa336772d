import type { CallTurn } from '@tandem/contract';
import { cx } from '../../lib/classes.ts';
import { latencyOf } from '../../lib/format.ts';
import { PACE_LIMITS_MS, paceInWords, paceOf } from '../../lib/latency.ts';
import { Latency } from '../../ui/badge.tsx';
import { Tip } from '../../ui/tip.tsx';
import {
  axisEndMs,
  type Segment,
  stageInWords,
  type StageName,
  stageTitle,
  type WaterfallRow,
  waterfallRow,
} from './waterfall-segments.ts';

const stages = Object.keys(stageTitle) as StageName[];
const limits = [PACE_LIMITS_MS.good, PACE_LIMITS_MS.ok, PACE_LIMITS_MS.slow];

type WaterfallProps = { turns: readonly CallTurn[]; onPick: ((turn: number) => void) | undefined };

/** A row per turn: what the caller waited for, stage by stage, on one common axis. */
export function Waterfall({ turns, onPick }: WaterfallProps) {
  const rows = turns.map(waterfallRow).filter(({ totalMs, segments }) => totalMs !== undefined || segments.length > 0);
  const end = axisEndMs(rows);
  const textOf = new Map(turns.map((turn) => [turn.turn, turn]));
  if (rows.length === 0) return <p className="px-5 py-10 text-center text-ink-3">No turn was answered in this call.</p>;
  return (
    <div className="px-4 py-4 sm:px-5" data-testid="waterfall">
      <ul className="mb-4 flex flex-wrap gap-x-4 gap-y-1.5 text-[0.8rem] text-ink-2" aria-label="Stages">
        {stages.map((stage) => (
          <li key={stage} className="inline-flex items-center gap-1.5">
            <span className="size-2.5 rounded-sm" style={{ background: `var(--stage-${stage})` }} aria-hidden />
            {stageTitle[stage]}
          </li>
        ))}
      </ul>
      <ol className="relative">
        <Axis end={end} />
        {rows.map((row) => (
          <Row key={row.turn} row={row} end={end} turn={textOf.get(row.turn)} onPick={onPick} />
        ))}
      </ol>
    </div>
  );
}

const grid = 'grid grid-cols-[minmax(0,1fr)_4rem] gap-x-4 md:grid-cols-[13rem_minmax(0,1fr)_4rem] xl:grid-cols-[20rem_minmax(0,1fr)_4rem]';

function Axis({ end }: { end: number }) {
  return (
    <li className={cx(grid, 'pointer-events-none absolute inset-0')} aria-hidden>
      <span className="hidden md:block" />
      <span className="relative">
        {limits
          .filter((limit) => limit < end)
          .map((limit) => (
            <span
              key={limit}
              className="absolute inset-y-0 border-l border-dashed border-line-strong"
              style={{ left: `${(limit / end) * 100}%` }}
            >
              <span
                className={cx(
                  'num absolute -bottom-1 left-0 -translate-x-1/2 translate-y-full text-[0.7rem] whitespace-nowrap text-ink-3',
                  // Between its neighbours there is no room for it on a phone.
                  limit === PACE_LIMITS_MS.ok && 'hidden md:block',
                )}
              >
                {latencyOf(limit)}
              </span>
            </span>
          ))}
      </span>
    </li>
  );
}

function Row({ row, end, turn, onPick }: { row: WaterfallRow; end: number; turn: CallTurn | undefined; onPick: WaterfallProps['onPick'] }) {
  const said = row.turn === 0 ? 'Greeting' : turn?.callerText || 'The assistant spoke first';
  return (
    <li className="relative last:mb-6">
      <Tip words={<Explanation row={row} />}>
        <button
          type="button"
          onClick={() => onPick?.(row.turn)}
          aria-label={`Turn ${row.turn}: ${said}. ${sentenceOf(row)}`}
          className={cx(grid, 'w-full items-center rounded-md py-1.5 text-left hover:bg-sunken/60')}
        >
          <span className="col-span-2 truncate text-[0.8667rem] text-ink-2 md:col-span-1">
            <span className="num mr-2 inline-block w-4 text-ink-3">{row.turn}</span>
            {row.turn === 0 ? said : `“${said}”`}
          </span>
          <span className="relative h-5">
            {row.segments.map((segment) => (
              <Bar key={segment.stage} segment={segment} end={end} />
            ))}
          </span>
          <span className="text-right text-[0.8667rem]">
            {row.totalMs === undefined ? (
              <span className="text-ink-3">no sound</span>
            ) : row.kind === 'answer' ? (
              <Latency ms={row.totalMs} />
            ) : (
              <span className="num text-ink-3">{latencyOf(row.totalMs)}</span>
            )}
          </span>
        </button>
      </Tip>
    </li>
  );
}

function Bar({ segment: { stage, fromMs, toMs }, end }: { segment: Segment; end: number }) {
  return (
    <span
      className="absolute inset-y-0 first:rounded-l-[4px] last:rounded-r-[4px]"
      style={{
        left: `${(fromMs / end) * 100}%`,
        width: `max(2px, calc(${((toMs - fromMs) / end) * 100}% - 1px))`,
        background: `var(--stage-${stage})`,
      }}
    />
  );
}

const sentenceOf = ({ kind, totalMs, segments }: WaterfallRow): string => {
  const parts = segments.map(({ stage, fromMs, toMs }) => `${stageTitle[stage]} ${latencyOf(toMs - fromMs)}`).join(', ');
  if (totalMs === undefined) return `No sound followed. ${parts}`;
  return kind === 'answer'
    ? `Answered after ${latencyOf(totalMs)}: ${paceInWords[paceOf(totalMs)]}. ${parts}`
    : `Ready after ${latencyOf(totalMs)}. ${parts}`;
};

function Explanation({ row: { kind, totalMs, segments } }: { row: WaterfallRow }) {
  return (
    <div>
      <p className="mb-1.5 font-medium">
        {totalMs === undefined
          ? 'No sound followed this turn.'
          : kind === 'answer'
            ? `${latencyOf(totalMs)} from the caller’s last word to the first sound. ${paceInWords[paceOf(totalMs)]}.`
            : kind === 'typed'
              ? `${latencyOf(totalMs)} from the typed words to the first sound.`
              : `Nobody waited for this; it was ready after ${latencyOf(totalMs)}.`}
      </p>
      <ul className="space-y-0.5">
        {segments.map(({ stage, fromMs, toMs }) => (
          <li key={stage} className="flex gap-2">
            <span className="mt-1.5 size-2 shrink-0 rounded-[2px]" style={{ background: `var(--stage-${stage})` }} />
            <span>
              <span className="num font-medium">{latencyOf(toMs - fromMs)}</span> {stageInWords[stage]}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
