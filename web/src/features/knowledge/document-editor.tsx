import type { DocumentWithText, KnowledgeDocument } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Download, ExternalLink, Trash2, Upload as UploadIcon } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { api } from '../../lib/api.ts';
import { dayOf, plural, sizeOf, wholeMomentOf } from '../../lib/format.ts';
import { documentQuery, documentsQuery } from '../../lib/queries.ts';
import { faultAt, useRefresh, useSaving } from '../../lib/saving.ts';
import { Button, buttonLook } from '../../ui/button.tsx';
import { Confirm, Sheet } from '../../ui/dialog.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';
import { Failed, Notice, SkeletonRows } from '../../ui/states.tsx';
import { faultInWords, kindInWords, pageNoun, placeOf, wayOf } from './document-words.ts';
import { FilePicker } from './file-picker.tsx';
import { type Metadata, metadataOf, noMetadata } from '../../lib/metadata.ts';
import { MetadataFields } from './metadata-fields.tsx';
import type { Upload } from './uploads.ts';

/** As the API allows. */
const TEXT_AT_MOST = 1_000_000;

type DocumentEditorProps = {
  /** `new`, or the id of one to change; closed while undefined. */
  id: string | undefined;
  replacing: Upload | undefined;
  onReplace: (id: string, file: File) => void;
  onClose: () => void;
};

/** One document in a sheet: a written one with its text, a file or a page with what was read from it. */
export function DocumentEditor({ id, replacing, onReplace, onClose }: DocumentEditorProps) {
  const isNew = id === 'new';
  const document = useQuery({ ...documentQuery(id ?? ''), enabled: id !== undefined && !isNew });
  const written = isNew || (document.data && isWritten(document.data));
  return (
    <Sheet
      open={id !== undefined}
      onClose={onClose}
      title={isNew ? 'Write a document' : (document.data?.title ?? 'Document')}
      lead={written ? 'Write it as it should be said at the phone: short sentences.' : 'What assistants may answer from.'}
      wide
    >
      {isNew ? (
        <Editor onClose={onClose} />
      ) : document.isPending ? (
        <SkeletonRows label="Loading the document" rows={4} />
      ) : document.isError ? (
        <Failed what="This document could not be opened" error={document.error} retry={() => void document.refetch()} />
      ) : (
        <Editor document={document.data} replacing={replacing} onReplace={onReplace} onClose={onClose} />
      )}
    </Sheet>
  );
}

const isWritten = ({ fileName, url }: KnowledgeDocument): boolean => fileName === undefined && url === undefined;

type EditorProps = {
  document?: DocumentWithText;
  replacing?: Upload | undefined;
  onReplace?: (id: string, file: File) => void;
  onClose: () => void;
};

function Editor({ document, replacing, onReplace, onClose }: EditorProps) {
  const [title, setTitle] = useState(document?.title ?? '');
  const [text, setText] = useState(document?.text ?? '');
  const [metadata, setMetadata] = useState<Metadata>(document ? metadataOf(document) : noMetadata);
  const saving = useSaving(
    (input: Metadata & { title: string; text?: string }) =>
      document === undefined
        ? api.post<KnowledgeDocument>('/documents', input)
        : api.patch<KnowledgeDocument>(`/documents/${encodeURIComponent(document.id)}`, input),
    ['documents'],
  );
  const written = document === undefined || isWritten(document);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate({ title, ...metadata, ...(written ? { text } : {}) }, { onSuccess: onClose });
  };
  return (
    <form onSubmit={submit} className="grid gap-5 px-5 py-5" noValidate>
      {document && <Standing document={document} replacing={replacing} onReplace={onReplace} />}
      <TextField
        label="Title"
        maxLength={300}
        value={title}
        fault={saving.fields['title']}
        hint={written ? undefined : 'Passages carry it: callers’ words are looked for in it, too.'}
        onChange={({ target: { value } }) => setTitle(value)}
      />
      {written && (
        <TextArea
          label="Text"
          rows={12}
          value={text}
          maxLength={TEXT_AT_MOST}
          fault={saving.fields['text']}
          hint={text ? plural(text.trim().split(/\s+/).length, 'word') : 'Headings, as # in Markdown, keep subjects apart.'}
          onChange={({ target: { value } }) => setText(value)}
        />
      )}
      <MetadataFields value={metadata} onChange={setMetadata} faultAt={(path) => faultAt(saving.fields, path)} />
      {document && !written && <WhatWasRead text={document.text} />}
      {saving.fault && <Notice>{saving.fault}</Notice>}
      <div className="flex flex-wrap items-center gap-2">
        <Button
          type="submit"
          look="primary"
          busy={saving.isPending}
          disabled={!title.trim() || (written && !text.trim()) || !metadata.base || !metadata.language || !metadata.audience}
        >
          {document === undefined ? 'Add document' : 'Save changes'}
        </Button>
        <Button look="quiet" onClick={onClose}>
          Cancel
        </Button>
        {document && <Removal document={document} onClose={onClose} />}
      </div>
    </form>
  );
}

