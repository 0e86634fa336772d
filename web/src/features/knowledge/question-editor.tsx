import type { Question } from '@tandem/contract';
import { Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { faultAt, useRefresh, useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm, Sheet } from '../../ui/dialog.tsx';
import { TextArea } from '../../ui/field.tsx';
import { Notice } from '../../ui/states.tsx';
import { type Metadata, metadataOf, noMetadata } from '../../lib/metadata.ts';
import { MetadataFields } from './metadata-fields.tsx';

type QuestionInput = Metadata & { phrasings: string[]; answer: string };

type QuestionEditorProps = {
  question: Question | 'new' | undefined;
  /** How a new one is asked. */
  phrasing?: string;
  onClose: () => void;
};

export function QuestionEditor({ question, phrasing, onClose }: QuestionEditorProps) {
  const known = question === 'new' ? undefined : question;
  return (
    <Sheet
      open={question !== undefined}
      onClose={onClose}
      title={known ? 'Approved question' : 'Add an approved question'}
      lead="The answer is spoken exactly as it stands."
      wide
    >
      <Editor question={known} phrasing={phrasing} onClose={onClose} />
    </Sheet>
  );
}

type EditorProps = { question: Question | undefined; phrasing: string | undefined; onClose: () => void };

/** One phrasing to a line. */
export const phrasingsIn = (text: string): string[] =>
  text
    .split('\n')
    .map((phrasing) => phrasing.trim())
    .filter(Boolean);

function Editor({ question, phrasing = '', onClose }: EditorProps) {
  const [phrasings, setPhrasings] = useState(question?.phrasings.join('\n') ?? phrasing);
  const [answer, setAnswer] = useState(question?.answer ?? '');
  const [metadata, setMetadata] = useState<Metadata>(question ? metadataOf(question) : noMetadata);
  const refresh = useRefresh();
  const saving = useSaving(
    (input: QuestionInput) =>
      question ? api.patch<Question>(`/questions/${encodeURIComponent(question.id)}`, input) : api.post<Question>('/questions', input),
    ['questions'],
  );
  const list = phrasingsIn(phrasings);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate({ phrasings: list, answer, ...metadata }, { onSuccess: onClose });
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
        rows={5}
        value={phrasings}
        fault={faultAt(saving.fields, 'phrasings')}
        placeholder={'When are you open?\nWhat are your opening hours?\nAre you open today?'}
        hint="One to a line; the first is its title. Four or more make it easier to recognise."
        onChange={({ target: { value } }) => setPhrasings(value)}
      />
      <TextArea
        label="Answer"
        rows={4}
        maxLength={1_000}
        value={answer}
        fault={saving.fields['answer']}
        onChange={({ target: { value } }) => setAnswer(value)}
      />
      <MetadataFields value={metadata} onChange={setMetadata} faultAt={(path) => faultAt(saving.fields, path)} />
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
