import type { CallTurn, UsageLine } from '@tandem/contract';
import { costOf, quantityOf, stageOfProvider, vendorOf } from '../../lib/format.ts';
import { Card, CardTitle } from '../../ui/page.tsx';

/** The lines of all turns, those of one model and unit added up; the dearest first. */
export function sumUsage(turns: readonly Pick<CallTurn, 'usage'>[]): UsageLine[] {
  const sums = new Map<string, UsageLine>();
  for (const line of turns.flatMap(({ usage }) => usage)) {
    const key = [line.stage, line.provider, line.model, line.unit].join('/');
    const known = sums.get(key);
    sums.set(
      key,
      known ? { ...known, quantity: known.quantity + line.quantity, costMicros: known.costMicros + line.costMicros } : { ...line },
    );
  }
  return [...sums.values()].sort((a, b) => b.costMicros - a.costMicros || a.stage.localeCompare(b.stage));
}

/** What the call used, and what that costs. Nothing is shown of a call that used nothing. */
export function CostCard({ turns, costMicros }: { turns: readonly CallTurn[]; costMicros: number | null }) {
  const lines = sumUsage(turns);
  if (lines.length === 0) return null;
  return (
    <Card data-testid="cost">
      <CardTitle
        title="What it cost"
        lead="By the price list of this installation; each turn’s share is in the table of waits"
        actions={
          <span className="num text-lg font-semibold">{costOf(costMicros ?? lines.reduce((sum, line) => sum + line.costMicros, 0))}</span>
        }
      />
      <div className="overflow-x-auto px-4 py-2 sm:px-5">
        <table className="w-full text-[0.9rem]">
          <caption className="sr-only">What each provider was used for in this call</caption>
          <tbody className="divide-y divide-line">
            {lines.map((line) => (
              <tr key={`${line.stage}/${line.provider}/${line.model}/${line.unit}`}>
                <th scope="row" className="py-2 pr-4 text-left font-normal">
                  {stageOfProvider[line.stage]}, {vendorOf(line.provider)}
                  {line.model && <span className="block text-[0.8rem] text-ink-3 sm:ml-2 sm:inline">{line.model}</span>}
                </th>
                <td className="num py-2 pr-4 text-ink-2">{quantityOf(line)}</td>
                <td className="num py-2 text-right">
                  {line.costMicros === 0 ? <span className="text-ink-3">no price</span> : costOf(line.costMicros)}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
