import type { Business } from '@tandem/contract';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { useSaving } from '../../lib/saving.ts';
import { TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/states.tsx';
import { BusinessCard } from './business-card.tsx';
import { SaveButton } from './save-button.tsx';

type Bounds = Pick<Business, 'maxCalls' | 'overflowNumber'>;

/** How many calls the business takes at once, and who takes the next one. */
export function Capacity() {
  return (
    <BusinessCard title="Calls at once" lead="What happens to the call after the last one you want">
      {(business) => <BoundsForm key={business.id} business={business} />}
    </BusinessCard>
  );
}

function BoundsForm({ business }: { business: Business }) {
  const [most, setMost] = useState(business.maxCalls === null ? '' : `${business.maxCalls}`);
  const [overflow, setOverflow] = useState(business.overflowNumber ?? '');
  const saving = useSaving((bounds: Bounds) => api.patch<Business>(`/businesses/${encodeURIComponent(business.id)}`, bounds), ['session']);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate({ maxCalls: most.trim() === '' ? null : Number(most), overflowNumber: overflow.trim() || null });
  };
  const change = (set: (value: string) => void) => (value: string) => {
    saving.reset();
    set(value);
  };
  return (
    <form onSubmit={submit} className="flex flex-wrap items-end gap-3 px-4 py-4 sm:px-5" noValidate>
      <TextField
        label="Most calls at once"
        type="number"
        min={1}
        max={100_000}
        step={1}
        inputMode="numeric"
        placeholder="No limit"
        className="basis-44"
        value={most}
        fault={saving.fields['maxCalls']}
        onChange={({ target: { value } }) => change(setMost)(value)}
      />
      <TextField
        label="Send further calls to"
        placeholder="Nobody: callers hear busy"
        inputMode="tel"
        className="basis-72"
        value={overflow}
        fault={saving.fields['overflowNumber']}
        onChange={({ target: { value } }) => change(setOverflow)(value)}
      />
      <SaveButton busy={saving.isPending} saved={saving.isSuccess} />
      <p className="basis-full text-[0.8rem] text-ink-3">
        A phone number such as +15550123, or a SIP address. It also takes calls that this machine has no room for. Calls in progress are
        never touched.
      </p>
      {saving.fault && <Notice className="basis-full">{saving.fault}</Notice>}
    </form>
  );
}
