import type { KnowledgeSearch } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ChevronDown, FileText, MessageCircleQuestionMark, Wrench } from 'lucide-react';
import { useId } from 'react';
import { api } from '../../lib/api.ts';
import { cx } from '../../lib/classes.ts';
import { plural } from '../../lib/format.ts';
import { assistantsQuery } from '../../lib/queries.ts';
import { Meter } from '../../ui/progress.tsx';
import { sourceSearch } from '../../lib/knowledge-links.ts';
import { verdictWords } from '../../lib/verdict-words.ts';
import type { SupportSource, TurnSupport } from './support.ts';

type AnswerSupportProps = {
  support: TurnSupport;
  open: boolean;
  /** The source whose mark was clicked. */
  lit: number | undefined;
  onToggle: () => void;
};

/** Nothing found is no failure by itself: callers also say thank you. */
const dots = { good: 'bg-good', slow: 'bg-slow', bad: 'bg-line-strong' };

/** Under an answer, in a quiet line: what it rests on. Opened, each source with the sentences it supports. */
export function AnswerSupport({ support, open, lit, onToggle }: AnswerSupportProps) {
  const id = useId();
  const { verdict, sources } = support;
  const words = verdict && verdictWords[verdict];
  return (
    <div className="mt-1 text-[0.8rem]" data-testid="support">
      <button
        type="button"
        aria-expanded={open}
        aria-controls={id}
        onClick={onToggle}
        className="group inline-flex max-w-full items-center gap-1.5 rounded text-left text-ink-3 hover:text-ink"
      >
        {words && <span className={cx('size-1.5 shrink-0 rounded-full', dots[words.tone])} aria-hidden />}
        <span className="truncate">{[words?.did, basisOf(support)].filter(Boolean).join(' · ')}</span>
        <ChevronDown className={cx('size-3.5 shrink-0 transition-transform', open && 'rotate-180')} aria-hidden />
      </button>
      <div id={id} hidden={!open}>
        {open && (
          <div className="mt-1.5 mb-1 grid gap-3 rounded-lg border border-line bg-surface px-3.5 py-3 text-[0.8667rem]">
            {sources.length > 0 && (
              <ol className="grid gap-3">
                {sources.map((source) => (
                  <Source key={source.id} source={source} query={support.query} lit={source.n === lit} />
                ))}
              </ol>
            )}
            <Unsupported support={support} />
            <LookUp support={support} />
          </div>
        )}
      </div>
    </div>
  );
}

/** What the answer stands on, in a few words. */
function basisOf({ sources, sentences, verdict }: TurnSupport): string | undefined {
  if (sources.length === 0) return verdict === 'answer' && sentences?.some(({ text }) => text) ? 'no source' : undefined;
  const titles = [...new Set(sources.map(({ title }) => title))];
  return titles.length <= 2 ? titles.join(', ') : `${titles[0]} and ${plural(titles.length - 1, 'more source')}`;
}

function Source({ source, query, lit }: { source: SupportSource; query: string | undefined; lit: boolean }) {
  const { n, id, title, documentId, score, sentences } = source;
  const Icon = documentId === undefined ? Wrench : documentId.startsWith('question_') ? MessageCircleQuestionMark : FileText;
  return (
    <li className={cx('grid grid-cols-[1.25rem_minmax(0,1fr)] gap-x-2 rounded-md', lit && 'bg-accent-soft ring-4 ring-accent-soft')}>
      <span className="num text-ink-3">{n}</span>
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2.5">
          {documentId === undefined ? (
            <span className="inline-flex items-center gap-1.5 font-medium">
              <Icon className="size-3.5 text-ink-3" aria-hidden /> <span className="font-mono text-[0.8rem]">{title}</span>
              <span className="font-normal text-ink-3">result of the tool</span>
            </span>
          ) : (
            <Link
              to="/knowledge"
              search={sourceSearch(documentId)}
              className="inline-flex min-w-0 items-center gap-1.5 font-medium underline decoration-line-strong underline-offset-4 hover:decoration-current"
            >
              <Icon className="size-3.5 shrink-0 text-ink-3" aria-hidden /> {title}
            </Link>
          )}
          {score !== undefined && <span className="num text-ink-3">score {score.toFixed(2)}</span>}
        </p>
        {sentences.map((sentence) => (
          <p key={sentence} className="mt-0.5 text-ink-2">
            <span className="text-ink-3">Supports</span> “{sentence}”
          </p>
        ))}
        {documentId !== undefined && query && <PassageText id={id} documentId={documentId} query={query} />}
      </div>
    </li>
  );
}

