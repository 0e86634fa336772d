import type { Business } from '@tandem/contract';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { useSaving } from '../../lib/saving.ts';
import { TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/states.tsx';
import { BusinessCard } from './business-card.tsx';
import { SaveButton } from './save-button.tsx';

/** What the business may spend in a day. */
export function Spending() {
  return (
    <BusinessCard title="Spending" lead="A ceiling for a bad day, so that no bill is a surprise">
      {(business) => <Ceiling key={business.id} business={business} />}
    </BusinessCard>
  );
}

function Ceiling({ business }: { business: Business }) {
  const [typed, setTyped] = useState(business.dailyCostCeiling === null ? '' : `${business.dailyCostCeiling}`);
  const saving = useSaving(
    (dailyCostCeiling: number | null) => api.patch<Business>(`/businesses/${encodeURIComponent(business.id)}`, { dailyCostCeiling }),
    ['session'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(typed.trim() === '' ? null : Number(typed));
  };
  return (
    <form onSubmit={submit} className="flex flex-wrap items-end gap-3 px-4 py-4 sm:px-5" noValidate>
      <TextField
        label="Most a day may cost, in US dollars"
        type="number"
        min={0.01}
        max={100_000}
        step={0.01}
        inputMode="decimal"
        placeholder="No ceiling"
        className="basis-72"
        value={typed}
        fault={saving.fields['dailyCostCeiling']}
        onChange={({ target: { value } }) => {
          saving.reset();
          setTyped(value);
        }}
      />
      <SaveButton busy={saving.isPending} saved={saving.isSuccess} />
      <p className="basis-full text-[0.8rem] text-ink-3">
        When it is reached, calls in progress end with an apology and new ones hear it at once. The day begins at midnight in{' '}
        {business.timeZone}. What was spent is under Reports.
      </p>
      {saving.fault && <Notice className="basis-full">{saving.fault}</Notice>}
    </form>
  );
}
