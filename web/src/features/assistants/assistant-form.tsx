import type { Assistant, AssistantInput } from '@tandem/contract';
import { Check } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { faultAt, useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { Notice } from '../../ui/states.tsx';
import { ActionsSection } from './actions-section.tsx';
import { editOf, type FormPart, inputOf } from './form-part.ts';
import { KnowledgeSection } from './knowledge-section.tsx';
import { LimitsSection } from './limits-section.tsx';
import { ModelsSection } from './models-section.tsx';
import { TurnTakingSection } from './turn-taking-section.tsx';
import { WordsSection } from './words-section.tsx';

type AssistantFormProps = { start: AssistantInput | Assistant; id?: string; onSaved?: (saved: Assistant) => void };

export function AssistantForm({ start, id, onSaved }: AssistantFormProps) {
  const [input, setInput] = useState(() => inputOf(start));
  const saving = useSaving(
    (next: AssistantInput) =>
      id === undefined
        ? api.post<Assistant>('/assistants', next)
        : api.patch<Assistant>(`/assistants/${encodeURIComponent(id)}`, editOf(next)),
    ['assistants'],
  );
  const { fields } = saving;
  const part: FormPart = {
    input,
    change: (next) => {
      saving.reset();
      setInput((before) => ({ ...before, ...next }));
    },
    faultAt: (path) => faultAt(fields, path),
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(input, { onSuccess: (saved) => onSaved?.(saved) });
  };
  return (
    <form onSubmit={submit} className="grid gap-5" noValidate>
      <WordsSection {...part} isNew={id === undefined} />
      <KnowledgeSection {...part} />
      <ModelsSection {...part} />
      <TurnTakingSection {...part} />
      <ActionsSection {...part} assistantId={id} />
      <LimitsSection {...part} />
      {saving.fault && <Notice>{saving.fault}</Notice>}
      {Object.keys(fields).length > 0 && <Notice>Some values are not acceptable yet; they are marked above.</Notice>}
      <div className="sticky bottom-16 z-10 -mx-1 flex items-center gap-4 rounded-xl bg-paper/90 px-1 py-3 backdrop-blur-sm lg:bottom-0">
        <Button type="submit" look="primary" busy={saving.isPending}>
          {id === undefined ? 'Create assistant' : 'Save changes'}
        </Button>
        <span role="status" className="inline-flex items-center gap-1.5 text-[0.9rem] text-good">
          {saving.isSuccess && (
            <>
              <Check className="size-4" aria-hidden /> Saved
            </>
          )}
        </span>
      </div>
    </form>
  );
}
