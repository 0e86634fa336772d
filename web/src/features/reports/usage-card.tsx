import type { UsageLine, UsageReport } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Coins } from 'lucide-react';
import { cx } from '../../lib/classes.ts';
import { costOf, plural, quantityOf, stageOfProvider, vendorOf } from '../../lib/format.ts';
import { usageQuery } from '../../lib/queries.ts';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';
import { CostChart } from './cost-chart.tsx';
import { daysOf } from './range.ts';

export function UsageCard({ range }: { range: Record<string, string> }) {
  const usage = useQuery(usageQuery(range));
  return (
    <Card data-testid="usage-report">
      <CardTitle title="Use and cost" lead="By the price list of this installation; your providers’ bills may differ" />
      {usage.isPending ? (
        <SkeletonRows label="Loading the costs" rows={5} />
      ) : usage.isError ? (
        <Failed what="The costs could not be loaded" error={usage.error} retry={() => void usage.refetch()} />
      ) : usage.data.calls === 0 ? (
        <Empty icon={Coins} title="No call in these days">
          What each call used is counted while it goes on.
        </Empty>
      ) : (
        <div className={cx('transition-opacity', usage.isPlaceholderData && 'opacity-50')}>
          <Totals usage={usage.data} />
          {usage.data.totalCostMicros > 0 ? (
            <CostChart days={daysOf(range['from'] ?? '', range['to'] ?? '')} counted={usage.data.days} />
          ) : (
            <p className="px-4 pt-3 pb-5 text-[0.9rem] text-ink-2 sm:px-5">
              Nothing that was used has a price: what runs on this machine costs nothing extra.
            </p>
          )}
          <Providers lines={usage.data.lines} />
        </div>
      )}
    </Card>
  );
}

function Totals({ usage: { totalCostMicros, embeddingCostMicros = 0, calls } }: { usage: UsageReport }) {
  const facts = [
    ['Cost', costOf(totalCostMicros)],
    ['Calls', plural(calls, 'call')],
    ['Cost of a call', costOf((totalCostMicros - embeddingCostMicros) / calls)],
  ];
  return (
    <dl className="flex flex-wrap gap-x-10 gap-y-3 px-4 pt-4 sm:px-5">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt className="text-[0.8rem] text-ink-3">{name}</dt>
          <dd className="num mt-0.5 text-xl font-semibold tracking-tight">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

type Share = { key: string; title: string; costMicros: number; lines: UsageLine[] };

function sharesOf(lines: readonly UsageLine[]): Share[] {
  const shares = new Map<string, Share>();
  for (const line of lines) {
    const key = `${line.stage}/${line.provider}`;
    const share = shares.get(key) ?? { key, title: vendorOf(line.provider), costMicros: 0, lines: [] };
    share.costMicros += line.costMicros;
    share.lines.push(line);
    shares.set(key, share);
  }
  return [...shares.values()].sort((a, b) => b.costMicros - a.costMicros);
}

function Providers({ lines }: { lines: readonly UsageLine[] }) {
  const shares = sharesOf(lines);
  const most = Math.max(1, ...shares.map(({ costMicros }) => costMicros));
  if (shares.length === 0) return null;
  return (
    <div className="overflow-x-auto border-t border-line px-4 py-4 sm:px-5">
      <table className="w-full">
        <caption className="pb-2 text-left font-medium">By provider</caption>
        <thead className="sr-only">
          <tr>
            <th scope="col">Provider</th>
            <th scope="col">Used</th>
            <th scope="col">Cost</th>
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {shares.map(({ key, title, costMicros, lines: used }) => (
            <tr key={key}>
              <th scope="row" className="py-2.5 pr-4 text-left align-top font-normal">
                <span className="block font-medium">{title}</span>
                <span className="block text-[0.8rem] text-ink-3">{used[0] && stageOfProvider[used[0].stage]}</span>
              </th>
              <td className="py-2.5 pr-4 align-top text-[0.8667rem] text-ink-2">
                <ul>
                  {used.map((line) => (
                    <li key={`${line.model}/${line.unit}`}>
                      {quantityOf(line)} {line.model && <span className="text-ink-3">({line.model})</span>}
                    </li>
                  ))}
                </ul>
              </td>
              <td className="w-24 py-2.5 text-right align-top sm:w-48">
                <span className="num">{costMicros === 0 ? <span className="text-ink-3">no price</span> : costOf(costMicros)}</span>
                <span className="mt-1.5 block h-1.5 rounded-full bg-sunken" aria-hidden>
                  <span className="ml-auto block h-full rounded-full bg-accent" style={{ width: `${(costMicros / most) * 100}%` }} />
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