/** The passage as it reads today, found again by the same search; a call keeps only its id. */
function PassageText({ id, documentId, query }: { id: string; documentId: string; query: string }) {
  const { data: assistants } = useQuery(assistantsQuery);
  // What is only for some is found only by those who name them.
  const audiences = [...new Set(assistants?.flatMap(({ knowledge }) => knowledge.audiences))].slice(0, 20);
  const found = useQuery({
    queryKey: ['knowledge', 'search', documentId, query],
    queryFn: () => {
      const scope = { documentIds: [documentId], audiences };
      return api.post<KnowledgeSearch>('/knowledge/search', { query: query.slice(0, 1_000), scope, limit: 20 });
    },
    enabled: assistants !== undefined,
    staleTime: 5 * 60_000,
  });
  const passage = found.data?.passages.find((each) => each.id === id);
  if (found.isPending) return <p className="mt-1 text-ink-3">Looking up how it reads…</p>;
  if (found.isError) return <p className="mt-1 text-ink-3">How it reads could not be looked up.</p>;
  if (!passage) return <p className="mt-1 text-ink-3">It reads differently now, or is gone.</p>;
  return (
    <blockquote className="mt-1 line-clamp-5 border-l-2 border-line pl-3 leading-relaxed break-words text-ink-2">
      {passage.answer ?? passage.text}
    </blockquote>
  );
}

function Unsupported({ support: { sentences = [], sources } }: { support: TurnSupport }) {
  const bare = sentences.filter((sentence) => sentence.text && sentence.sources.length === 0);
  if (bare.length === 0) return null;
  return (
    <p className="text-ink-2">
      <span className="text-ink-3">{sources.length > 0 ? 'Without a source:' : 'It rests on no passage:'}</span>{' '}
      {bare.map(({ text }) => `“${text}”`).join(' ')}
    </p>
  );
}

function LookUp({ support: { query, tookMs, cached, confidence, sources, unused } }: { support: TurnSupport }) {
  if (query === undefined) return null;
  const rates: [name: string, share: number, words: string][] = confidence
    ? [
        ['Fits', confidence.score, confidence.score.toFixed(2)],
        ['Ahead of the next', confidence.margin, confidence.margin.toFixed(2)],
        ['Of the question covered', confidence.coverage, `${Math.round(Math.min(1, Math.max(0, confidence.coverage)) * 100)} %`],
      ]
    : [];
  return (
    <div className="border-t border-line pt-2.5 text-[0.8rem] text-ink-3">
      <p>
        Looked up “{query}”
        {cached ? ', known from before' : tookMs === undefined ? '' : ` in ${tookMs < 10 ? tookMs.toFixed(1) : Math.round(tookMs)} ms`}
        {unused > 0 && `; ${plural(unused, sources.length > 0 ? 'more passage' : 'passage')} found and not used`}.
      </p>
      {rates.length > 0 && (
        <dl className="mt-2 flex flex-wrap gap-x-6 gap-y-2">
          {rates.map(([name, share, words]) => (
            <div key={name} className="flex items-center gap-2">
              <dt>{name}</dt>
              <dd className="flex items-center gap-2">
                <Meter share={share} label={`Confidence: ${name}`} className="w-16" />
                <span className="num text-ink-2">{words}</span>
              </dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}
