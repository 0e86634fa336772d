import type { DocumentFormat, KnowledgeDocument } from '@tandem/contract';
import {
  FileSpreadsheet,
  FileText,
  FileType,
  Globe,
  type LucideIcon,
  PencilLine,
  Presentation,
  RotateCw,
  Upload as UploadIcon,
  X,
} from 'lucide-react';
import type { ReactNode } from 'react';
import { api } from '../../lib/api.ts';
import { cx } from '../../lib/classes.ts';
import { dayOf, sizeOf } from '../../lib/format.ts';
import { useSaving } from '../../lib/saving.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Progress } from '../../ui/progress.tsx';
import { faultInWords, SENDING_SHARE, sizeInWords, wayOf } from './document-words.ts';
import { FilePicker } from './file-picker.tsx';
import { dropUpload, retryUpload, type Upload } from './uploads.ts';

const icons: Partial<Record<DocumentFormat, LucideIcon>> = {
  pdf: FileType,
  pptx: Presentation,
  xlsx: FileSpreadsheet,
  csv: FileSpreadsheet,
};

const iconOf = ({ fileName, url, format }: KnowledgeDocument): LucideIcon =>
  url ? Globe : fileName ? (icons[format] ?? FileText) : PencilLine;

type RowProps = {
  document: KnowledgeDocument;
  /** A file on its way that will replace this one's. */
  replacing: Upload | undefined;
  onOpen: () => void;
  onReplace: (file: File) => void;
};

/** One document: what it is, how far it is, and what to do when it failed. */
export function DocumentRow({ document, replacing, onOpen, onReplace }: RowProps) {
  const Icon = iconOf(document);
  const way = wayOf(document);
  const sending = replacing !== undefined && replacing.state !== 'failed';
  const failed = document.state === 'failed' && !sending;
  const labels = [...(document.base === 'main' ? [] : [document.base]), ...document.tags].slice(0, 3);
  return (
    <li className="relative px-4 py-3.5 transition-colors hover:bg-sunken sm:px-5" data-testid="document" data-state={document.state}>
      <div className="flex items-center gap-4">
        <Icon className={cx('size-4 shrink-0', failed ? 'text-bad' : 'text-ink-3')} aria-hidden />
        <div className="min-w-0 flex-1">
          <button type="button" onClick={onOpen} className="block max-w-full truncate text-left font-medium after:absolute after:inset-0">
            {document.title}
          </button>
          <p className="mt-0.5 truncate text-[0.8rem] text-ink-3">
            {sending
              ? sendingWords(replacing)
              : way
                ? wayWords(document, way.words)
                : `${sizeInWords(document)} · changed ${dayOf(document.updatedAt)}`}
          </p>
        </div>
        {sending ? (
          <Bar share={replacing.sent * SENDING_SHARE} label={document.title} words={sendingWords(replacing)} />
        ) : way ? (
          <Bar share={way.share} label={document.title} words={way.words} />
        ) : failed ? (
          <Badge tone="bad">Not read</Badge>
        ) : (
          <div className="hidden gap-1.5 sm:flex">
            {labels.map((label) => (
              <Badge key={label}>{label}</Badge>
            ))}
          </div>
        )}
      </div>
      {failed && <Failure document={document} onReplace={onReplace} />}
      {replacing?.state === 'failed' && <UploadFault upload={replacing} />}
    </li>
  );
}

const Bar = (props: { share: number; label: string; words: string }) => <Progress {...props} className="w-24 shrink-0 sm:w-44" />;

const sendingWords = ({ state, sent }: Upload): string =>
  state === 'waiting' ? 'Waiting to be sent' : sent < 1 ? `Uploading, ${Math.round(sent * 100)} %` : 'Arriving';

/** While a new version is read, the one before it answers. */
const wayWords = ({ version, passages }: KnowledgeDocument, words: string): string =>
  version > 1 && passages > 0 ? `${words} · the version before is in use` : words;

