import type { Business } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Check } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { sessionQuery } from '../../app/session.ts';
import { api } from '../../lib/api.ts';
import { useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { TextField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Notice, SkeletonRows } from '../../ui/states.tsx';

type Bounds = Pick<Business, 'maxCalls' | 'overflowNumber'>;

/** How many calls the business takes at once, and who takes the next one. */
export function Capacity() {
  const session = useQuery(sessionQuery);
  const business = session.data?.business;
  return (
    <Card>
      <CardTitle title="Calls at once" lead="What happens to the call after the last one you want" />
      {session.isPending ? (
        <SkeletonRows label="Loading the business" rows={1} />
      ) : business ? (
        <BoundsForm key={business.id} business={business} />
      ) : (
        <p className="px-4 py-4 text-ink-3 sm:px-5">There is no business yet.</p>
      )}
    </Card>
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
      <Button type="submit" busy={saving.isPending}>
        Save
      </Button>
      <span role="status" className="inline-flex h-10 items-center gap-1.5 text-[0.9rem] text-good">
        {saving.isSuccess && (
          <>
            <Check className="size-4" aria-hidden /> Saved
          </>
        )}
      </span>
      <p className="basis-full text-[0.8rem] text-ink-3">
        A phone number such as +15550123, or a SIP address. It also takes calls that this machine has no room for. Calls in progress are
        never touched.
      </p>
      {saving.fault && <Notice className="basis-full">{saving.fault}</Notice>}
    </form>
  );
}
