import type { CallTurn, TranscriptLine } from '@tandem/contract';
import { Link } from '@tanstack/react-router';
import { FileText, MessageCircleQuestionMark, Play } from 'lucide-react';
import { Fragment, memo, useMemo } from 'react';
import { cx } from '../../lib/classes.ts';
import { clockOf, preciseClockOf } from '../../lib/format.ts';
import { Tip } from '../../ui/tip.tsx';
import { type Player, usePlayerValue } from './player.ts';
import { wordIndexAt, wordStartMs } from './word-at.ts';

type Passages = CallTurn['passages'];
type TranscriptProps = { lines: readonly TranscriptLine[]; turns: readonly CallTurn[]; player: Player | undefined };

/** What each party heard of the other, word by word, with the passages that supported each answer. */
export function Transcript({ lines, turns, player }: TranscriptProps) {
  const lastOfTurn = useMemo(() => {
    const last = new Map<number, TranscriptLine>();
    for (const line of lines) if (line.party === 'assistant') last.set(line.turn, line);
    return last;
  }, [lines]);
  const passages = useMemo(() => new Map(turns.map((turn) => [turn.turn, turn.passages])), [turns]);
  return (
    <ol className="flex flex-col gap-1 px-2 py-3 sm:px-3" data-testid="transcript">
      {lines.map((line) => (
        <Line
          key={`${line.party}-${line.turn}-${line.fromMs}`}
          line={line}
          player={player}
          passages={lastOfTurn.get(line.turn) === line ? passages.get(line.turn) : undefined}
        />
      ))}
    </ol>
  );
}

const Line = memo(function Line({
  line,
  player,
  passages,
}: {
  line: TranscriptLine;
  player: Player | undefined;
  passages: Passages | undefined;
}) {
  const here = usePlayerValue(player, (p) => p.playing() && p.positionMs() >= line.fromMs && p.positionMs() <= line.toMs, false);
  const lit = usePlayerValue(player, (p) => wordIndexAt(line, p.positionMs()), -1);
  const caller = line.party === 'caller';
  const who = caller ? 'Caller' : 'Assistant';
  return (
    <li
      className={cx(
        'grid grid-cols-[3.6rem_minmax(0,1fr)] gap-x-2 rounded-lg px-2 py-2 transition-colors sm:grid-cols-[4rem_5rem_minmax(0,1fr)]',
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
                      n === lit &&
                        (caller ? 'bg-caller text-surface ring-2 ring-caller' : 'bg-assistant text-surface ring-2 ring-assistant'),
                    )}
                  >
                    {word.text}
                  </span>
                </Fragment>
              ))
            : line.text}
          {line.interrupted && <span className="text-ink-3"> — interrupted</span>}
          {line.confidence !== undefined && line.confidence < 0.5 && <span className="text-ink-3"> (not heard clearly)</span>}
        </p>
        {passages && passages.length > 0 && <Sources passages={passages} />}
      </div>
    </li>
  );
});

/** A passage of an approved question is told from a document's by the id of where it comes from. */
const searchOf = (id: string) => (id.startsWith('question_') ? { question: id } : { document: id });

/** One chip for each document or approved question, the best passage of each deciding. */
function Sources({ passages }: { passages: Passages }) {
  const best = new Map<string, Passages[number]>();
  for (const passage of passages) {
    const known = best.get(passage.documentId);
    if (!known || passage.score > known.score) best.set(passage.documentId, passage);
  }
  return (
    <ul className="mt-1.5 flex flex-wrap gap-1.5" aria-label="What supported this answer">
      {[...best.values()].map(({ documentId, title, score }) => (
        <li key={documentId}>
          <Tip words={`“${title}” supported this answer (score ${score.toFixed(2)}).`}>
            <Link
              to="/knowledge"
              search={searchOf(documentId)}
              className="inline-flex items-center gap-1.5 rounded-full border border-line px-2.5 py-0.5 text-[0.8rem] text-ink-2 hover:border-line-strong hover:text-ink"
            >
              {documentId.startsWith('question_') ? (
                <MessageCircleQuestionMark className="size-3" aria-hidden />
              ) : (
                <FileText className="size-3" aria-hidden />
              )}
              {title}
            </Link>
          </Tip>
        </li>
      ))}
    </ul>
  );
}
