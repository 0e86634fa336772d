import type { Assistant, AssistantInput } from '@tandem/contract';
import { Check } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { cx } from '../../lib/classes.ts';
import { useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { SwitchField, TextArea, TextField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Notice } from '../../ui/states.tsx';

export const newAssistant: AssistantInput = {
  name: '',
  slug: '',
  greeting: 'Hello, you are talking to an AI assistant. This call is recorded. How can I help you?',
  instructions: '',
  goodbye: 'Thank you for calling. Goodbye.',
  language: 'en',
  voice: 'slt',
  eagerness: 'medium',
  idleMs: 8_000,
  maxDurationMs: 1_800_000,
  recording: true,
};

/** Only what may be written: a row read from the API carries more. */
const inputOf = (row: AssistantInput | Assistant): AssistantInput => {
  const { id: _id, businessId: _businessId, createdAt: _createdAt, updatedAt: _updatedAt, ...input } = { ...row } as Assistant;
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null)) as AssistantInput;
};

const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);

const paces = [
  { value: 'low', title: 'Patient', words: 'Waits long; for callers who think aloud' },
  { value: 'medium', title: 'Balanced', words: 'A natural pause' },
  { value: 'high', title: 'Quick', words: 'Answers at once; may cut in' },
] as const;

type AssistantFormProps = { start: AssistantInput | Assistant; id?: string; onSaved?: (saved: Assistant) => void };

export function AssistantForm({ start, id, onSaved }: AssistantFormProps) {
  const [input, setInput] = useState(() => inputOf(start));
  const [slugTouched, setSlugTouched] = useState(id !== undefined);
  const saving = useSaving(
    (next: AssistantInput) =>
      id === undefined ? api.post<Assistant>('/assistants', next) : api.patch<Assistant>(`/assistants/${encodeURIComponent(id)}`, next),
    ['assistants'],
  );
  const { fields } = saving;
  const change = (part: Partial<AssistantInput>) => {
    saving.reset();
    setInput((before) => ({ ...before, ...part }));
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(input, { onSuccess: (saved) => onSaved?.(saved) });
  };
  return (
    <form onSubmit={submit} className="grid gap-5" noValidate>
      <Card>
        <CardTitle title="What it says" />
        <div className="grid gap-5 px-4 py-5 sm:px-5">
          <div className="grid gap-5 sm:grid-cols-2">
            <TextField
              label="Name"
              value={input.name}
              maxLength={120}
              fault={fields['name']}
              onChange={({ target: { value } }) => change(slugTouched ? { name: value } : { name: value, slug: slugOf(value) })}
            />
            <TextField
              label="Address of its talk page"
              value={input.slug}
              maxLength={63}
              spellCheck={false}
              fault={fields['slug']}
              hint="Small letters, digits and hyphens"
              onChange={({ target: { value } }) => (setSlugTouched(true), change({ slug: value }))}
            />
          </div>
          <TextArea
            label="Greeting"
            rows={3}
            maxLength={600}
            value={input.greeting}
            fault={fields['greeting']}
            hint="The first words of every call. Say that it is an AI, and that the call is recorded when it is."
            onChange={({ target: { value } }) => change({ greeting: value })}
          />
          <TextArea
            label="Instructions"
            rows={8}
            maxLength={20_000}
            value={input.instructions}
            fault={fields['instructions']}
            hint="How it should behave, in plain words. What it knows comes from Knowledge."
            onChange={({ target: { value } }) => change({ instructions: value })}
          />
          <TextField
            label="Goodbye"
            maxLength={400}
            value={input.goodbye}
            fault={fields['goodbye']}
            onChange={({ target: { value } }) => change({ goodbye: value })}
          />
        </div>
      </Card>
      <Card>
        <CardTitle title="How it speaks and listens" />
        <div className="grid gap-5 px-4 py-5 sm:px-5">
          <div className="grid gap-5 sm:grid-cols-2">
            <TextField
              label="Voice"
              list="voices"
              spellCheck={false}
              value={input.voice}
              fault={fields['voice']}
              hint="Built in: slt, kal, awb, rms; or a voice of your speech provider"
              onChange={({ target: { value } }) => change({ voice: value })}
            />
            <datalist id="voices">
              {['slt', 'kal', 'awb', 'rms'].map((voice) => (
                <option key={voice} value={voice} />
              ))}
            </datalist>
            <TextField
              label="Asks whether the caller is still there after"
              type="number"
              min={2}
              max={60}
              step={1}
              value={input.idleMs / 1000}
              fault={fields['idleMs']}
              hint="Seconds of silence, 2 to 60"
              onChange={({ target: { valueAsNumber } }) => change({ idleMs: Math.round((valueAsNumber || 0) * 1000) })}
            />
          </div>
          <fieldset>
            <legend className="mb-1.5 text-[0.8667rem] font-medium">How soon it takes its turn</legend>
            <div className="grid gap-2 sm:grid-cols-3">
              {paces.map(({ value, title, words }) => (
                <label
                  key={value}
                  className={cx(
                    'cursor-pointer rounded-lg border px-3.5 py-3 transition-colors has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent',
                    input.eagerness === value ? 'border-accent bg-accent-soft' : 'border-line-strong hover:bg-sunken',
                  )}
                >
                  <input
                    type="radio"
                    name="eagerness"
                    value={value}
                    checked={input.eagerness === value}
                    onChange={() => change({ eagerness: value })}
                    className="sr-only"
                  />
                  <span className="block font-medium">{title}</span>
                  <span className="block text-[0.8rem] text-ink-2">{words}</span>
                </label>
              ))}
            </div>
          </fieldset>
          <SwitchField
            label="Record its calls"
            hint="In stereo, the caller on the left. Tell callers so in the greeting."
            checked={input.recording}
            onChange={(recording) => change({ recording })}
          />
        </div>
      </Card>
      {saving.fault && <Notice>{saving.fault}</Notice>}
      {Object.keys(fields).length > 0 && <Notice>Some values are not acceptable yet; they are marked above.</Notice>}
      <div className="flex items-center gap-4">
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
