import type { Question } from '@tandem/contract';
import { Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { useRefresh, useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm, Sheet } from '../../ui/dialog.tsx';
import { TextArea } from '../../ui/field.tsx';
import { Notice } from '../../ui/states.tsx';

type QuestionInput = { phrasings: string[]; answer: string };

export function QuestionEditor({ question, onClose }: { question: Question | 'new' | undefined; onClose: () => void }) {
  const known = question === 'new' ? undefined : question;
  return (
    <Sheet
      open={question !== undefined}
      onClose={onClose}
      title={known ? 'Approved question' : 'Add an approved question'}
      lead="The answer is spoken exactly as it stands."
    >
      <Editor question={known} onClose={onClose} />
    </Sheet>
  );
}

function Editor({ question, onClose }: { question: Question | undefined; onClose: () => void }) {
  const [phrasings, setPhrasings] = useState(question?.phrasings.join('\n') ?? '');
  const [answer, setAnswer] = useState(question?.answer ?? '');
  const refresh = useRefresh();
  const saving = useSaving(
    (input: QuestionInput) =>
      question ? api.patch<Question>(`/questions/${encodeURIComponent(question.id)}`, input) : api.post<Question>('/questions', input),
    ['questions'],
  );
  const list = phrasings
    .split('\n')
    .map((phrasing) => phrasing.trim())
    .filter(Boolean);
  const phrasingFault = Object.entries(saving.fields).find(([path]) => path.startsWith('phrasings'))?.[1];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate({ phrasings: list, answer }, { onSuccess: onClose });
  };
  const remove = async () => {
    await api.delete(`/questions/${encodeURIComponent(question?.id ?? '')}`);
    onClose();
    await refresh('questions');
  };
  return (
    <form onSubmit={submit} className="grid gap-5 px-5 py-5" noValidate>
      <TextArea
        label="Ways to ask it"
        rows={6}
        value={phrasings}
        fault={phrasingFault}
        placeholder={'When are you open?\nWhat are your opening hours?\nAre you open today?'}
        hint="One to a line; the first is its title. Four or more make it easier to recognise."
        onChange={({ target: { value } }) => setPhrasings(value)}
      />
      <TextArea
        label="Answer"
        rows={5}
        maxLength={1_000}
        value={answer}
        fault={saving.fields['answer']}
        onChange={({ target: { value } }) => setAnswer(value)}
      />
      {saving.fault && <Notice>{saving.fault}</Notice>}
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="primary" busy={saving.isPending} disabled={list.length === 0 || !answer.trim()}>
          {question ? 'Save changes' : 'Add question'}
        </Button>
        <Button look="quiet" onClick={onClose}>
          Cancel
        </Button>
        {question && (
          <div className="ml-auto">
            <Confirm
              title="Delete this question?"
              confirm="Delete"
              act={remove}
              trigger={
                <Button look="danger">
                  <Trash2 aria-hidden /> Delete
                </Button>
              }
            >
              It will be answered from the documents, if they hold an answer.
            </Confirm>
          </div>
        )}
      </div>
    </form>
  );
}
