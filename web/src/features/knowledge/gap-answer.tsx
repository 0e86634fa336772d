import type { Gap } from '@tandem/contract';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { faultAt, useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { Sheet } from '../../ui/dialog.tsx';
import { TextArea } from '../../ui/field.tsx';
import { Notice } from '../../ui/states.tsx';
import { gapPhrasings } from './gap-phrasings.ts';
import { phrasingsIn } from './question-editor.tsx';

type GapAnswerProps = { gap: Gap | undefined; onClose: () => void; onAnswered: (closed: Gap) => void };

/** Makes an approved question of a gap: the callers' own words are its phrasings, only the answer is missing. */
export function GapAnswer({ gap, onClose, onAnswered }: GapAnswerProps) {
  return (
    <Sheet open={gap !== undefined} onClose={onClose} title={gap?.question ?? 'Gap'} lead="The answer is spoken exactly as it stands." wide>
      {gap && <Form gap={gap} onClose={onClose} onAnswered={onAnswered} />}
    </Sheet>
  );
}

function Form({ gap, onClose, onAnswered }: GapAnswerProps & { gap: Gap }) {
  const [answer, setAnswer] = useState('');
  const [phrasings, setPhrasings] = useState(() => gapPhrasings(gap).join('\n'));
  const list = phrasingsIn(phrasings);
  const saving = useSaving(
    (input: { answer: string; phrasings: string[] }) => api.post<Gap>(`/gaps/${encodeURIComponent(gap.id)}/answer`, input),
    ['gaps', 'questions'],
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate({ answer, phrasings: list }, { onSuccess: onAnswered });
  };
  return (
    <form onSubmit={submit} className="grid gap-5 px-5 py-5" noValidate>
      <TextArea
        label="Answer"
        rows={4}
        maxLength={1_000}
        value={answer}
        fault={saving.fields['answer']}
        placeholder="As it should be said at the phone: one or two short sentences."
        onChange={({ target: { value } }) => setAnswer(value)}
      />
      <TextArea
        label="Ways to ask it"
        rows={6}
        value={phrasings}
        fault={faultAt(saving.fields, 'phrasings')}
        hint="As callers asked it, one to a line; the first is its title. Take out what means something else."
        onChange={({ target: { value } }) => setPhrasings(value)}
      />
      {saving.fault && <Notice>{saving.fault}</Notice>}
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="primary" busy={saving.isPending} disabled={list.length === 0 || !answer.trim()}>
          Approve this answer
        </Button>
        <Button look="quiet" onClick={onClose}>
          Cancel
        </Button>
      </div>
    </form>
  );
}
