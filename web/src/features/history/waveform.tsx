import type { TranscriptLine } from '@tandem/contract';
import { type KeyboardEvent, type PointerEvent, useEffect, useMemo, useRef, useState } from 'react';
import { cx } from '../../lib/classes.ts';
import { clockOf, preciseClockOf } from '../../lib/format.ts';
import { columnsOf } from './peaks.ts';
import type { Outline } from './peaks-worker.ts';
import { type Player, usePlayerValue } from './player.ts';

const LANE_HEIGHT = 64;
const BAR = 2;
const GAP = 1;

type WaveformProps = { outline: Outline; player: Player | undefined; lines: readonly TranscriptLine[] };

/** Both voices over time, the caller above the assistant; a press or an arrow key moves the play head. */
export function Waveform({ outline, player, lines }: WaveformProps) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [pointerMs, setPointerMs] = useState<number>();
  const position = usePlayerValue(player, (playing) => Math.round(playing.positionMs()), 0);
  const { durationMs, lanes } = outline;

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.floor(entry.contentRect.width)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const msAt = (event: PointerEvent): number => {
    const { left, width: across } = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - left) / across)) * durationMs;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const jumps: Record<string, number> = { Home: -position, End: durationMs - position, PageUp: -30_000, PageDown: 30_000 };
    const jump = jumps[event.key];
    if (jump === undefined) return;
    event.preventDefault();
    player?.seek(position + jump);
  };
  const percent = (ms: number) => `${durationMs > 0 ? (ms / durationMs) * 100 : 0}%`;

  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-x-4 sm:grid-cols-[4.5rem_minmax(0,1fr)]" data-testid="waveform">
      <div className="hidden grid-rows-2 text-[0.8rem] font-medium sm:grid" style={{ height: LANE_HEIGHT * 2 }} aria-hidden>
        <span className="self-center text-caller">Caller</span>
        <span className="self-center text-assistant">Assistant</span>
      </div>
      <div
        ref={box}
        className="relative cursor-pointer touch-none rounded-md select-none"
        style={{ height: LANE_HEIGHT * 2 }}
        role="slider"
        tabIndex={0}
        aria-label="Position in the recording"
        aria-valuemin={0}
        aria-valuemax={Math.round(durationMs / 1000)}
        aria-valuenow={Math.round(position / 1000)}
        aria-valuetext={`${clockOf(position)} of ${clockOf(durationMs)}`}
        onKeyDown={onKeyDown}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          player?.seek(msAt(event));
        }}
        onPointerMove={(event) => {
          setPointerMs(msAt(event));
          if (event.currentTarget.hasPointerCapture(event.pointerId)) player?.seek(msAt(event));
        }}
        onPointerLeave={() => setPointerMs(undefined)}
      >
        {lines.map((line) => (
          <span
            key={`${line.party}-${line.turn}-${line.fromMs}`}
            className={cx(
              'absolute h-[58px] rounded-md',
              line.party === 'caller' ? 'top-[3px] bg-caller-soft' : 'bottom-[3px] bg-assistant-soft',
            )}
            style={{ left: percent(line.fromMs), width: percent(Math.max(0, line.toMs - line.fromMs)) }}
            aria-hidden
          />
        ))}
        <span className="absolute inset-x-0 top-1/2 border-t border-line" aria-hidden />
        <Bars lanes={lanes} width={width} className="opacity-45" />
        <Bars lanes={lanes} width={width} clipRight={`calc(100% - ${percent(position)})`} />
        <span
          className="pointer-events-none absolute inset-y-0 w-0.5 -translate-x-1/2 rounded-full bg-ink"
          style={{ left: percent(position) }}
          aria-hidden
        />
        {pointerMs !== undefined && (
          <span
            className="pointer-events-none absolute inset-y-0 border-l border-ink-3/60"
            style={{ left: percent(pointerMs) }}
            aria-hidden
          >
            <span
              className={cx(
                'num absolute -top-6 rounded bg-ink px-1.5 py-0.5 text-[0.7rem] text-paper',
                pointerMs > durationMs * 0.9 ? 'right-0' : 'left-0',
              )}
            >
              {preciseClockOf(pointerMs)}
            </span>
          </span>
        )}
      </div>
    </div>
  );
}

function Bars({
  lanes,
  width,
  clipRight = '0px',
  className,
}: {
  lanes: Float32Array[];
  width: number;
  clipRight?: string;
  className?: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const heights = useMemo(() => lanes.map((lane) => columnsOf(lane, Math.max(1, Math.floor(width / (BAR + GAP))))), [lanes, width]);
  const dark = useDark();

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context || width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    element.width = width * ratio;
    element.height = LANE_HEIGHT * 2 * ratio;
    context.scale(ratio, ratio);
    const style = getComputedStyle(element);
    const colors = [style.getPropertyValue('--caller'), style.getPropertyValue('--assistant')];
    for (const [lane, columns] of heights.entries()) {
      const middle = LANE_HEIGHT * (lane + 0.5);
      context.fillStyle = colors[lane] ?? '';
      context.beginPath();
      for (const [column, height] of columns.entries()) {
        const tall = Math.max(1, height * (LANE_HEIGHT - 16));
        context.roundRect(column * (BAR + GAP), middle - tall / 2, BAR, tall, 1);
      }
      context.fill();
    }
    // `dark` is read through the style above.
  }, [heights, width, dark]);

  return (
    <canvas
      ref={canvas}
      className={cx('pointer-events-none absolute inset-0', className)}
      style={{ width, height: LANE_HEIGHT * 2, clipPath: `inset(0 ${clipRight} 0 0)` }}
      aria-hidden
    />
  );
}

function useDark(): boolean {
  const [dark, setDark] = useState(() => matchMedia('(prefers-color-scheme: dark)').matches);
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)');
    const listen = () => setDark(query.matches);
    query.addEventListener('change', listen);
    return () => query.removeEventListener('change', listen);
  }, []);
  return dark;
}
