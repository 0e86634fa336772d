import type { KnowledgeDocument } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { FileText, FileUp, PencilLine, Search } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { plural } from '../../lib/format.ts';
import { documentsQuery, isMoving, sourcesQuery } from '../../lib/queries.ts';
import { useRefresh } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { filterBox } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';
import { DocumentEditor } from './document-editor.tsx';
import { DocumentRow, UploadRow } from './document-row.tsx';
import { faultInWords, placeOf } from './document-words.ts';
import { DropZone } from './drop-zone.tsx';
import { FilePicker } from './file-picker.tsx';
import { type Metadata, noMetadata } from '../../lib/metadata.ts';
import { MetadataFields } from './metadata-fields.tsx';
import { upload, type Upload, useUploads } from './uploads.ts';

/** So many rows are drawn at once; a crawled site may have 2,000 pages. */
const ROWS_AT_ONCE = 100;

type DocumentsProps = {
  /** The document standing open; `new` for one being written. */
  openId: string | undefined;
  /** Only pages of this site. */
  siteId: string | undefined;
  onOpen: (id: string | undefined) => void;
  onSite: (id: string | undefined) => void;
};

/** Everything that assistants answer from: files, written texts, pages of sites. New files are dropped anywhere on it. */
export function Documents({ openId, siteId, onOpen, onSite }: DocumentsProps) {
  const documents = useQuery(documentsQuery);
  const uploads = useUploads();
  const refresh = useRefresh();
  const [theirs, setTheirs] = useState<Metadata>(noMetadata);
  const arrived = () => refresh('documents');
  const take = (files: File[]) => upload(files, { fields: { ...theirs, tags: theirs.tags.join(',') }, arrived });
  const replace = (documentId: string, file: File) => upload([file], { documentId, arrived });
  const choose = (
    <FilePicker look="primary" several onFiles={take}>
      <FileUp aria-hidden /> Upload files
    </FilePicker>
  );
  const write = (
    <Button onClick={() => onOpen('new')}>
      <PencilLine aria-hidden /> Write one
    </Button>
  );
  const fresh = uploads.filter(({ documentId }) => documentId === undefined);
  const replacing = (id: string) => uploads.findLast(({ documentId }) => documentId === id);
  return (
    <>
      <DropZone onFiles={take}>
        <Card>
          <CardTitle
            title="Documents"
            lead="Drop files anywhere here: PDF, Word, PowerPoint, Excel, CSV, web pages, text. Up to 25 MB each."
            actions={
              <>
                {write}
                {choose}
              </>
            }
          />
          <ForNewFiles value={theirs} onChange={setTheirs} />
          {documents.isPending ? (
            <SkeletonRows label="Loading documents" rows={5} />
          ) : documents.isError ? (
            <Failed what="The documents could not be loaded" error={documents.error} retry={() => void documents.refetch()} />
          ) : documents.data.length === 0 ? (
            fresh.length === 0 ? (
              <Empty icon={FileText} title="No document yet">
                Price lists, opening hours, terms, manuals: drop here what you have, and assistants answer from it a minute later.
              </Empty>
            ) : (
              <OnTheirWay uploads={fresh} />
            )
          ) : (
            <List
              documents={documents.data}
              fresh={fresh}
              siteId={siteId}
              onSite={onSite}
              replacing={replacing}
              onOpen={onOpen}
              onReplace={replace}
            />
          )}
        </Card>
      </DropZone>
      <Arrivals documents={documents.data} />
      <DocumentEditor
        key={openId ?? 'none'}
        id={openId}
        replacing={openId === undefined ? undefined : replacing(openId)}
        onReplace={replace}
        onClose={() => onOpen(undefined)}
      />
    </>
  );
}

/** What the next files are given; closed it says so in a line. */
function ForNewFiles({ value, onChange }: { value: Metadata; onChange: (value: Metadata) => void }) {
  const { base, language, tags, audience } = value;
  const words = [`base ${base}`, language, audience === 'everyone' ? 'for everyone' : `for ${audience}`, ...tags].join(', ');
  return (
    <details className="border-b border-line px-4 py-2.5 text-[0.8667rem] sm:px-5">
      <summary className="w-fit rounded text-ink-2 underline-offset-4 hover:underline">
        New files get: <span className="text-ink">{words}</span>
      </summary>
      <div className="max-w-3xl py-3">
        <MetadataFields value={value} onChange={onChange} />
      </div>
    </details>
  );
}

