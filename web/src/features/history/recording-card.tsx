import type { TranscriptLine } from '@tandem/contract';
import { Pause, Play, RotateCcw, RotateCw } from 'lucide-react';
import { useEffect } from 'react';
import { clockOf } from '../../lib/format.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/page.tsx';
import { Failed, Notice, Skeleton } from '../../ui/states.tsx';
import { type Player, SPEEDS, usePlayerValue } from './player.ts';
import type { Recording } from './use-recording.ts';
import { Waveform } from './waveform.tsx';

const JUMP_MS = 5_000;

type RecordingCardProps = { recording: Recording; player: Player | undefined; lines: readonly TranscriptLine[]; retry: () => void };

export function RecordingCard({ recording, player, lines, retry }: RecordingCardProps) {
  usePlayerKeys(player);
  if (recording.state === 'failed') {
    return (
      <Card>
        <Failed what="The recording could not be opened" error={recording.error} retry={retry} />
      </Card>
    );
  }
  return (
    <Card className="px-4 pt-7 pb-4 sm:px-5">
      {recording.state === 'loading' ? (
        <div role="status" aria-label="Loading the recording">
          <Skeleton className="h-32 w-full" />
          <Skeleton className="mt-4 h-10 w-64" />
        </div>
      ) : (
        <>
          <Waveform outline={recording.outline} player={player} lines={lines} />
          <Controls player={player} durationMs={recording.outline.durationMs} />
        </>
      )}
    </Card>
  );
}

function Controls({ player, durationMs }: { player: Player | undefined; durationMs: number }) {
  const playing = usePlayerValue(player, (p) => p.playing(), false);
  const seconds = usePlayerValue(player, (p) => Math.floor(p.positionMs() / 1000), 0);
  const speed = usePlayerValue(player, (p) => p.speed(), 1);
  const failed = usePlayerValue(player, (p) => p.failed(), false);
  const jump = (ms: number) => player?.seek(player.positionMs() + ms);
  return (
    <>
      <div className="mt-4 flex flex-wrap items-center gap-x-2 gap-y-3">
        <Button
          look="primary"
          size="icon"
          className="rounded-full"
          onClick={() => player?.toggle()}
          aria-label={playing ? 'Pause' : 'Play'}
          data-testid="play"
        >
          {playing ? <Pause aria-hidden fill="currentColor" /> : <Play aria-hidden fill="currentColor" className="translate-x-px" />}
        </Button>
        <Button look="quiet" size="icon" onClick={() => jump(-JUMP_MS)} aria-label="Back five seconds">
          <RotateCcw aria-hidden />
        </Button>
        <Button look="quiet" size="icon" onClick={() => jump(JUMP_MS)} aria-label="On five seconds">
          <RotateCw aria-hidden />
        </Button>
        <span className="num px-1 text-[0.9rem] text-ink-2">
          <span className="text-ink">{clockOf(seconds * 1000)}</span> / {clockOf(durationMs)}
        </span>
        <div className="ml-auto flex rounded-lg bg-sunken p-0.5" role="group" aria-label="Speed">
          {SPEEDS.map((choice) => (
            <button
              key={choice}
              type="button"
              aria-pressed={speed === choice}
              onClick={() => player?.setSpeed(choice)}
              className="num h-8 rounded-md px-2.5 text-[0.8rem] text-ink-2 aria-pressed:bg-surface aria-pressed:font-medium aria-pressed:text-ink aria-pressed:shadow-card"
            >
              {choice}×
            </button>
          ))}
        </div>
      </div>
      {failed && <Notice className="mt-3">This browser does not play the recording’s sound format.</Notice>}
      <p className="mt-3 hidden text-[0.8rem] text-ink-3 sm:block">
        Space plays and pauses, the arrow keys jump five seconds. Click any word below to hear it.
      </p>
    </>
  );
}

/** Space and arrows work anywhere on the page but where they have a meaning of their own. */
function usePlayerKeys(player: Player | undefined): void {
  useEffect(() => {
    if (!player) return undefined;
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof Element ? event.target : undefined;
      if (target?.closest('input, textarea, select, [contenteditable], [role=dialog]')) return;
      if (event.key === ' ') {
        if (target?.closest('button, summary, a')) return;
        player.toggle();
      } else if (event.key === 'ArrowLeft') player.seek(player.positionMs() - JUMP_MS);
      else if (event.key === 'ArrowRight') player.seek(player.positionMs() + JUMP_MS);
      else return;
      event.preventDefault();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, [player]);
}
