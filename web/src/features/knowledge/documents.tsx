import type { KnowledgeDocument } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { FileText, Plus } from 'lucide-react';
import { dayOf, plural } from '../../lib/format.ts';
import { documentsQuery } from '../../lib/queries.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';
import { DocumentEditor } from './document-editor.tsx';

/** `openId` is the document standing open (`new` for one being written). */
export function Documents({ openId, onOpen }: { openId: string | undefined; onOpen: (id: string | undefined) => void }) {
  const documents = useQuery(documentsQuery);
  const add = (
    <Button look="primary" onClick={() => onOpen('new')}>
      <Plus aria-hidden /> Add document
    </Button>
  );
  return (
    <>
      <Card>
        <CardTitle title="Documents" lead="Answers are drawn from their passages." actions={add} />
        {documents.isPending ? (
          <SkeletonRows label="Loading documents" rows={5} />
        ) : documents.isError ? (
          <Failed what="The documents could not be loaded" error={documents.error} retry={() => void documents.refetch()} />
        ) : documents.data.length === 0 ? (
          <Empty icon={FileText} title="No document yet" action={add}>
            Opening hours, prices, directions: add what callers ask about, in short plain sentences.
          </Empty>
        ) : (
          <ul className="divide-y divide-line">
            {documents.data.map((document) => (
              <Row key={document.id} document={document} onOpen={() => onOpen(document.id)} />
            ))}
          </ul>
        )}
      </Card>
      <DocumentEditor key={openId ?? 'none'} id={openId} onClose={() => onOpen(undefined)} />
    </>
  );
}

function Row({ document, onOpen }: { document: KnowledgeDocument; onOpen: () => void }) {
  return (
    <li className="relative flex items-center gap-4 px-4 py-3.5 transition-colors hover:bg-sunken sm:px-5">
      <FileText className="size-4 shrink-0 text-ink-3" aria-hidden />
      <div className="min-w-0 flex-1">
        <button type="button" onClick={onOpen} className="block max-w-full truncate text-left font-medium after:absolute after:inset-0">
          {document.title}
        </button>
        <p className="mt-0.5 text-[0.8rem] text-ink-3">
          {plural(document.passages, 'passage')} · changed {dayOf(document.updatedAt)}
        </p>
      </div>
      <div className="hidden gap-1.5 sm:flex">
        {document.tags.slice(0, 3).map((tag) => (
          <Badge key={tag}>{tag}</Badge>
        ))}
      </div>
    </li>
  );
}
