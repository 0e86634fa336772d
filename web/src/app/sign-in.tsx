import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { ApiError } from '../lib/api.ts';
import { useTitle } from '../lib/title.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/field.tsx';
import { Mark } from '../ui/mark.tsx';
import { faultOf } from '../ui/states.tsx';
import { sessionQuery, signIn } from './session.ts';

/** Asks for the admin key once; afterwards a cookie speaks for it. */
export function SignIn() {
  useTitle('Sign in');
  const queries = useQueryClient();
  const [key, setKey] = useState('');
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!key.trim()) return setFault('Enter the key first.');
    setBusy(true);
    setFault(undefined);
    try {
      await signIn(key.trim());
      await queries.invalidateQueries({ queryKey: sessionQuery.queryKey });
    } catch (error) {
      setFault(error instanceof ApiError && (error.status === 401 || error.status === 403) ? 'This key is not valid.' : faultOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <main className="grid min-h-dvh place-items-center px-4 py-10">
      <div className="w-full max-w-sm">
        <div className="mb-7 flex flex-col items-center text-center">
          <Mark className="size-12" />
          <h1 className="mt-4 text-2xl font-semibold tracking-tight">Tandem</h1>
          <p className="mt-1 text-ink-2">Your AI voice call centre</p>
        </div>
        <form onSubmit={(event) => void submit(event)} className="rounded-2xl border border-line bg-surface p-6 shadow-card" noValidate>
          <TextField
            label="Admin key"
            name="key"
            type="password"
            autoComplete="current-password"
            spellCheck={false}
            autoFocus
            value={key}
            onChange={(event) => setKey(event.target.value)}
            fault={fault}
            hint="Shown once when Tandem first started, and kept in its data folder. TANDEM_ADMIN_KEY sets your own."
          />
          <Button type="submit" look="primary" className="mt-5 w-full" busy={busy}>
            Sign in
          </Button>
        </form>
      </div>
    </main>
  );
}
