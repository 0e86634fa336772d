import { Tooltip } from 'radix-ui';
import type { ReactNode } from 'react';

/** Plain words on hover and on keyboard focus. The child must be focusable to be reached without a mouse. */
export function Tip({ words, children, side = 'top' }: { words: ReactNode; children: ReactNode; side?: 'top' | 'right' | 'bottom' }) {
  return (
    <Tooltip.Root delayDuration={150}>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          side={side}
          sideOffset={6}
          collisionPadding={12}
          className="z-50 max-w-72 animate-rise rounded-lg bg-ink px-3 py-2 text-[0.8rem] leading-snug text-paper shadow-float"
        >
          {words}
          <Tooltip.Arrow className="fill-ink" />
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

export const TipProvider = Tooltip.Provider;
