import { type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes, useId } from 'react';
import { cx } from '../lib/classes.ts';

const box =
  'w-full rounded-lg border border-line-strong bg-surface px-3 text-[0.9333rem] text-ink transition-colors hover:border-ink-3 aria-[invalid=true]:border-bad disabled:opacity-60';

type Shared = { label: string; hint?: ReactNode; fault?: string | undefined; wide?: boolean };

function Frame({
  id,
  label,
  hint,
  fault,
  children,
  className,
}: Shared & { id: string; children: ReactNode; className?: string | undefined }) {
  return (
    <div className={cx('flex min-w-0 flex-col gap-1.5', className)}>
      <label htmlFor={id} className="text-[0.8667rem] font-medium">
        {label}
      </label>
      {children}
      {fault ? (
        <p id={`${id}-fault`} className="text-[0.8rem] text-bad" role="alert">
          {fault}
        </p>
      ) : (
        hint && (
          <p id={`${id}-hint`} className="text-[0.8rem] text-ink-3">
            {hint}
          </p>
        )
      )}
    </div>
  );
}

const describe = (id: string, { hint, fault }: Shared) => ({
  'aria-invalid': fault ? true : undefined,
  'aria-describedby': fault ? `${id}-fault` : hint ? `${id}-hint` : undefined,
});

export function TextField({ label, hint, fault, className, ...input }: Shared & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} fault={fault} className={className}>
      <input id={id} className={cx(box, 'h-10')} {...describe(id, { label, hint, fault })} {...input} />
    </Frame>
  );
}

export function TextArea({ label, hint, fault, className, ...area }: Shared & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} fault={fault} className={className}>
      <textarea id={id} rows={4} className={cx(box, 'resize-y py-2 leading-relaxed')} {...describe(id, { label, hint, fault })} {...area} />
    </Frame>
  );
}

export function SelectField({ label, hint, fault, className, children, ...select }: Shared & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} fault={fault} className={className}>
      <select id={id} className={cx(box, 'h-10 pr-8')} {...describe(id, { label, hint, fault })} {...select}>
        {children}
      </select>
    </Frame>
  );
}

/** A bare select or input for filter bars, named by `aria-label`. */
export const filterBox = 'h-10 rounded-lg border border-line-strong bg-surface px-3 text-[0.9333rem] text-ink hover:border-ink-3';

export function SwitchField({
  label,
  hint,
  checked,
  onChange,
}: {
  label: string;
  hint?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <div className="flex items-start justify-between gap-4">
      <div>
        <label htmlFor={id} className="text-[0.8667rem] font-medium">
          {label}
        </label>
        {hint && <p className="mt-0.5 text-[0.8rem] text-ink-3">{hint}</p>}
      </div>
      <button
        id={id}
        type="button"
        role="switch"
        aria-checked={checked}
        onClick={() => onChange(!checked)}
        className={cx('relative mt-0.5 h-6 w-11 shrink-0 rounded-full transition-colors', checked ? 'bg-accent' : 'bg-line-strong')}
      >
        <span
          className={cx('absolute top-0.5 left-0.5 size-5 rounded-full bg-white shadow transition-transform', checked && 'translate-x-5')}
        />
      </button>
    </div>
  );
}
