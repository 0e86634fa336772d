import { type CallTurn, type WaterfallPart, waterfallStages } from '@tandem/contract';
import { cx } from '../../lib/classes.ts';
import { latencyOf } from '../../lib/format.ts';
import { PACE_LIMITS_MS, paceInWords, paceOf } from '../../lib/latency.ts';
import { stageInWords, stageTitle } from '../../lib/stages.ts';
import { Latency } from '../../ui/badge.tsx';
import { Tip } from '../../ui/tip.tsx';
import { axisEndMs, type Stretch, type WaterfallRow, waterfallRow } from './waterfall-rows.ts';
import type { Fault } from './faults.ts';
import { FaultSign } from './findings-card.tsx';
import { WaterfallTable } from './waterfall-table.tsx';

const limits = [PACE_LIMITS_MS.good, PACE_LIMITS_MS.ok, PACE_LIMITS_MS.slow];

type WaterfallProps = {
  turns: readonly CallTurn[];
  /** By turn: whose wait was too long, and the stage at fault. */
  faults: ReadonlyMap<number, Fault>;
  onPick: ((turn: number) => void) | undefined;
};

/** A row per turn: what the caller waited for, stage by stage, on one common axis; the same as a table below. */
export function Waterfall({ turns, faults, onPick }: WaterfallProps) {
  const rows = turns.map(waterfallRow).filter(({ totalMs, parts }) => totalMs !== undefined || parts.length > 0);
  const end = axisEndMs(rows);
  const textOf = new Map(turns.map((turn) => [turn.turn, turn]));
  if (rows.length === 0) return <p className="px-5 py-10 text-center text-ink-3">No turn was answered in this call.</p>;
  return (
    <div className="px-4 py-4 sm:px-5" data-testid="waterfall">
      <Legend rows={rows} faulty={rows.some(({ turn }) => faults.get(turn)?.stage !== undefined)} />
      <ol className="relative">
        <Axis end={end} />
        {rows.map((row) => (
          <Row key={row.turn} row={row} end={end} turn={textOf.get(row.turn)} fault={faults.get(row.turn)} onPick={onPick} />
        ))}
      </ol>
      <WaterfallTable rows={rows} turns={turns} />
    </div>
  );
}

