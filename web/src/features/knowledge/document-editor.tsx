import type { KnowledgeDocument } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { FileUp, Trash2 } from 'lucide-react';
import { type ChangeEvent, type FormEvent, useRef, useState } from 'react';
import { api } from '../../lib/api.ts';
import { documentQuery } from '../../lib/queries.ts';
import { useRefresh, useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm, Sheet } from '../../ui/dialog.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';
import { Failed, Notice, SkeletonRows } from '../../ui/states.tsx';

/** As the API allows. */
const TEXT_AT_MOST = 1_000_000;

type Draft = { title: string; text: string; tags: string[]; language: string };

/** One document in a sheet: `new`, or the id of one to change; closed while undefined. */
export function DocumentEditor({ id, onClose }: { id: string | undefined; onClose: () => void }) {
  const isNew = id === 'new';
  const document = useQuery({ ...documentQuery(id ?? ''), enabled: id !== undefined && !isNew });
  return (
    <Sheet
      open={id !== undefined}
      onClose={onClose}
      title={isNew ? 'Add a document' : 'Document'}
      lead="Write it as it should be said at the phone: short sentences."
      wide
    >
      {isNew ? (
        <Editor start={{ title: '', text: '', tags: [], language: 'en' }} onClose={onClose} />
      ) : document.isPending ? (
        <SkeletonRows label="Loading the document" rows={4} />
      ) : document.isError ? (
        <Failed what="This document could not be opened" error={document.error} retry={() => void document.refetch()} />
      ) : (
        <Editor start={document.data} id={document.data.id} onClose={onClose} />
      )}
    </Sheet>
  );
}

function Editor({ start, id, onClose }: { start: Draft; id?: string; onClose: () => void }) {
  const [title, setTitle] = useState(start.title);
  const [text, setText] = useState(start.text);
  const [tags, setTags] = useState(start.tags.join(', '));
  const [fileFault, setFileFault] = useState<string>();
  const file = useRef<HTMLInputElement>(null);
  const refresh = useRefresh();
  const saving = useSaving(
    (input: Draft) =>
      id === undefined
        ? api.post<KnowledgeDocument>('/documents', input)
        : api.patch<KnowledgeDocument>(`/documents/${encodeURIComponent(id)}`, input),
    ['documents'],
  );
  const take = async ({ target }: ChangeEvent<HTMLInputElement>) => {
    const chosen = target.files?.[0];
    target.value = '';
    if (!chosen) return;
    setFileFault(undefined);
    if (chosen.size > TEXT_AT_MOST * 4) return setFileFault('This file is too large: a document holds a million characters at most.');
    try {
      // A file that is not UTF-8 text is refused rather than read as rubbish.
      const read = new TextDecoder('utf-8', { fatal: true }).decode(await chosen.arrayBuffer());
      if (read.length > TEXT_AT_MOST) return setFileFault('This file is too large: a document holds a million characters at most.');
      setText(read);
      setTitle((before) => before || chosen.name.replace(/\.(txt|md|markdown)$/i, '').replace(/[-_]+/g, ' '));
    } catch {
      setFileFault('This file is not plain text.');
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const list = tags.split(',').map((tag) => tag.trim());
    saving.mutate({ title, text, tags: list.filter(Boolean), language: start.language }, { onSuccess: onClose });
  };
  const remove = async () => {
    await api.delete(`/documents/${encodeURIComponent(id ?? '')}`);
    onClose();
    await refresh('documents');
  };
  return (
    <form onSubmit={submit} className="grid gap-5 px-5 py-5" noValidate>
      <TextField
        label="Title"
        maxLength={300}
        value={title}
        fault={saving.fields['title']}
        onChange={({ target: { value } }) => setTitle(value)}
      />
      <div>
        <TextArea
          label="Text"
          rows={13}
          value={text}
          maxLength={TEXT_AT_MOST}
          fault={fileFault ?? saving.fields['text']}
          hint={text ? `${text.trim().split(/\s+/).length.toLocaleString()} words` : 'Write or paste it here, or take it from a file.'}
          onChange={({ target: { value } }) => setText(value)}
        />
        <input
          ref={file}
          type="file"
          accept=".txt,.md,.markdown,text/plain,text/markdown"
          className="sr-only"
          tabIndex={-1}
          aria-hidden
          onChange={(event) => void take(event)}
        />
        <Button size="small" className="mt-2" onClick={() => file.current?.click()}>
          <FileUp aria-hidden /> Take text from a .txt or .md file
        </Button>
      </div>
      <TextField
        label="Tags"
        value={tags}
        fault={saving.fields['tags']}
        hint="Separated by commas"
        onChange={({ target: { value } }) => setTags(value)}
      />
      {saving.fault && <Notice>{saving.fault}</Notice>}
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="primary" busy={saving.isPending} disabled={!title.trim() || !text.trim()}>
          {id === undefined ? 'Add document' : 'Save changes'}
        </Button>
        <Button look="quiet" onClick={onClose}>
          Cancel
        </Button>
        {id !== undefined && (
          <div className="ml-auto">
            <Confirm
              title={`Delete “${start.title}”?`}
              confirm="Delete"
              act={remove}
              trigger={
                <Button look="danger">
                  <Trash2 aria-hidden /> Delete
                </Button>
              }
            >
              Assistants will no longer answer from it.
            </Confirm>
          </div>
        )}
      </div>
    </form>
  );
}
