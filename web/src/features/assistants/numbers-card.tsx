import type { PhoneNumber } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { numberOf } from '../../lib/format.ts';
import { numbersQuery } from '../../lib/queries.ts';
import { useRefresh, useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { TextField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Failed, Notice, SkeletonRows } from '../../ui/states.tsx';

/** A telephone number may be typed with spaces, brackets and hyphens; a SIP user stays as it is. */
const addressOf = (typed: string): string => (/^\s*\+/.test(typed) ? typed.replace(/[\s().-]/g, '') : typed.trim());

/** The numbers that ring at one assistant. */
export function NumbersCard({ assistantId }: { assistantId: string }) {
  const numbers = useQuery(numbersQuery);
  const mine = numbers.data?.filter((number) => number.assistantId === assistantId) ?? [];
  return (
    <Card>
      <CardTitle title="Numbers" lead="Calls to these ring here." />
      {numbers.isPending ? (
        <SkeletonRows label="Loading numbers" rows={2} />
      ) : numbers.isError ? (
        <Failed what="The numbers could not be loaded" error={numbers.error} retry={() => void numbers.refetch()} />
      ) : (
        <ul className="divide-y divide-line">
          {mine.map((number) => (
            <NumberRow key={number.id} number={number} />
          ))}
          {mine.length === 0 && <li className="px-5 py-4 text-ink-3">None yet.</li>}
        </ul>
      )}
      <AddNumber assistantId={assistantId} />
    </Card>
  );
}

function NumberRow({ number }: { number: PhoneNumber }) {
  const refresh = useRefresh();
  const remove = async () => {
    await api.delete(`/numbers/${encodeURIComponent(number.id)}`);
    await refresh('numbers');
  };
  return (
    <li className="flex items-center justify-between gap-3 py-2.5 pr-2.5 pl-4 sm:pl-5">
      <div className="min-w-0">
        <p className="num truncate font-medium">{numberOf(number.address)}</p>
        {number.label && <p className="truncate text-[0.8rem] text-ink-3">{number.label}</p>}
      </div>
      <Confirm
        title={`Take ${numberOf(number.address)} away?`}
        confirm="Take away"
        act={remove}
        trigger={
          <Button look="quiet" size="smallIcon" aria-label={`Take ${number.address} away`}>
            <Trash2 aria-hidden />
          </Button>
        }
      >
        Calls to it will hear that no assistant answers.
      </Confirm>
    </li>
  );
}

function AddNumber({ assistantId }: { assistantId: string }) {
  const [address, setAddress] = useState('');
  const [label, setLabel] = useState('');
  const saving = useSaving(
    (input: { address: string; label: string }) => api.post<PhoneNumber>('/numbers', { ...input, assistantId }),
    ['numbers'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(
      { address: addressOf(address), label: label.trim() },
      {
        onSuccess: () => {
          setAddress('');
          setLabel('');
        },
      },
    );
  };
  return (
    <form onSubmit={submit} className="grid gap-3 border-t border-line px-4 py-4 sm:px-5" noValidate>
      <TextField
        label="Add a number"
        placeholder="+15550123 or front-desk"
        value={address}
        spellCheck={false}
        fault={saving.fields['address']}
        hint="With the country code, or the user part of a SIP address"
        onChange={({ target: { value } }) => (saving.reset(), setAddress(value))}
      />
      <TextField
        label="Label"
        placeholder="Main line"
        maxLength={120}
        value={label}
        fault={saving.fields['label']}
        onChange={({ target: { value } }) => setLabel(value)}
      />
      {saving.fault && <Notice>{saving.fault}</Notice>}
      <Button type="submit" busy={saving.isPending} disabled={!address.trim()} className="justify-self-start">
        Add
      </Button>
    </form>
  );
}
