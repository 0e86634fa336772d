import { useEffect, useRef } from 'react';
import { cx } from '../../lib/classes.ts';
import type { Caption } from './captions.ts';

/** The words of both sides as they are spoken, newest at the bottom. */
export function CaptionsBox({ captions, assistantName, hint }: { captions: readonly Caption[]; assistantName: string; hint: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [captions]);
  return (
    <div
      ref={box}
      className="min-h-0 flex-1 overflow-y-auto px-5"
      role="log"
      aria-label="Captions"
      data-testid="captions"
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a scrollable region must be reachable with the keyboard
      tabIndex={captions.length > 0 ? 0 : -1}
    >
      {captions.length === 0 ? (
        <p className="mx-auto max-w-64 pt-2 text-center text-[0.9333rem] leading-relaxed text-ink-3">{hint}</p>
      ) : (
        <ol className="flex min-h-full flex-col justify-end gap-2.5 py-2">
          {captions.map(({ id, party, text, final }) => (
            <li
              key={id}
              data-party={party}
              className={cx(
                'max-w-[85%] animate-rise rounded-2xl px-4 py-2.5 leading-relaxed',
                party === 'caller' ? 'self-end rounded-br-md bg-caller-soft' : 'self-start rounded-bl-md bg-assistant-soft',
                !final && party === 'caller' && 'text-ink-3',
              )}
            >
              <span className="sr-only">{party === 'caller' ? 'You' : assistantName}: </span>
              {text}
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
