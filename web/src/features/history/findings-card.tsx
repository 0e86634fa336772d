import type { CallExplanation, TurnCause, TurnFinding } from '@tandem/contract';
import { ChevronDown, CircleSlash, Ear, type LucideIcon, Play, Scissors, Signal, TimerReset, TriangleAlert, VolumeX } from 'lucide-react';
import { useId, useState } from 'react';
import { cx } from '../../lib/classes.ts';
import { plural } from '../../lib/format.ts';
import { problemTitle, sureInWords } from '../../lib/problems.ts';
import { Card, CardTitle } from '../../ui/page.tsx';

const icons: Record<TurnFinding['problem'], LucideIcon> = {
  slow: TimerReset,
  'dead-air': VolumeX,
  'cut-off': Scissors,
  'false-interruption': Ear,
  unanswered: CircleSlash,
  'broken-sound': Signal,
};

type FindingsProps = { explanation: CallExplanation; onPick: ((turn: number) => void) | undefined };

/** The bad turns, each with what was at fault and what to do about it. Nothing is shown of a call that was in order. */
export function FindingsCard({ explanation: { findings, summary, partial }, onPick }: FindingsProps) {
  if (findings.length === 0) return null;
  return (
    <Card data-testid="findings">
      <CardTitle title="What went wrong" lead={`${summary}${partial ? ' Only the beginning of this long call was looked at.' : ''}`} />
      <ol className="divide-y divide-line">
        {findings.map((finding) => (
          <Finding key={`${finding.turn}/${finding.problem}/${finding.atMs}`} finding={finding} onPick={onPick} />
        ))}
      </ol>
    </Card>
  );
}

function Finding({ finding: { turn, problem, sentence, causes }, onPick }: { finding: TurnFinding; onPick: FindingsProps['onPick'] }) {
  const [main, ...others] = causes;
  const Icon = icons[problem];
  return (
    <li className="grid grid-cols-[1.25rem_minmax(0,1fr)] gap-x-3 px-4 py-3.5 sm:px-5">
      <Icon className="mt-0.5 size-4.5 text-bad" aria-hidden />
      <div className="min-w-0">
        <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
          <h3 className="font-medium">
            {problemTitle[problem]} <span className="font-normal text-ink-3">{turn === 0 ? 'greeting' : `turn ${turn}`}</span>
          </h3>
          {onPick && (
            <button
              type="button"
              onClick={() => onPick(turn)}
              className="inline-flex items-center gap-1 rounded text-[0.8667rem] text-ink-2 underline-offset-4 hover:underline"
            >
              <Play className="size-3.5" aria-hidden /> Listen <span className="sr-only">to turn {turn}</span>
            </button>
          )}
        </div>
        <p className="mt-0.5 text-[0.9rem] text-ink-2">{sentence}</p>
        {main && <Cause cause={main} main />}
        {others.length > 0 && <Others causes={others} />}
      </div>
    </li>
  );
}

function Others({ causes }: { causes: readonly TurnCause[] }) {
  const [open, setOpen] = useState(false);
  const id = useId();
  return (
    <div className="mt-2 text-[0.8667rem]">
      <button
        type="button"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
        className="inline-flex items-center gap-1.5 rounded text-ink-3 hover:text-ink"
      >
        {causes.length === 1 ? 'One more thing' : `${causes.length} more things`} had a part in it
        <ChevronDown className={cx('size-3.5 transition-transform', open && 'rotate-180')} aria-hidden />
      </button>
      <div id={id} hidden={!open}>
        {open && causes.map((cause) => <Cause key={`${cause.code} ${cause.sentence}`} cause={cause} />)}
      </div>
    </div>
  );
}

function Cause({ cause: { sentence, advice, confidence, code, evidence }, main = false }: { cause: TurnCause; main?: boolean }) {
  return (
    <div className={cx('mt-2 border-l-2 pl-3', main ? 'border-bad' : 'border-line-strong')}>
      <p className={main ? 'font-medium' : undefined}>{sentence}</p>
      {code !== 'filler-covered' && <p className="mt-0.5 text-[0.8667rem] text-ink-2">{advice}</p>}
      <p className="mt-0.5 text-[0.8rem] text-ink-3">
        {sureInWords(confidence)}
        {evidence.seqs.length > 0 && (
          <>
            {' '}
            · <span className="num">{plural(evidence.seqs.length, 'event')}</span> {evidence.seqs.length === 1 ? 'says' : 'say'} so (
            <span className="num">{evidence.seqs.join(', ')}</span>)
          </>
        )}
      </p>
    </div>
  );
}

/** Beside a turn whose wait has a cause: a sign with a shape of its own, not a colour alone. */
export function FaultSign({ className }: { className?: string }) {
  return <TriangleAlert className={cx('inline-block size-3.5 shrink-0 text-bad', className)} aria-hidden />;
}
