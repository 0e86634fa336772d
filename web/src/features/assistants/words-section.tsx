import { useState } from 'react';
import { TextArea, TextField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import type { FormPart } from './form-part.ts';

const slugOf = (name: string): string =>
  name
    .toLowerCase()
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 63);

/** The address of the talk page follows the name until somebody writes one. */
export function WordsSection({ input, change, faultAt, isNew }: FormPart & { isNew: boolean }) {
  const [slugTouched, setSlugTouched] = useState(!isNew);
  return (
    <Card>
      <CardTitle title="What it says" />
      <div className="grid gap-5 px-4 py-5 sm:px-5">
        <div className="grid gap-5 sm:grid-cols-2">
          <TextField
            label="Name"
            value={input.name}
            maxLength={120}
            fault={faultAt('name')}
            onChange={({ target: { value } }) => change(slugTouched ? { name: value } : { name: value, slug: slugOf(value) })}
          />
          <TextField
            label="Address of its talk page"
            value={input.slug}
            maxLength={63}
            spellCheck={false}
            fault={faultAt('slug')}
            hint="Small letters, digits and hyphens"
            onChange={({ target: { value } }) => (setSlugTouched(true), change({ slug: value }))}
          />
        </div>
        <TextArea
          label="Greeting"
          rows={3}
          maxLength={600}
          value={input.greeting}
          fault={faultAt('greeting')}
          hint="The first words of every call. Say that it is an AI, and that the call is recorded when it is."
          onChange={({ target: { value } }) => change({ greeting: value })}
        />
        <TextArea
          label="Instructions"
          rows={8}
          maxLength={20_000}
          value={input.instructions}
          fault={faultAt('instructions')}
          hint="How it should behave, in plain words. What it knows comes from Knowledge."
          onChange={({ target: { value } }) => change({ instructions: value })}
        />
        <div className="grid gap-5 sm:grid-cols-[minmax(0,1fr)_9rem]">
          <TextField
            label="Goodbye"
            maxLength={400}
            value={input.goodbye}
            fault={faultAt('goodbye')}
            onChange={({ target: { value } }) => change({ goodbye: value })}
          />
          <TextField
            label="Language"
            spellCheck={false}
            value={input.language}
            fault={faultAt('language')}
            hint="Such as en or pt-BR"
            onChange={({ target: { value } }) => change({ language: value.trim() })}
          />
        </div>
        <TextField
          label="Other languages it speaks"
          spellCheck={false}
          defaultValue={input.otherLanguages.join(', ')}
          fault={faultAt('otherLanguages')}
          hint="Such as de, es. Whoever speaks one of them is answered in it; anybody else in the language above."
          onChange={({ target: { value } }) => change({ otherLanguages: value.split(/[\s,;]+/).filter((tag) => tag !== '') })}
        />
      </div>
    </Card>
  );
}