const OnTheirWay = ({ uploads }: { uploads: readonly Upload[] }) => (
  <ul className="divide-y divide-line" aria-label="On their way">
    {uploads.map((each) => (
      <UploadRow key={each.key} upload={each} />
    ))}
  </ul>
);

type ListProps = {
  documents: readonly KnowledgeDocument[];
  fresh: readonly Upload[];
  siteId: string | undefined;
  onSite: (id: string | undefined) => void;
  replacing: (id: string) => Upload | undefined;
  onOpen: (id: string) => void;
  onReplace: (id: string, file: File) => void;
};

const OWN = 'own';

function List({ documents, fresh, siteId, onSite, replacing, onOpen, onReplace }: ListProps) {
  const sources = useQuery(sourcesQuery);
  const [search, setSearch] = useState('');
  const [shown, setShown] = useState(ROWS_AT_ONCE);
  const crawled = documents.some(({ sourceId }) => sourceId !== undefined);
  const sought = search.trim().toLowerCase();
  const found = documents.filter(
    ({ sourceId, title, fileName = '', tags, url = '' }) =>
      (siteId === undefined || (siteId === OWN ? sourceId === undefined : sourceId === siteId)) &&
      (sought === '' || [title, fileName, url, ...tags].some((text) => text.toLowerCase().includes(sought))),
  );
  return (
    <>
      {(crawled || documents.length > 8 || siteId !== undefined) && (
        <div className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-3 sm:px-5" role="search">
          <div className="relative min-w-0 flex-1 basis-52">
            <Search className="pointer-events-none absolute top-3 left-3 size-4 text-ink-3" aria-hidden />
            <input
              type="search"
              aria-label="Find a document by its title, file or tag"
              placeholder="Title, file or tag"
              value={search}
              onChange={({ target: { value } }) => setSearch(value)}
              className={`${filterBox} w-full pl-9`}
            />
          </div>
          {(crawled || siteId !== undefined) && (
            <select
              aria-label="Where they come from"
              className={`${filterBox} max-w-full`}
              value={siteId ?? ''}
              onChange={({ target: { value } }) => onSite(value || undefined)}
            >
              <option value="">From everywhere</option>
              <option value={OWN}>Files and written ones</option>
              {sources.data?.map(({ id, url }) => (
                <option key={id} value={id}>
                  {placeOf(url)}
                </option>
              ))}
            </select>
          )}
        </div>
      )}
      {fresh.length > 0 && (
        <div className="border-b border-line">
          <OnTheirWay uploads={fresh} />
        </div>
      )}
      {found.length === 0 ? (
        <p className="px-5 py-10 text-center text-ink-2">No document fits this.</p>
      ) : (
        <ul className="divide-y divide-line" data-testid="documents">
          {found.slice(0, shown).map((document) => (
            <DocumentRow
              key={document.id}
              document={document}
              replacing={replacing(document.id)}
              onOpen={() => onOpen(document.id)}
              onReplace={(file) => onReplace(document.id, file)}
            />
          ))}
        </ul>
      )}
      {found.length > shown && (
        <div className="border-t border-line px-5 py-3 text-center">
          <Button size="small" onClick={() => setShown((n) => n + ROWS_AT_ONCE)}>
            Show more ({plural(found.length - shown, 'document')})
          </Button>
        </div>
      )}
    </>
  );
}

/** Says aloud what has been read, or could not be, while somebody waits for it. */
function Arrivals({ documents = [] }: { documents: readonly KnowledgeDocument[] | undefined }) {
  const before = useRef(new Map<string, boolean>());
  const [words, setWords] = useState('');
  useEffect(() => {
    const landed = documents.filter((document) => before.current.get(document.id) && !isMoving(document));
    before.current = new Map(documents.map((document) => [document.id, isMoving(document)]));
    if (landed.length > 0)
      setWords(
        landed
          .map(({ title, state, fault }) => (state === 'ready' ? `${title} is ready.` : `${title}: ${faultInWords(fault).reason}`))
          .join(' '),
      );
  }, [documents]);
  return (
    <p role="status" className="sr-only">
      {words}
    </p>
  );
}
