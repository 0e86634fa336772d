import type { TranscriptLine, WordTime } from '@tandem/contract';
import { Play } from 'lucide-react';
import { Fragment, memo, useEffect, useMemo, useRef, useState } from 'react';
import { cx } from '../../lib/classes.ts';
import { clockOf, preciseClockOf } from '../../lib/format.ts';
import { AnswerSupport } from './answer-support.tsx';
import { DeedRow } from './deed-row.tsx';
import type { CallStory, Deed, FillerTime } from './deeds.ts';
import { type Player, usePlayerValue } from './player.ts';
import { marksOf, type TurnSupport } from './support.ts';
import { wordIndexAt, wordStartMs } from './word-at.ts';

type TranscriptProps = {
  lines: readonly TranscriptLine[];
  support: ReadonlyMap<number, TurnSupport>;
  player: Player | undefined;
  story: CallStory;
  /** The id of a message or callback whose row is sought. */
  moment: string | undefined;
  /** The turn that is sought. */
  turn: number | undefined;
};

type Entry = { atMs: number; line: TranscriptLine } | { atMs: number; deed: Deed };

/** What each party heard of the other, word by word, with what each answer rests on and what was done in between. */
export function Transcript({ lines, support, player, story: { deeds, fillers }, moment, turn }: TranscriptProps) {
  const entries = useMemo(
    (): Entry[] =>
      [...lines.map((line) => ({ atMs: line.fromMs, line })), ...deeds.map((deed) => ({ atMs: deed.atMs, deed }))].sort(
        (a, b) => a.atMs - b.atMs,
      ),
    [lines, deeds],
  );
  const lastOfTurn = useMemo(() => {
    const last = new Map<number, TranscriptLine>();
    for (const line of lines) if (line.party === 'assistant') last.set(line.turn, line);
    return last;
  }, [lines]);
  const sought = useMemo(() => lines.find((line) => line.turn === turn), [lines, turn]);
  return (
    <ol className="flex flex-col gap-1 px-2 py-3 sm:px-3" data-testid="transcript">
      {entries.map((entry) =>
        'deed' in entry ? (
          <DeedRow key={`deed-${entry.deed.key}`} deed={entry.deed} sought={moment !== undefined && entry.deed.moment === moment} />
        ) : (
          <Line
            key={`${entry.line.party}-${entry.line.turn}-${entry.line.fromMs}`}
            line={entry.line}
            player={player}
            sought={entry.line === sought}
            support={entry.line.party === 'assistant' ? support.get(entry.line.turn) : undefined}
            ends={lastOfTurn.get(entry.line.turn) === entry.line}
            fillers={fillers}
          />
        ),
      )}
    </ol>
  );
}

