import type { Gap } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { MessageCircleQuestionMark } from 'lucide-react';
import { useState } from 'react';
import { cx } from '../../lib/classes.ts';
import { plural } from '../../lib/format.ts';
import { gapsQuery } from '../../lib/queries.ts';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Empty, Failed, Notice, SkeletonRows } from '../../ui/states.tsx';
import { GapAnswer } from './gap-answer.tsx';
import { GapRow } from './gap-row.tsx';

const states: { value: Gap['state']; title: string }[] = [
  { value: 'open', title: 'Open' },
  { value: 'answered', title: 'Answered' },
  { value: 'dismissed', title: 'Dismissed' },
];

/** What callers asked for and were not told, those asked for most first. */
export function Gaps() {
  const [state, setState] = useState<Gap['state']>('open');
  const gaps = useQuery(gapsQuery(state));
  const [answering, setAnswering] = useState<Gap>();
  const [answered, setAnswered] = useState<Gap>();
  const most = Math.max(1, ...(gaps.data ?? []).map(({ count }) => count));
  return (
    <>
      {answered && (
        <Notice tone="good" className="mb-4">
          “{answered.question}” has an approved answer now, from the next call on.{' '}
          {answered.questionId && (
            <Link to="/knowledge" search={{ question: answered.questionId }} className="font-medium underline underline-offset-4">
              Open it
            </Link>
          )}
        </Notice>
      )}
      <Card>
        <CardTitle
          title="Gaps"
          lead={
            gaps.data && gaps.data.length > 0
              ? `${plural(gaps.data.length, 'question')}, asked ${timesOf(gaps.data.reduce((sum, { count }) => sum + count, 0))} in all`
              : 'What callers asked for and were not told'
          }
          actions={<StateChoice chosen={state} onChoose={setState} />}
        />
        {gaps.isPending ? (
          <SkeletonRows label="Loading gaps" rows={4} />
        ) : gaps.isError ? (
          <Failed what="The gaps could not be loaded" error={gaps.error} retry={() => void gaps.refetch()} />
        ) : gaps.data.length === 0 ? (
          <Nothing state={state} />
        ) : (
          <ol className="divide-y divide-line" data-testid="gaps">
            {gaps.data.map((gap) => (
              <GapRow key={gap.id} gap={gap} most={most} onAnswer={() => setAnswering(gap)} />
            ))}
          </ol>
        )}
      </Card>
      <GapAnswer
        key={answering?.id ?? 'none'}
        gap={answering}
        onClose={() => setAnswering(undefined)}
        onAnswered={(closed) => {
          setAnswering(undefined);
          setAnswered(closed);
        }}
      />
    </>
  );
}

const timesOf = (count: number): string => (count === 1 ? 'once' : `${count.toLocaleString()} times`);

function StateChoice({ chosen, onChoose }: { chosen: Gap['state']; onChoose: (state: Gap['state']) => void }) {
  return (
    <div className="flex overflow-hidden rounded-lg border border-line-strong" role="group" aria-label="Which gaps">
      {states.map(({ value, title }) => (
        <button
          key={value}
          type="button"
          aria-pressed={chosen === value}
          onClick={() => onChoose(value)}
          className={cx(
            'h-8 px-3 text-[0.8667rem] -outline-offset-2 not-first:border-l not-first:border-line',
            chosen === value ? 'bg-accent-soft font-medium text-accent' : 'text-ink-2 hover:bg-sunken',
          )}
        >
          {title}
        </button>
      ))}
    </div>
  );
}

function Nothing({ state }: { state: Gap['state'] }) {
  if (state === 'open')
    return (
      <Empty icon={MessageCircleQuestionMark} title="No open gap">
        Whenever an assistant does not know, asks back or holds back what it cannot prove, the caller’s question is kept here. None is
        waiting for an answer.
      </Empty>
    );
  return (
    <Empty icon={MessageCircleQuestionMark} title={state === 'answered' ? 'Nothing answered yet' : 'Nothing dismissed'}>
      {state === 'answered'
        ? 'A gap that you answer becomes an approved question and stands here. It opens again if callers still are not told.'
        : 'A gap that you dismiss stands here, and nobody is told of it again.'}
    </Empty>
  );
}
