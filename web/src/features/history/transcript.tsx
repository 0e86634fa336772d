import type { CallTurn, TranscriptLine, WordTime } from '@tandem/contract';
import { Link } from '@tanstack/react-router';
import { FileText, MessageCircleQuestionMark, Play } from 'lucide-react';
import { Fragment, memo, useMemo } from 'react';
import { cx } from '../../lib/classes.ts';
import { clockOf, preciseClockOf } from '../../lib/format.ts';
import { Tip } from '../../ui/tip.tsx';
import { DeedRow } from './deed-row.tsx';
import type { CallStory, Deed, FillerTime } from './deeds.ts';
import { type Player, usePlayerValue } from './player.ts';
import { wordIndexAt, wordStartMs } from './word-at.ts';

type Passages = CallTurn['passages'];
type TranscriptProps = {
  lines: readonly TranscriptLine[];
  turns: readonly CallTurn[];
  player: Player | undefined;
  story: CallStory;
  /** The id of a message or callback whose row is sought. */
  moment: string | undefined;
};

type Entry = { atMs: number; line: TranscriptLine } | { atMs: number; deed: Deed };

/** What each party heard of the other, word by word, with the passages that supported each answer and what was done in between. */
export function Transcript({ lines, turns, player, story: { deeds, fillers }, moment }: TranscriptProps) {
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
  const passages = useMemo(() => new Map(turns.map((turn) => [turn.turn, turn.passages])), [turns]);
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
            passages={lastOfTurn.get(entry.line.turn) === entry.line ? passages.get(entry.line.turn) : undefined}
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
  passages,
  fillers,
}: {
  line: TranscriptLine;
  player: Player | undefined;
  passages: Passages | undefined;
  fillers: readonly FillerTime[];
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
                      !caller && isFiller(line, word, fillers) && 'text-ink-3 italic',
                      n === lit &&
                        (caller ? 'bg-caller text-surface ring-2 ring-caller' : 'bg-assistant text-surface ring-2 ring-assistant'),
                    )}
                  >
                    {word.text}
                  </span>
                  {!caller && endsFiller(line, n, fillers) && <span className="text-[0.8rem] text-ink-3"> (filler)</span>}
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

const isFiller = (line: TranscriptLine, word: WordTime, fillers: readonly FillerTime[]): boolean => {
  const middle = line.fromMs + (word.fromMs + word.toMs) / 2;
  return fillers.some(({ fromMs, toMs }) => middle >= fromMs && middle <= toMs);
};

/** Whether the word is the last of a filler. */
function endsFiller(line: TranscriptLine, n: number, fillers: readonly FillerTime[]): boolean {
  const [word, next] = [line.words[n], line.words[n + 1]];
  return word !== undefined && isFiller(line, word, fillers) && !(next && isFiller(line, next, fillers));
}

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