const Line = memo(function Line({
  line,
  player,
  sought,
  support,
  ends,
  fillers,
}: {
  line: TranscriptLine;
  player: Player | undefined;
  /** Somebody came here to see this very line. */
  sought: boolean;
  /** Of an answer. */
  support: TurnSupport | undefined;
  /** The last line of its turn: what the answer rests on stands below it. */
  ends: boolean;
  fillers: readonly FillerTime[];
}) {
  const here = usePlayerValue(player, (p) => p.playing() && p.positionMs() >= line.fromMs && p.positionMs() <= line.toMs, false);
  const lit = usePlayerValue(player, (p) => wordIndexAt(line, p.positionMs()), -1);
  const caller = line.party === 'caller';
  const who = caller ? 'Caller' : 'Assistant';
  const row = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (sought) row.current?.scrollIntoView({ block: 'center' });
  }, [sought]);
  const marks = useMemo(() => marksOf(line.words, support?.sentences ?? []), [line, support]);
  const [opened, setOpened] = useState<{ lit: number | undefined }>();
  return (
    <li
      ref={row}
      aria-current={sought ? 'true' : undefined}
      className={cx(
        'grid grid-cols-[3.6rem_minmax(0,1fr)] gap-x-2 rounded-lg px-2 py-2 transition-colors sm:grid-cols-[4rem_5rem_minmax(0,1fr)]',
        sought && 'bg-accent-soft',
        here && 'bg-sunken',
      )}
    >
      <button
        type="button"
        disabled={!player}
        onClick={() => player?.playFrom(line.fromMs)}
        aria-label={`Play from ${clockOf(line.fromMs)}, ${who}`}
        className="num group flex h-6 items-center gap-1 self-start rounded text-[0.8rem] text-ink-3 enabled:hover:text-ink"
      >
        <Play
          className="size-3 opacity-0 group-enabled:group-hover:opacity-100 group-focus-visible:opacity-100"
          aria-hidden
          fill="currentColor"
        />
        {clockOf(line.fromMs)}
      </button>
      <span className={cx('text-[0.8667rem] leading-6 font-medium', caller ? 'text-caller' : 'text-assistant')}>{who}</span>
      <div className="col-start-2 min-w-0 sm:col-start-3">
        <p className="leading-6">
          {line.words.length > 0
            ? line.words.map((word, n) => (
                <Fragment key={`${word.fromMs}-${word.text}`}>
                  {n > 0 && ' '}
                  {/* Words are for the pointer; the keyboard plays the line by its time. */}
                  {/* oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
                  <span
                    onClick={() => player?.playFrom(wordStartMs(line, n))}
                    title={player && preciseClockOf(wordStartMs(line, n))}
                    data-word={n}
                    className={cx(
                      'rounded-[2px] decoration-from-font underline-offset-4',
                      player && 'cursor-pointer hover:underline',
                      !caller && isFiller(line, word, fillers) && 'text-ink-3 italic',
                      n === lit &&
                        (caller ? 'bg-caller text-surface ring-2 ring-caller' : 'bg-assistant text-surface ring-2 ring-assistant'),
                    )}
                  >
                    {word.text}
                  </span>
                  {ends && support && (
                    <Marks
                      numbers={marks.get(n)}
                      titleOf={(number) => support.sources.find((source) => source.n === number)?.title ?? ''}
                      onPick={(lit) => setOpened({ lit })}
                    />
                  )}
                  {!caller && endsFiller(line, n, fillers) && <span className="text-[0.8rem] text-ink-3"> (filler)</span>}
                </Fragment>
              ))
            : line.text}
          {line.interrupted && <span className="text-ink-3"> — interrupted</span>}
          {line.confidence !== undefined && line.confidence < 0.5 && <span className="text-ink-3"> (not heard clearly)</span>}
        </p>
        {ends && support && (
          <AnswerSupport
            support={support}
            open={opened !== undefined}
            lit={opened?.lit}
            onToggle={() => setOpened(opened ? undefined : { lit: undefined })}
          />
        )}
      </div>
    </li>
  );
});

const isFiller = (line: TranscriptLine, word: WordTime, fillers: readonly FillerTime[]): boolean => {
  const middle = line.fromMs + (word.fromMs + word.toMs) / 2;
  return fillers.some(({ fromMs, toMs }) => middle >= fromMs && middle <= toMs);
};

/** Whether the word is the last of a filler. */
function endsFiller(line: TranscriptLine, n: number, fillers: readonly FillerTime[]): boolean {
  const [word, next] = [line.words[n], line.words[n + 1]];
  return word !== undefined && isFiller(line, word, fillers) && !(next && isFiller(line, next, fillers));
}

type MarksProps = { numbers: readonly number[] | undefined; titleOf: (n: number) => string; onPick: (n: number) => void };

/** Numbers of sources after a sentence, as footnotes have them. */
function Marks({ numbers = [], titleOf, onPick }: MarksProps) {
  return numbers.map((n) => (
    <sup key={n} className="leading-none">
      <button
        type="button"
        title={titleOf(n)}
        aria-label={`Source ${n}: ${titleOf(n)}`}
        onClick={() => onPick(n)}
        className="num rounded px-0.5 py-0.5 text-[0.68rem] text-ink-3 hover:bg-accent-soft hover:text-accent"
      >
        {n}
      </button>
    </sup>
  ));
}