function Failure({ document, onReplace }: { document: KnowledgeDocument; onReplace: (file: File) => void }) {
  const { reason, advice, again } = faultInWords(document.fault);
  const retrying = useSaving(() => api.post<unknown>(`/documents/${encodeURIComponent(document.id)}/retry`), ['documents']);
  const detail = document.detail && !reason.includes(document.detail) ? ` ${document.detail}` : '';
  return (
    <Beneath>
      <p className="text-bad">
        {reason}
        {detail && <span className="text-ink-2">{detail}</span>}
      </p>
      <p className="text-ink-2">
        {advice}
        {document.passages > 0 && ' Until then the version before it is in use.'}
      </p>
      {retrying.fault && <p className="text-bad">{retrying.fault}</p>}
      <div className="relative mt-2 flex w-fit flex-wrap gap-2">
        {document.url === undefined && (
          <FilePicker
            size="small"
            look={again ? 'plain' : 'primary'}
            label={`Replace the file of ${document.title}`}
            onFiles={([file]) => file && onReplace(file)}
          >
            <UploadIcon aria-hidden /> Replace file
          </FilePicker>
        )}
        <Button
          size="small"
          look={again ? 'primary' : 'plain'}
          busy={retrying.isPending}
          aria-label={`Try again to read ${document.title}`}
          onClick={() => retrying.mutate()}
        >
          <RotateCw aria-hidden /> Try again
        </Button>
      </div>
    </Beneath>
  );
}

const Beneath = ({ children }: { children: ReactNode }) => <div className="mt-1 ml-8 text-[0.8667rem] leading-relaxed">{children}</div>;

function UploadFault({ upload }: { upload: Upload }) {
  return (
    <Beneath>
      <p className="text-bad">
        “{upload.file.name}” was not taken: {upload.fault}
      </p>
      <UploadActions upload={upload} />
    </Beneath>
  );
}

function UploadActions({ upload }: { upload: Upload }) {
  return (
    <div className="relative mt-1.5 flex w-fit gap-2">
      {upload.again && (
        <Button size="small" onClick={() => retryUpload(upload.key)}>
          <RotateCw aria-hidden /> Send again
        </Button>
      )}
      <Button
        size="small"
        look="quiet"
        className={upload.again ? '' : '-ml-2.5'}
        aria-label={`Forget ${upload.file.name}`}
        onClick={() => dropUpload(upload.key)}
      >
        Forget it
      </Button>
    </div>
  );
}

/** A file that is not a document yet. */
export function UploadRow({ upload }: { upload: Upload }) {
  const { file, state, sent, fault } = upload;
  return (
    <li className="px-4 py-3.5 sm:px-5" data-testid="upload" data-state={state}>
      <div className="flex items-center gap-4">
        <UploadIcon className={cx('size-4 shrink-0', state === 'failed' ? 'text-bad' : 'text-ink-3')} aria-hidden />
        <div className="min-w-0 flex-1">
          <p className="truncate font-medium">{file.name}</p>
          <p className={cx('mt-0.5 text-[0.8rem]', state === 'failed' ? 'text-bad' : 'text-ink-3')} role={fault ? 'alert' : undefined}>
            {fault ?? `${sendingWords(upload)} · ${sizeOf(file.size)}`}
          </p>
        </div>
        {state === 'failed' ? (
          <Badge tone="bad">Not taken</Badge>
        ) : (
          <>
            <Bar share={sent * SENDING_SHARE} label={file.name} words={sendingWords(upload)} />
            <Button size="smallIcon" look="quiet" aria-label={`Stop ${file.name}`} onClick={() => dropUpload(upload.key)}>
              <X aria-hidden />
            </Button>
          </>
        )}
      </div>
      {state === 'failed' && (
        <Beneath>
          <UploadActions upload={upload} />
        </Beneath>
      )}
    </li>
  );
}
