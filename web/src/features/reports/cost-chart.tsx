import type { UsageReport } from '@tandem/contract';
import { costOf, plural } from '../../lib/format.ts';
import { Tip } from '../../ui/tip.tsx';

type CostChartProps = { days: readonly string[]; counted: UsageReport['days'] };

const dayFormat = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const weekdayFormat = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long', timeZone: 'UTC' });
const dateOf = (day: string) => new Date(`${day}T00:00:00Z`);

/** A friendly number at or above the highest column. */
function topOf(micros: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(10_000, micros)));
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= micros) ?? 10) * power;
}

/** A column for each day, and the same as a table for those who want the figures. */
export function CostChart({ days, counted }: CostChartProps) {
  const known = new Map(counted.map((day) => [day.day, day]));
  // The server counts by the business's own midnight: a day of another time zone is shown, too.
  const shown = [...new Set([...days, ...known.keys()])].sort();
  const columns = shown.map((day) => known.get(day) ?? { day, calls: 0, costMicros: 0 });
  const top = topOf(Math.max(0, ...columns.map(({ costMicros }) => costMicros)));
  const every = Math.ceil(columns.length / 8);
  return (
    <figure className="px-4 pt-6 pb-4 sm:px-5">
      <figcaption className="sr-only">Cost of each day. The same figures follow as a table.</figcaption>
      <div className="relative h-44 border-b border-line-strong">
        {[1, 0.5].map((share) => (
          <span
            key={share}
            className="absolute inset-x-0 border-t border-dashed border-line"
            style={{ bottom: `${share * 100}%` }}
            aria-hidden
          >
            <span className="num absolute -top-4.5 left-0 text-[0.7rem] text-ink-3">{costOf(top * share)}</span>
          </span>
        ))}
        <div className="absolute inset-0 flex items-end gap-[2px] sm:gap-1">
          {columns.map(({ day, calls, costMicros }) => (
            <Tip key={day} words={`${weekdayFormat.format(dateOf(day))}: ${costOf(costMicros)} for ${plural(calls, 'call')}`}>
              <span className="group flex h-full min-w-0 flex-1 items-end justify-center" aria-hidden>
                <span
                  className="block w-full max-w-12 rounded-t-[3px] bg-accent/80 group-hover:bg-accent"
                  style={{ height: `${(costMicros / top) * 100}%`, minHeight: calls > 0 ? 2 : 0 }}
                />
              </span>
            </Tip>
          ))}
        </div>
      </div>
      <div className="mt-1 flex gap-[2px] sm:gap-1" aria-hidden>
        {columns.map(({ day }, n) => (
          <span key={day} className="num min-w-0 flex-1 overflow-visible text-center text-[0.7rem] whitespace-nowrap text-ink-3">
            {n % every === 0 ? dayFormat.format(dateOf(day)) : ''}
          </span>
        ))}
      </div>
      <details className="mt-3 text-[0.8667rem]">
        <summary className="w-fit rounded text-ink-2 underline-offset-4 hover:underline">As a table</summary>
        <table className="mt-2 w-full max-w-md">
          <thead>
            <tr className="text-[0.8rem] text-ink-3">
              <th scope="col" className="py-1 text-left font-medium">
                Day
              </th>
              <th scope="col" className="py-1 text-right font-medium">
                Calls
              </th>
              <th scope="col" className="py-1 text-right font-medium">
                Cost
              </th>
            </tr>
          </thead>
          <tbody className="num divide-y divide-line">
            {columns.map(({ day, calls, costMicros }) => (
              <tr key={day}>
                <th scope="row" className="py-1 text-left font-normal">
                  {weekdayFormat.format(dateOf(day))}
                </th>
                <td className="py-1 text-right">{calls}</td>
                <td className="py-1 text-right">{costOf(costMicros)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}
