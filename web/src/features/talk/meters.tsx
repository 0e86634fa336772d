import { type ReactNode, type RefObject, useEffect, useRef } from 'react';
import { cx } from '../../lib/classes.ts';
import type { TalkCall } from './talk-call.ts';

/** Speech at the microphone is some -20 dB; the meter is full there. */
const loudness = (level: number): number => Math.min(1, Math.max(0, (20 * Math.log10(level + 1e-6) + 55) / 38));

/** Writes a level to the element's `--level` on every animation frame, rising at once and falling slowly, without rendering. */
function useLevel(element: RefObject<HTMLElement | null>, read: () => number, live: boolean): void {
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    if (!live) {
      element.current?.style.setProperty('--level', '0');
      return undefined;
    }
    let shown = 0;
    let frame = 0;
    const step = () => {
      const level = loudness(latest.current());
      shown = level > shown ? level : shown * 0.86 + level * 0.14;
      element.current?.style.setProperty('--level', shown.toFixed(3));
      frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [element, live]);
}

/** The assistant's face: rings that grow with its voice. */
export function Halo({ call, live, children }: { call: TalkCall; live: boolean; children: ReactNode }) {
  const ring = useRef<HTMLDivElement>(null);
  useLevel(ring, () => call.levels.assistant, live);
  return (
    <div ref={ring} className="relative grid size-24 place-items-center" aria-hidden>
      <span
        className="absolute inset-0 rounded-full bg-assistant opacity-15"
        style={{ transform: 'scale(calc(1 + var(--level, 0) * 0.42))' }}
      />
      <span
        className="absolute inset-0 rounded-full bg-assistant opacity-25"
        style={{ transform: 'scale(calc(1 + var(--level, 0) * 0.18))' }}
      />
      <span
        className={cx(
          'relative grid size-24 place-items-center rounded-full bg-assistant text-4xl font-semibold text-surface',
          !live && 'opacity-90',
        )}
      >
        {children}
      </span>
    </div>
  );
}

/** The caller's own voice, rising inside the mute button. */
export function Meter({ call }: { call: TalkCall }) {
  const bar = useRef<HTMLSpanElement>(null);
  useLevel(bar, () => call.levels.caller, true);
  return (
    <span
      ref={bar}
      data-testid="microphone-level"
      className="pointer-events-none absolute inset-0 origin-bottom bg-caller opacity-30"
      style={{ transform: 'scaleY(var(--level, 0))' }}
      aria-hidden
    />
  );
}
