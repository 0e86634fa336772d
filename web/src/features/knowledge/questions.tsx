import type { Question } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { MessageCircleQuestionMark, Plus } from 'lucide-react';
import { plural } from '../../lib/format.ts';
import { questionsQuery } from '../../lib/queries.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';
import { QuestionEditor } from './question-editor.tsx';

/** What sets it apart from most: the base, tags, language and audience that are not the usual ones. */
const labelsOf = ({ base, tags, language, audience }: Question): string[] => [
  ...(base === 'main' ? [] : [base]),
  ...tags,
  ...(language === 'en' ? [] : [language]),
  ...(audience === 'everyone' ? [] : [`for ${audience}`]),
];

/** Questions whose answer is spoken exactly as somebody approved it. `openId` stands open (`new` for one being written). */
export function Questions({ openId, onOpen }: { openId: string | undefined; onOpen: (id: string | undefined) => void }) {
  const questions = useQuery(questionsQuery);
  const open: Question | 'new' | undefined = openId === 'new' ? 'new' : questions.data?.find(({ id }) => id === openId);
  const add = (
    <Button look="primary" onClick={() => onOpen('new')}>
      <Plus aria-hidden /> Add question
    </Button>
  );
  return (
    <>
      <Card>
        <CardTitle title="Approved questions" lead="Their answers are spoken word for word, and at once." actions={add} />
        {questions.isPending ? (
          <SkeletonRows label="Loading questions" rows={5} />
        ) : questions.isError ? (
          <Failed what="The questions could not be loaded" error={questions.error} retry={() => void questions.refetch()} />
        ) : questions.data.length === 0 ? (
          <Empty icon={MessageCircleQuestionMark} title="No approved question yet" action={add}>
            For what callers ask most, decide the exact answer once.
          </Empty>
        ) : (
          <ul className="divide-y divide-line">
            {questions.data.map((question) => (
              <li key={question.id} className="relative px-4 py-3.5 transition-colors hover:bg-sunken sm:px-5">
                <button
                  type="button"
                  onClick={() => onOpen(question.id)}
                  className="block max-w-full text-left font-medium after:absolute after:inset-0"
                >
                  {question.phrasings[0]}
                </button>
                <p className="mt-1 line-clamp-2 text-[0.9333rem] leading-relaxed text-ink-2">{question.answer}</p>
                <p className="mt-1 flex min-h-5 flex-wrap items-center gap-x-2 gap-y-1 text-[0.8rem] text-ink-3">
                  {question.phrasings.length > 1 && (
                    <span className="mr-1">and {plural(question.phrasings.length - 1, 'other way', 'other ways')} to ask it</span>
                  )}
                  {labelsOf(question).map((label) => (
                    <Badge key={label}>{label}</Badge>
                  ))}
                </p>
              </li>
            ))}
          </ul>
        )}
      </Card>
      <QuestionEditor key={open === 'new' ? 'new' : (open?.id ?? 'none')} question={open} onClose={() => onOpen(undefined)} />
    </>
  );
}
