import type { KnowledgeSearch } from '@tandem/contract';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleCheck, CircleHelp, CircleX, FileText, type LucideIcon, MessageCircleQuestionMark, Search } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { cx } from '../../lib/classes.ts';
import { assistantsQuery } from '../../lib/queries.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { SelectField, TextField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Meter } from '../../ui/progress.tsx';
import { Failed, Skeleton } from '../../ui/states.tsx';
import { sourceSearch } from '../../lib/knowledge-links.ts';
import { QuestionEditor } from './question-editor.tsx';
import { verdictWords } from '../../lib/verdict-words.ts';

const PASSAGES = 5;

/** A question as a caller would ask it, and what an assistant would do with it. */
export function TryIt() {
  const assistants = useQuery(assistantsQuery);
  const [query, setQuery] = useState('');
  const [assistantId, setAssistantId] = useState('');
  const searching = useMutation({
    mutationFn: (text: string) => {
      const scope = assistants.data?.find(({ id }) => id === assistantId)?.knowledge ?? {};
      return api.post<KnowledgeSearch>('/knowledge/search', { query: text, scope, limit: PASSAGES });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (query.trim()) searching.mutate(query.trim());
  };
  return (
    <Card>
      <CardTitle title="Try it" lead="The very search a call makes: nobody is called, and nothing is kept." />
      <form onSubmit={submit} className="grid items-end gap-4 px-4 py-5 sm:grid-cols-[minmax(0,1fr)_16rem_auto] sm:px-5" role="search">
        <TextField
          label="A question, in a caller’s words"
          value={query}
          maxLength={1_000}
          placeholder="How much is a check-up?"
          onChange={({ target: { value } }) => setQuery(value)}
        />
        <SelectField label="From what" value={assistantId} onChange={({ target: { value } }) => setAssistantId(value)}>
          <option value="">Everything for everyone</option>
          {assistants.data?.map(({ id, name }) => (
            <option key={id} value={id}>
              What {name} may use
            </option>
          ))}
        </SelectField>
        <Button type="submit" look="primary" busy={searching.isPending} disabled={!query.trim()}>
          {!searching.isPending && <Search aria-hidden />} Ask
        </Button>
      </form>
      <div aria-live="polite">
        {searching.isError ? (
          <Failed
            what="The search failed"
            error={searching.error}
            retry={() => searching.variables && searching.mutate(searching.variables)}
          />
        ) : searching.isPending && !searching.data ? (
          <div className="grid gap-3 border-t border-line px-5 py-5">
            <Skeleton className="h-12 w-72" />
            <Skeleton className="h-24 w-full" />
          </div>
        ) : (
          searching.data && <Found found={searching.data} query={searching.variables ?? ''} />
        )}
      </div>
    </Card>
  );
}

const icons: Record<'good' | 'slow' | 'bad', LucideIcon> = { good: CircleCheck, slow: CircleHelp, bad: CircleX };
const looks = { good: 'bg-good-soft text-good', slow: 'bg-slow-soft text-slow', bad: 'bg-bad-soft text-bad' };

/** `1.8 ms`: what a caller does not notice is still worth a figure. */
const tookOf = (ms: number): string => (ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms).toLocaleString()} ms`);

function Found({ found, query }: { found: KnowledgeSearch; query: string }) {
  const { verdict, confidence, passages, tookMs } = found;
  const [writing, setWriting] = useState(false);
  const { would, why, tone } = verdictWords[verdict];
  const Icon = icons[tone];
  const approved = passages[0]?.answer;
  return (
    <div className="animate-rise border-t border-line" data-testid="try-result" data-verdict={verdict}>
      <div className="grid gap-x-10 gap-y-5 px-4 py-5 sm:px-5 lg:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="flex min-w-0 items-start gap-3.5">
          <span className={cx('grid size-11 shrink-0 place-items-center rounded-full', looks[tone])}>
            <Icon className="size-5.5" aria-hidden />
          </span>
          <div className="min-w-0">
            <p className="text-lg font-semibold tracking-tight">{would}</p>
            <p className="mt-0.5 leading-relaxed text-ink-2">
              {verdict === 'answer' && approved !== undefined
                ? 'An approved answer comes first. Asked like this, it is spoken word for word.'
                : why}
            </p>
            <p className="num mt-1 text-[0.8rem] text-ink-3">Found in {tookOf(tookMs)}</p>
            {verdict !== 'answer' && (
              <Button size="small" className="mt-3" onClick={() => setWriting(true)}>
                <MessageCircleQuestionMark aria-hidden /> Approve an answer to it
              </Button>
            )}
          </div>
        </div>
        <dl className="grid content-start gap-3">
          <Sureness name="How well the best passage fits" share={confidence.score} words={confidence.score.toFixed(2)} />
          <Sureness name="How far it is ahead of the next" share={confidence.margin} words={confidence.margin.toFixed(2)} />
          <Sureness name="How much of the question it covers" share={confidence.coverage} words={percentOf(confidence.coverage)} />
        </dl>
      </div>
      {passages.length > 0 ? (
        <ol className="divide-y divide-line border-t border-line" aria-label="Passages, best first">
          {passages.map((passage, n) => (
            <Passage key={passage.id} passage={passage} place={n + 1} />
          ))}
        </ol>
      ) : (
        <p className="border-t border-line px-5 py-6 text-center text-ink-2">No passage has anything to do with it.</p>
      )}
      <QuestionEditor question={writing ? 'new' : undefined} phrasing={query} onClose={() => setWriting(false)} />
    </div>
  );
}

const percentOf = (share: number): string => `${Math.round(Math.min(1, Math.max(0, share)) * 100)} %`;

function Sureness({ name, share, words }: { name: string; share: number; words: string }) {
  return (
    <div className="text-[0.8667rem]">
      <div className="flex justify-between gap-3">
        <dt className="text-ink-2">{name}</dt>
        <dd className="num font-medium">{words}</dd>
      </div>
      <Meter share={share} label={name} className="mt-1" />
    </div>
  );
}

function Passage({ passage, place }: { passage: KnowledgeSearch['passages'][number]; place: number }) {
  const { documentId, title, text, answer, score } = passage;
  const Icon = answer === undefined ? FileText : MessageCircleQuestionMark;
  return (
    <li className="grid grid-cols-[1.5rem_minmax(0,1fr)] gap-x-3 px-4 py-4 sm:grid-cols-[1.5rem_minmax(0,1fr)_9rem] sm:px-5">
      <span className="num leading-6 text-ink-3">{place}</span>
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1 leading-6">
          <Link
            to="/knowledge"
            search={sourceSearch(documentId)}
            className="inline-flex min-w-0 items-center gap-1.5 font-medium underline decoration-line-strong underline-offset-4 hover:decoration-current"
          >
            <Icon className="size-3.5 shrink-0 text-ink-3" aria-hidden />
            <span className="min-w-0 break-words">{title}</span>
          </Link>
          {answer !== undefined && <Badge tone="accent">Approved answer</Badge>}
        </p>
        <p className="mt-1 line-clamp-6 leading-relaxed break-words whitespace-pre-line text-ink-2">{answer ?? text}</p>
      </div>
      <div className="col-start-2 mt-2 flex items-center gap-2.5 sm:col-start-3 sm:mt-2">
        <Meter share={score} label={`Score of ${title}`} className="flex-1" tone={place === 1 ? 'accent' : 'quiet'} />
        <span className="num w-10 text-right text-[0.8667rem] text-ink-2">{score.toFixed(2)}</span>
      </div>
    </li>
  );
}