/** Where it stands, followed while it moves; its file, and a new one. */
function Standing({ document, replacing, onReplace }: Omit<EditorProps, 'onClose'> & { document: DocumentWithText }) {
  // The list is asked again while something moves; the text need not be.
  const documents = useQuery(documentsQuery);
  const row = documents.data?.find(({ id }) => id === document.id) ?? document;
  const way = wayOf(row);
  const state =
    replacing && replacing.state !== 'failed'
      ? `A new file is on its way, ${Math.round(replacing.sent * 100)} %`
      : (way?.words ?? (row.state === 'failed' ? faultInWords(row.fault).reason : 'Ready'));
  return (
    <div className="rounded-lg border border-line">
      <dl className="grid grid-cols-2 gap-x-4 gap-y-3 px-4 py-3.5 sm:grid-cols-4">
        <Fact name="State">
          <span className={row.state === 'failed' ? 'text-bad' : row.state === 'ready' ? 'text-good' : ''}>{state}</span>
        </Fact>
        <Fact name="Passages">{row.passages.toLocaleString()}</Fact>
        {row.pages !== undefined && <Fact name="Length">{plural(row.pages, pageNoun(row.format))}</Fact>}
        <Fact name="Size">{sizeOf(row.bytes)}</Fact>
        <Fact name="Version">{row.version}</Fact>
        <Fact name="Changed">
          <span title={wholeMomentOf(row.updatedAt)}>{dayOf(row.updatedAt)}</span>
        </Fact>
        {row.fileName !== undefined && (
          <div className="col-span-2 min-w-0">
            <dt className="text-[0.8rem] text-ink-3">File</dt>
            <dd className="truncate font-medium" title={row.fileName}>
              {row.fileName} <span className="font-normal text-ink-3">({kindInWords(row)})</span>
            </dd>
          </div>
        )}
        {row.url !== undefined && (
          <div className="col-span-2 min-w-0">
            <dt className="text-[0.8rem] text-ink-3">Read from</dt>
            <dd className="truncate">
              <a
                href={row.url}
                target="_blank"
                rel="noreferrer"
                className="inline-flex items-center gap-1.5 text-accent underline underline-offset-4"
              >
                {placeOf(row.url)} <ExternalLink className="size-3.5" aria-hidden />
                <span className="sr-only">(opens in a new tab)</span>
              </a>
            </dd>
          </div>
        )}
      </dl>
      {row.url === undefined && (
        <div className="flex flex-wrap gap-2 border-t border-line px-4 py-3">
          {row.fileName !== undefined && (
            <a
              href={`/api/v1/documents/${encodeURIComponent(row.id)}/file`}
              download={row.fileName}
              className={buttonLook({ size: 'small' })}
            >
              <Download aria-hidden /> Download the original
            </a>
          )}
          <FilePicker size="small" onFiles={([file]) => file && onReplace?.(row.id, file)}>
            <UploadIcon aria-hidden /> {row.fileName === undefined ? 'Replace it with a file' : 'Replace the file'}
          </FilePicker>
          <p className="self-center text-[0.8rem] text-ink-3">The version before answers until the new one is ready.</p>
        </div>
      )}
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0">
      <dt className="text-[0.8rem] text-ink-3">{name}</dt>
      <dd className="font-medium">{children}</dd>
    </div>
  );
}

/** A long text is shown from its beginning only: it is for a glance whether reading went well. */
const GLANCE_CHARACTERS = 20_000;

function WhatWasRead({ text }: { text: string }) {
  if (!text) return null;
  return (
    <details className="text-[0.8667rem]">
      <summary className="w-fit rounded text-ink-2 underline-offset-4 hover:underline">
        What was read from it ({plural(text.trim().split(/\s+/).length, 'word')})
      </summary>
      {/* Scrolls by itself, so the keyboard must reach it. */}
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre
        tabIndex={0}
        className="mt-2 max-h-80 overflow-auto rounded-lg bg-sunken px-4 py-3 font-sans leading-relaxed whitespace-pre-wrap"
      >
        {text.slice(0, GLANCE_CHARACTERS)}
        {text.length > GLANCE_CHARACTERS && ' …'}
      </pre>
    </details>
  );
}

function Removal({ document, onClose }: { document: KnowledgeDocument; onClose: () => void }) {
  const refresh = useRefresh();
  const remove = async () => {
    await api.delete(`/documents/${encodeURIComponent(document.id)}`);
    onClose();
    await refresh('documents');
  };
  return (
    <div className="ml-auto">
      <Confirm
        title={`Delete “${document.title}”?`}
        confirm="Delete"
        act={remove}
        trigger={
          <Button look="danger">
            <Trash2 aria-hidden /> Delete
          </Button>
        }
      >
        Its passages{document.fileName === undefined ? '' : ' and its file'} go with it: assistants no longer answer from it, from the next
        call on.{document.sourceId === undefined ? '' : ' The next crawl leaves this page out.'}
      </Confirm>
    </div>
  );
}
