import type { Call } from '@tandem/contract';
import { useMemo } from 'react';
import { cx } from '../../lib/classes.ts';
import { clockOf, gatewayOf, numberOf } from '../../lib/format.ts';
import { useCallEvents } from '../../lib/live.ts';
import { useNow } from '../../lib/now.ts';
import { Sparkline } from '../../ui/sparkline.tsx';
import { SpeakingBars } from '../../ui/speaking.tsx';
import { type LiveState, liveStateOf } from './live-state.ts';

type RowProps = { call: Call; selected: boolean; watched: boolean; onSelect: () => void };

/** One live call in the list. Only `watched` rows follow the call's words: a wall of calls must not ask for every one. */
export function LiveCallRow({ call, selected, watched, onSelect }: RowProps) {
  const events = useCallEvents(watched ? call.id : undefined);
  const state = useMemo(() => liveStateOf(events), [events]);
  const last = state.lines.findLast(({ text, tail }) => text || tail);
  return (
    <li data-testid="live-call" data-call-id={call.id}>
      <button
        type="button"
        onClick={onSelect}
        aria-pressed={selected}
        className={cx(
          'w-full rounded-xl border bg-surface p-4 text-left shadow-card transition-colors',
          selected ? 'border-accent ring-1 ring-accent' : 'border-line hover:border-line-strong',
        )}
      >
        <span className="flex items-baseline justify-between gap-3">
          <span className="truncate font-semibold">{numberOf(call.from)}</span>
          <Ticking since={call.answeredAt ?? call.startedAt} className="text-[0.9333rem] text-ink-2" />
        </span>
        <span className="mt-0.5 flex items-center justify-between gap-3 text-[0.8667rem] text-ink-2">
          <span className="truncate">
            {call.assistantName ?? 'No assistant yet'} · {gatewayOf(call.gateway)}
          </span>
        </span>
        <span className="mt-3 flex items-end justify-between gap-4">
          <span className="min-w-0">
            <Speaker state={state} answered={call.answeredAt !== null || state.answered} />
            <span className="mt-1 block truncate text-[0.8667rem] text-ink-2">
              {last ? `“${join(last.text, last.tail)}”` : 'No words yet'}
            </span>
          </span>
          <Sparkline values={state.latencies} width={72} label="Voice-to-voice latency" />
        </span>
      </button>
    </li>
  );
}

const join = (a: string, b: string) => (a && b ? `${a} ${b}` : a || b);

/** The time since `since`, ticking. */
export function Ticking({ since, className }: { since: string; className?: string }) {
  const now = useNow(1_000);
  return (
    <span role="timer" className={cx('num', className)}>
      {clockOf(now.getTime() - Date.parse(since))}
    </span>
  );
}

/** Who has the floor, in a word and a colour. */
export function Speaker({ state, answered }: { state: LiveState; answered: boolean }) {
  const look = 'inline-flex items-center gap-2 text-[0.8667rem] font-medium';
  if (state.ending) return <span className={cx(look, 'text-ink-3')}>Ended</span>;
  if (!answered) return <span className={cx(look, 'text-slow')}>Ringing</span>;
  switch (state.speaking) {
    case 'caller':
      return (
        <span className={cx(look, 'text-caller')}>
          <SpeakingBars /> Caller speaks
        </span>
      );
    case 'assistant':
      return (
        <span className={cx(look, 'text-assistant')}>
          <SpeakingBars /> Assistant speaks
        </span>
      );
    case 'thinking':
      return (
        <span className={cx(look, 'text-ink-2')}>
          <span className="size-2 animate-breathe rounded-full bg-assistant" aria-hidden /> Finding the answer
        </span>
      );
    default:
      return (
        <span className={cx(look, 'text-ink-3')}>
          <span className="size-2 rounded-full bg-line-strong" aria-hidden /> Listening
        </span>
      );
  }
}
