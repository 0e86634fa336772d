import { type CallTurn, waterfallStages } from '@tandem/contract';
import { cx } from '../../lib/classes.ts';
import { costOf, latencyOf } from '../../lib/format.ts';
import { stageTitle } from '../../lib/stages.ts';
import type { WaterfallRow } from './waterfall-rows.ts';

const costOfTurn = (turn: CallTurn | undefined): number => (turn?.usage ?? []).reduce((sum, { costMicros }) => sum + costMicros, 0);

/** The waterfall in figures, for those who cannot see it or want to copy it, with what each turn cost. */
export function WaterfallTable({ rows, turns }: { rows: readonly WaterfallRow[]; turns: readonly CallTurn[] }) {
  const stages = waterfallStages.filter((stage) => rows.some(({ parts }) => parts.some((part) => part.stage === stage)));
  const byTurn = new Map(turns.map((turn) => [turn.turn, turn]));
  const cell = 'px-2 py-1.5 text-right whitespace-nowrap first:pl-0 last:pr-0';
  return (
    <details className="text-[0.8667rem]">
      <summary className="w-fit rounded text-ink-2 underline-offset-4 hover:underline">As a table, with costs</summary>
      <div className="mt-2 overflow-x-auto">
        <table className="w-full border-collapse">
          <caption className="sr-only">The wait of each turn, stage by stage, and what the turn cost</caption>
          <thead className="text-[0.8rem] text-ink-3">
            <tr>
              {['Turn', ...stages.map((stage) => stageTitle[stage]), 'Wait', 'Cost'].map((title) => (
                <th key={title} scope="col" className={cx(cell, 'font-medium first:text-left')}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody className="num divide-y divide-line">
            {rows.map(({ turn, parts, totalMs }) => (
              <tr key={turn}>
                <th scope="row" className={cx(cell, 'text-left font-normal')}>
                  {turn === 0 ? 'Greeting' : turn}
                </th>
                {stages.map((stage) => {
                  const part = parts.find((each) => each.stage === stage);
                  return (
                    <td key={stage} className={cell}>
                      {part ? latencyOf(part.toMs - part.fromMs) : <span className="text-ink-3">–</span>}
                    </td>
                  );
                })}
                <td className={cx(cell, 'font-medium')}>{totalMs === undefined ? 'no sound' : latencyOf(totalMs)}</td>
                <td className={cell}>{costOf(costOfTurn(byTurn.get(turn)))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
