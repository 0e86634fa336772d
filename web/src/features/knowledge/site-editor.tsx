import type { KnowledgeSite, SourceInput } from '@tandem/contract';
import { Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { plural } from '../../lib/format.ts';
import { faultAt, useRefresh, useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm, Sheet } from '../../ui/dialog.tsx';
import { SelectField, TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/states.tsx';
import { placeOf } from './document-words.ts';
import { metadataOf, noMetadata } from '../../lib/metadata.ts';
import { MetadataFields } from './metadata-fields.tsx';

const rhythms: [hours: number | null, words: string][] = [
  [null, 'Only when asked to'],
  [6, 'Every 6 hours'],
  [24, 'Every day'],
  [168, 'Every week'],
  [720, 'Every 30 days'],
];

export const rhythmInWords = (hours: number | null): string =>
  rhythms.find(([each]) => each === hours)?.[1] ?? `Every ${plural(hours ?? 0, 'hour')}`;

const newSite: SourceInput = { url: '', maxDepth: 3, maxPages: 200, everyHours: 24, ...noMetadata };

const inputOf = (site: KnowledgeSite): SourceInput => ({
  url: site.url,
  maxDepth: site.maxDepth,
  maxPages: site.maxPages,
  everyHours: site.everyHours,
  ...metadataOf(site),
});

export function SiteEditor({ site, onClose }: { site: KnowledgeSite | 'new' | undefined; onClose: () => void }) {
  const known = site === 'new' ? undefined : site;
  return (
    <Sheet
      open={site !== undefined}
      onClose={onClose}
      title={known ? placeOf(known.url) : 'Add a site'}
      lead="Pages of this host only, and only those that its robots.txt allows."
      wide
    >
      <Editor site={known} onClose={onClose} />
    </Sheet>
  );
}

/** What people type has no `https://`. */
const wholeAddress = (url: string): string => (url === '' || /^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `https://${url}`);

function Editor({ site, onClose }: { site: KnowledgeSite | undefined; onClose: () => void }) {
  const [input, setInput] = useState<SourceInput>(() => (site ? inputOf(site) : newSite));
  const refresh = useRefresh();
  const put = (part: Partial<SourceInput>) => setInput((before) => ({ ...before, ...part }));
  const saving = useSaving(
    (next: SourceInput) =>
      site ? api.patch<KnowledgeSite>(`/sources/${encodeURIComponent(site.id)}`, next) : api.post<KnowledgeSite>('/sources', next),
    ['sources', 'documents'],
  );
  const fault = (path: string) => faultAt(saving.fields, path);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const next = { ...input, url: wholeAddress(input.url) };
    setInput(next);
    saving.mutate(next, { onSuccess: onClose });
  };
  const remove = async () => {
    await api.delete(`/sources/${encodeURIComponent(site?.id ?? '')}`);
    onClose();
    await refresh('sources', 'documents');
  };
  const offered = rhythms.some(([hours]) => hours === input.everyHours)
    ? rhythms
    : [...rhythms, [input.everyHours, rhythmInWords(input.everyHours)] as const];
  return (
    <form onSubmit={submit} className="grid gap-5 px-5 py-5" noValidate>
      <TextField
        label="Address"
        type="url"
        inputMode="url"
        spellCheck={false}
        placeholder="www.example.com"
        value={input.url}
        maxLength={2_000}
        fault={fault('url')}
        hint="Reading begins here and at the site’s map of itself (sitemap)."
        onChange={({ target: { value } }) => put({ url: value.trim() })}
      />
      <div className="grid gap-5 sm:grid-cols-3">
        <TextField
          label="Links followed"
          type="number"
          min={0}
          max={10}
          value={Number.isNaN(input.maxDepth) ? '' : input.maxDepth}
          fault={fault('maxDepth')}
          hint="From page to page; 0: this page only"
          onChange={({ target: { valueAsNumber } }) => put({ maxDepth: valueAsNumber })}
        />
        <TextField
          label="Pages at most"
          type="number"
          min={1}
          max={2_000}
          value={Number.isNaN(input.maxPages) ? '' : input.maxPages}
          fault={fault('maxPages')}
          onChange={({ target: { valueAsNumber } }) => put({ maxPages: valueAsNumber })}
        />
        <SelectField
          label="Read again"
          value={input.everyHours ?? ''}
          fault={fault('everyHours')}
          hint="Pages that did not change are left alone"
          onChange={({ target: { value } }) => put({ everyHours: value === '' ? null : Number(value) })}
        >
          {offered.map(([hours, words]) => (
            <option key={words} value={hours ?? ''}>
              {words}
            </option>
          ))}
        </SelectField>
      </div>
      <MetadataFields value={input} onChange={(metadata) => put(metadataOf(metadata))} faultAt={fault} />
      {saving.fault && <Notice>{saving.fault}</Notice>}
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="primary" busy={saving.isPending} disabled={!input.url}>
          {site ? 'Save changes' : 'Add and read it'}
        </Button>
        <Button look="quiet" onClick={onClose}>
          Cancel
        </Button>
        {site && (
          <div className="ml-auto">
            <Confirm
              title={`Delete ${placeOf(site.url)}?`}
              confirm="Delete"
              act={remove}
              trigger={
                <Button look="danger">
                  <Trash2 aria-hidden /> Delete
                </Button>
              }
            >
              Every page that was read from it goes with it: assistants no longer answer from them, from the next call on.
            </Confirm>
          </div>
        )}
      </div>
    </form>
  );
}
