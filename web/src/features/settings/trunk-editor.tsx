import type { Trunk } from '@tandem/contract';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { Sheet } from '../../ui/dialog.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/states.tsx';

type Draft = {
  name: string;
  sources: string;
  username: string;
  password: string;
  registrar: string;
  registerUser: string;
  registerPassword: string;
  outboundProxy: string;
};
const blank: Draft = {
  name: '',
  sources: '',
  username: '',
  password: '',
  registrar: '',
  registerUser: '',
  registerPassword: '',
  outboundProxy: '',
};

export function TrunkEditor({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Sheet open={open} onClose={onClose} title="Add a SIP trunk" lead="A carrier, a PBX, or a single phone." wide>
      <Editor onClose={onClose} />
    </Sheet>
  );
}

/** What is left blank is not sent. */
const inputOf = ({ sources, ...texts }: Draft) => ({
  ...Object.fromEntries(Object.entries(texts).filter(([, value]) => value.trim() !== '')),
  sources: sources.split(/[\s,]+/).filter(Boolean),
});

function Editor({ onClose }: { onClose: () => void }) {
  const [draft, setDraft] = useState(blank);
  const saving = useSaving((input: ReturnType<typeof inputOf>) => api.post<Trunk>('/trunks', input), ['trunks']);
  const field = (name: keyof Draft) => ({
    value: draft[name],
    fault: Object.entries(saving.fields).find(([path]) => path.split('.')[0] === name)?.[1],
    onChange: ({ target: { value } }: { target: { value: string } }) => setDraft((before) => ({ ...before, [name]: value })),
    spellCheck: false,
    autoComplete: 'off',
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(inputOf(draft), { onSuccess: onClose });
  };
  return (
    <form onSubmit={submit} className="grid gap-6 px-5 py-5" noValidate>
      <TextField label="Name" placeholder="Carrier" maxLength={120} {...field('name')} />
      <Group title="Who may send calls here">
        <TextArea
          label="Accepted addresses"
          rows={2}
          placeholder="203.0.113.0/24"
          hint="CIDR ranges; their calls need no password"
          className="sm:col-span-2"
          {...field('sources')}
        />
        <TextField label="User name" hint="For a phone or PBX that signs in" {...field('username')} />
        <TextField
          label="Password"
          type="password"
          hint="At least 8 characters; never shown again"
          {...field('password')}
          autoComplete="new-password"
        />
      </Group>
      <Group title="Register at a PBX">
        <TextField label="Registrar" placeholder="sip:pbx.example.com" className="sm:col-span-2" {...field('registrar')} />
        <TextField label="User name there" {...field('registerUser')} />
        <TextField label="Password there" type="password" {...field('registerPassword')} autoComplete="new-password" />
      </Group>
      <Group title="Calling out">
        <TextField
          label="Outbound proxy"
          placeholder="sip:carrier.example.com"
          hint="Without one, no call out is possible through this trunk."
          className="sm:col-span-2"
          {...field('outboundProxy')}
        />
      </Group>
      {saving.fault && <Notice>{saving.fault}</Notice>}
      <div className="flex gap-2">
        <Button type="submit" look="primary" busy={saving.isPending} disabled={!draft.name.trim()}>
          Add trunk
        </Button>
        <Button look="quiet" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

function Group({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <fieldset>
      <legend className="mb-3 text-[0.9333rem] font-semibold">{title}</legend>
      <div className="grid gap-4 sm:grid-cols-2">{children}</div>
    </fieldset>
  );
}
