import { Page } from '../../ui/page.tsx';
import { Health } from './health.tsx';
import { Capacity } from './capacity.tsx';
import { Spending } from './spending.tsx';
import { Trunks } from './trunks.tsx';

export function SettingsPage() {
  return (
    <Page title="Settings" lead="How calls reach Tandem, what they may cost, and how it is doing." narrow>
      <div className="grid gap-5">
        <Health />
        <Spending />
        <Capacity />
        <Trunks />
      </div>
    </Page>
  );
}
