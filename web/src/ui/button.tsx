import { cva, type VariantProps } from 'class-variance-authority';
import { LoaderCircle } from 'lucide-react';
import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { cx } from '../lib/classes.ts';

export const buttonLook = cva(
  'inline-flex shrink-0 items-center justify-center gap-2 rounded-lg font-medium whitespace-nowrap transition-colors select-none disabled:opacity-50 disabled:pointer-events-none [&_svg]:shrink-0',
  {
    variants: {
      look: {
        primary: 'bg-accent text-on-accent hover:bg-accent-strong',
        plain: 'border border-line-strong bg-surface text-ink hover:bg-sunken',
        quiet: 'text-ink-2 hover:bg-sunken hover:text-ink',
        danger: 'border border-line-strong bg-surface text-bad hover:border-bad hover:bg-bad-soft',
        dangerous: 'bg-bad text-surface hover:opacity-90',
      },
      size: {
        small: 'h-8 px-2.5 text-[0.8667rem] [&_svg]:size-4',
        medium: 'h-10 px-4 text-[0.9333rem] [&_svg]:size-[1.1rem]',
        large: 'h-12 px-5 text-base [&_svg]:size-5',
        icon: 'size-10 [&_svg]:size-[1.15rem]',
        smallIcon: 'size-8 [&_svg]:size-4',
      },
    },
    defaultVariants: { look: 'plain', size: 'medium' },
  },
);

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & VariantProps<typeof buttonLook> & { busy?: boolean; children: ReactNode };

/** A button; `busy` shows that its work is under way and takes no second press. */
export function Button({ look, size, busy = false, className, children, type = 'button', disabled, ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={cx(buttonLook({ look, size }), className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
      {...rest}
    >
      {busy && <LoaderCircle className="animate-spin" aria-hidden />}
      {children}
    </button>
  );
}
