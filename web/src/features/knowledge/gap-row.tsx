import type { Gap } from '@tandem/contract';
import { Link } from '@tanstack/react-router';
import { Check, ChevronDown, MessageCircleQuestionMark, PhoneIncoming } from 'lucide-react';
import { useId, useState } from 'react';
import { api } from '../../lib/api.ts';
import { cx } from '../../lib/classes.ts';
import { momentOf, plural, wholeMomentOf } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';
import { useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { verdictWords } from '../../lib/verdict-words.ts';

type GapRowProps = {
  gap: Gap;
  /** The highest count in the list: the bars are drawn against it. */
  most: number;
  onAnswer: () => void;
};

/** Questions that mean the same: how often, in whose words, and what to do about it. */
export function GapRow({ gap, most, onAnswer }: GapRowProps) {
  const id = useId();
  const now = useNow(60_000);
  const [open, setOpen] = useState(false);
  const dismissing = useSaving(() => api.post<Gap>(`/gaps/${encodeURIComponent(gap.id)}/dismiss`), ['gaps']);
  return (
    <li className="px-4 py-4 sm:px-5" data-testid="gap">
      <div className="flex flex-wrap items-start gap-x-5 gap-y-3 sm:flex-nowrap">
        <div className="w-16 shrink-0" title={`Asked ${gap.count.toLocaleString()} times, in ${plural(gap.calls, 'call')}`}>
          <p className="num text-xl leading-6 font-semibold">
            {gap.count.toLocaleString()}
            <span className="ml-0.5 text-[0.8rem] font-normal text-ink-3">×</span>
          </p>
          {/* The figure says it already. */}
          <div className="mt-2 h-1.5 rounded-full bg-sunken" aria-hidden>
            <div className="h-full rounded-full bg-caller" style={{ width: `${Math.max(6, (gap.count / most) * 100)}%` }} />
          </div>
        </div>
        <div className="min-w-0 flex-1 basis-52">
          <p className="leading-6 font-medium">{gap.question}</p>
          <p className="mt-0.5 text-[0.8rem] text-ink-3">
            in {plural(gap.calls, 'call')} · last{' '}
            <span title={wholeMomentOf(gap.lastAt)}>{momentOf(gap.lastAt, now).replace(/^[TY]/, (letter) => letter.toLowerCase())}</span>
          </p>
          <button
            type="button"
            aria-expanded={open}
            aria-controls={id}
            onClick={() => setOpen(!open)}
            className="mt-1.5 inline-flex items-center gap-1 rounded text-[0.8667rem] text-accent underline-offset-4 hover:underline"
          >
            <ChevronDown className={cx('size-3.5 transition-transform', open && 'rotate-180')} aria-hidden />
            {open ? 'Hide how they asked' : 'How they asked'}
          </button>
        </div>
        {gap.state !== 'answered' ? (
          <div className="flex w-full shrink-0 gap-2 pl-[5.25rem] sm:w-auto sm:pl-0">
            {gap.state === 'open' && (
              <Button
                size="small"
                look="quiet"
                className="-order-1 max-sm:order-1"
                busy={dismissing.isPending}
                aria-label={`Dismiss: ${gap.question}`}
                onClick={() => dismissing.mutate()}
              >
                Dismiss
              </Button>
            )}
            <Button size="small" look="primary" aria-label={`Answer: ${gap.question}`} onClick={onAnswer}>
              <Check aria-hidden /> Answer
            </Button>
          </div>
        ) : (
          gap.questionId && (
            <Link
              to="/knowledge"
              search={{ question: gap.questionId }}
              className="ml-[5.25rem] inline-flex shrink-0 items-center gap-1.5 text-[0.8667rem] text-accent sm:ml-0 underline-offset-4 hover:underline"
            >
              <MessageCircleQuestionMark className="size-3.5" aria-hidden /> Its answer
            </Link>
          )
        )}
      </div>
      {dismissing.fault && <p className="mt-2 text-[0.8667rem] text-bad">{dismissing.fault}</p>}
      <div id={id} hidden={!open}>
        {open && <Examples gap={gap} now={now} />}
      </div>
    </li>
  );
}

function Examples({ gap: { examples, count }, now }: { gap: Gap; now: Date }) {
  return (
    <>
      <ul className="mt-3 grid gap-2 border-l-2 border-line pl-4 sm:ml-[5.25rem]" data-testid="examples">
        {examples.map(({ text, callId, turn, at, verdict }) => (
          <li key={`${callId}-${turn}`} className="text-[0.9rem]">
            <p className="leading-relaxed">“{text}”</p>
            <p className="flex flex-wrap gap-x-3 text-[0.8rem] text-ink-3">
              <span>{momentOf(at, now)}</span>
              <span>{verdictWords[verdict].did}</span>
              <Link
                to="/history/$callId"
                params={{ callId }}
                search={{ turn }}
                className="inline-flex items-center gap-1 text-accent underline-offset-4 hover:underline"
              >
                <PhoneIncoming className="size-3" aria-hidden /> Hear it in the call
              </Link>
            </p>
          </li>
        ))}
      </ul>
      {count > examples.length && (
        <p className="mt-2 text-[0.8rem] text-ink-3 sm:ml-[6.4rem]">
          The latest {examples.length} of {count.toLocaleString()}.
        </p>
      )}
    </>
  );
}