/** Only the stages that are drawn. */
function Legend({ rows, faulty }: { rows: readonly WaterfallRow[]; faulty: boolean }) {
  const drawn = new Set(rows.flatMap(({ parts }) => parts.map(({ stage }) => stage)));
  return (
    <ul className="mb-4 flex flex-wrap gap-x-4 gap-y-1.5 text-[0.8rem] text-ink-2" aria-label="Stages">
      {waterfallStages
        .filter((stage) => drawn.has(stage))
        .map((stage) => (
          <li key={stage} className="inline-flex items-center gap-1.5">
            <span className="size-2.5 rounded-sm" style={{ background: `var(--stage-${stage})` }} aria-hidden />
            {stageTitle[stage]}
          </li>
        ))}
      {rows.some(({ ahead }) => ahead) && (
        <li className="inline-flex items-center gap-1.5">
          <span className="h-1.5 w-4 rounded-sm striped text-assistant" aria-hidden /> Answer prepared ahead
        </li>
      )}
      {faulty && (
        <li className="inline-flex items-center gap-1.5">
          <span className="h-2.5 w-4 rounded-sm bg-sunken outline-2 outline-bad" aria-hidden /> <FaultSign /> At fault
        </li>
      )}
      {rows.some(({ bridged }) => bridged) && (
        <li className="inline-flex items-center gap-1.5">
          <span className="h-1.5 w-4 rounded-sm striped text-(--stage-filler)" aria-hidden /> Bridged by a filler
        </li>
      )}
    </ul>
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

type RowProps = {
  row: WaterfallRow;
  end: number;
  turn: CallTurn | undefined;
  fault: Fault | undefined;
  onPick: WaterfallProps['onPick'];
};

function Row({ row, end, turn, fault, onPick }: RowProps) {
  const said = row.turn === 0 ? 'Greeting' : turn?.callerText || 'The assistant spoke first';
  return (
    <li className="relative last:mb-6">
      <Tip words={<Explanation row={row} fault={fault} />}>
        <button
          type="button"
          onClick={() => onPick?.(row.turn)}
          aria-label={`Turn ${row.turn}: ${said}. ${sentenceOf(row)}${fault ? ` At fault: ${fault.cause.sentence}` : ''}`}
          className={cx(grid, 'w-full items-center rounded-md py-1.5 text-left hover:bg-sunken/60')}
        >
          <span className="col-span-2 truncate text-[0.8667rem] text-ink-2 md:col-span-1">
            <span className="num mr-2 inline-block w-4 text-ink-3">{row.turn}</span>
            {row.turn === 0 ? said : `“${said}”`}
          </span>
          <span className="relative block h-6">
            {row.parts.map((part) => (
              <Bar key={part.stage} part={part} end={end} faulty={part.stage === fault?.stage} />
            ))}
            {row.ahead && <Striped stretch={row.ahead} end={end} className="bottom-0 h-1.5 text-assistant" />}
            {row.bridged && <Striped stretch={row.bridged} end={end} className="top-1.5 h-2 text-(--stage-filler)" />}
          </span>
          <span className="text-right text-[0.8667rem] whitespace-nowrap">
            {fault && <FaultSign className="mr-1 -translate-y-px" />}
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

/** The stage at fault has a frame and a sign, so that it is told without colours too. */
function Bar({ part: { stage, fromMs, toMs }, end, faulty }: { part: WaterfallPart; end: number; faulty: boolean }) {
  return (
    <span
      data-fault={faulty || undefined}
      className={cx(
        'absolute top-0 grid h-4 place-items-center first:rounded-l-[4px]',
        faulty && 'z-10 rounded-[2px] outline-2 outline-offset-1 outline-bad',
      )}
      style={{
        left: `${(fromMs / end) * 100}%`,
        width: `max(2px, calc(${((toMs - fromMs) / end) * 100}% - 1px))`,
        background: `var(--stage-${stage})`,
      }}
    >
      {faulty && (
        <span className="grid size-3.5 place-items-center rounded-full bg-surface">
          <FaultSign className="size-2.5" />
        </span>
      )}
    </span>
  );
}

function Striped({ stretch: { fromMs, toMs }, end, className }: { stretch: Stretch; end: number; className: string }) {
  return (
    <span
      className={cx('absolute rounded-[2px] striped', className)}
      style={{ left: `${(fromMs / end) * 100}%`, width: `max(4px, ${((toMs - fromMs) / end) * 100}%)` }}
    />
  );
}

const lengthOf = ({ fromMs, toMs }: Stretch): string => latencyOf(toMs - fromMs);

const aheadInWords = (ahead: Stretch) => `The answer was begun ${latencyOf(ahead.fromMs)} into the wait, before the turn was surely over.`;
const bridgedInWords = (bridged: Stretch) => `A filler was heard first; the answer itself came after ${latencyOf(bridged.toMs)}.`;

const sentenceOf = ({ kind, totalMs, parts, ahead, bridged }: WaterfallRow): string => {
  const stages = parts.map((part) => `${stageTitle[part.stage]} ${lengthOf(part)}`).join(', ');
  const asides = [...(ahead ? [aheadInWords(ahead)] : []), ...(bridged ? [bridgedInWords(bridged)] : [])]
    .map((each) => ` ${each}`)
    .join('');
  if (totalMs === undefined) return `No sound followed. ${stages}`;
  return kind === 'answer'
    ? `Answered after ${latencyOf(totalMs)}: ${paceInWords[paceOf(totalMs)]}. ${stages}.${asides}`
    : `Ready after ${latencyOf(totalMs)}. ${stages}.${asides}`;
};

function Explanation({ row: { kind, totalMs, parts, ahead, bridged }, fault }: { row: WaterfallRow; fault: Fault | undefined }) {
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
      {fault && <p className="mb-1.5 border-l-2 pl-2">{fault.cause.sentence}</p>}
      <ul className="space-y-0.5">
        {parts.map((part) => (
          <li key={part.stage} className="flex gap-2">
            <span className="mt-1.5 size-2 shrink-0 rounded-[2px]" style={{ background: `var(--stage-${part.stage})` }} />
            <span>
              <span className="num font-medium">{lengthOf(part)}</span> {stageInWords[part.stage]}
            </span>
          </li>
        ))}
      </ul>
      {ahead && <p className="mt-1.5">{aheadInWords(ahead)}</p>}
      {bridged && <p className="mt-1.5">{bridgedInWords(bridged)}</p>}
    </div>
  );
}
