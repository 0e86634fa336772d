import type { Call } from '@tandem/contract';
import { Link } from '@tanstack/react-router';
import { ArrowLeft, ArrowUpRight, PhoneOff } from 'lucide-react';
import { useEffect, useMemo, useRef } from 'react';
import { cx } from '../../lib/classes.ts';
import { gatewayOf, numberOf } from '../../lib/format.ts';
import { useCallEvents } from '../../lib/live.ts';
import { hangUp } from '../../lib/queries.ts';
import { EndingWords, Latency } from '../../ui/badge.tsx';
import { Button, buttonLook } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Card } from '../../ui/page.tsx';
import { Sparkline } from '../../ui/sparkline.tsx';
import { SpeakingBars } from '../../ui/speaking.tsx';
import { Speaker, Ticking } from './live-call-row.tsx';
import { type LiveLine, liveStateOf } from './live-state.ts';

/** One live call: its words as they are spoken, how quickly it is answered, and the way to end it. */
export function LiveCallDetail({ call, live, onBack }: { call: Call; live: boolean; onBack: () => void }) {
  const events = useCallEvents(call.id);
  const state = useMemo(() => liveStateOf(events), [events]);
  const over = !live || state.ending !== undefined;
  const latest = state.latencies.at(-1);
  return (
    <Card className="flex h-[calc(100dvh-17.5rem)] min-h-96 flex-col lg:h-[calc(100dvh-11.5rem)]">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-3 border-b border-line px-4 py-4 sm:px-5">
        <Button look="quiet" size="smallIcon" aria-label="Back to all live calls" onClick={onBack} className="-ml-1.5 lg:hidden">
          <ArrowLeft aria-hidden />
        </Button>
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-baseline gap-x-3">
            <h2 className="truncate text-lg font-semibold tracking-tight">{numberOf(call.from)}</h2>
            {!over && <Ticking since={call.answeredAt ?? call.startedAt} className="text-ink-2" />}
          </div>
          <p className="truncate text-[0.8667rem] text-ink-2">
            {call.assistantName ?? 'No assistant'} answers {numberOf(call.to)} · {gatewayOf(call.gateway)}
          </p>
        </div>
        {!over && (
          <Confirm
            trigger={
              <Button look="danger" data-testid="hang-up-call">
                <PhoneOff aria-hidden /> Hang up
              </Button>
            }
            title="Hang up this call?"
            confirm="Hang up"
            act={() => hangUp(call.id)}
          >
            {numberOf(call.from)} is cut off at once, in the middle of a word if need be.
          </Confirm>
        )}
      </div>
      <div className="flex items-center justify-between gap-4 border-b border-line px-4 py-2.5 sm:px-5">
        {over ? (
          <span className="text-[0.9rem]">{state.ending ? <EndingWords ending={state.ending} /> : 'The call has ended'}</span>
        ) : (
          <Speaker state={state} answered={call.answeredAt !== null || state.answered} />
        )}
        {over ? (
          <Link to="/history/$callId" params={{ callId: call.id }} className={buttonLook({ size: 'small' })}>
            Open the call <ArrowUpRight aria-hidden />
          </Link>
        ) : (
          <span className="flex items-center gap-3 text-[0.8667rem] text-ink-2">
            {latest !== undefined && (
              <span>
                Last answer after <Latency ms={latest} />
              </span>
            )}
            <Sparkline values={state.latencies} label="Voice-to-voice latency per turn" />
          </span>
        )}
      </div>
      <Words lines={state.lines} />
    </Card>
  );
}

function Words({ lines }: { lines: readonly LiveLine[] }) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  useEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines]);
  return (
    <div
      ref={box}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 60;
      }}
      className="min-h-0 flex-1 overflow-y-auto px-4 py-5 sm:px-6"
      role="log"
      aria-label="Transcript"
      data-testid="transcript"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrollable region must be reachable with the keyboard
      tabIndex={0}
    >
      {lines.length === 0 && <p className="py-10 text-center text-ink-3">The words appear here as they are spoken.</p>}
      <ol className="flex flex-col gap-3.5">
        {lines.map((line) => (
          <Line key={line.key} line={line} />
        ))}
      </ol>
    </div>
  );
}

function Line({ line: { party, text, tail, open, interrupted } }: { line: LiveLine }) {
  const mine = party === 'assistant';
  return (
    <li className={cx('flex max-w-[85%] animate-rise flex-col sm:max-w-[70%]', mine ? 'items-end self-end' : 'items-start self-start')}>
      <span className={cx('mb-1 px-1 text-[0.75rem] font-medium', mine ? 'text-assistant' : 'text-caller')}>
        {mine ? 'Assistant' : 'Caller'}
      </span>
      <p
        className={cx(
          'rounded-2xl px-4 py-2.5 leading-relaxed',
          mine ? 'rounded-tr-md bg-assistant-soft' : 'rounded-tl-md bg-caller-soft',
          interrupted && 'border-r-2 border-dashed border-ink-3 text-ink-2',
        )}
      >
        {text}
        {tail && <span className="text-ink-3">{text ? ` ${tail}` : tail}</span>}
        {open && mine && <SpeakingBars className={cx('text-assistant', text && 'ml-2')} />}
        {interrupted && <span className="text-ink-3">{text ? ' —' : ''}</span>}
      </p>
      {interrupted && <span className="mt-1 px-1 text-[0.75rem] text-ink-3">interrupted by the caller</span>}
    </li>
  );
}
