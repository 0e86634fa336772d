import { Plus, X } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';
import { cx } from '../lib/classes.ts';
import { Button } from './button.tsx';
import { filterBox } from './field.tsx';

type ChoicesFieldProps = {
  label: string;
  /** What stands for an empty list. */
  none: string;
  hint?: ReactNode;
  fault?: string | undefined;
  /** Values that are in use somewhere; any other may be written. */
  known: readonly string[];
  chosen: readonly string[];
  /** As the API wants it written; undefined where it cannot be a value. */
  read?: (text: string) => string | undefined;
  wordsOf?: (value: string) => string;
  onChange: (chosen: string[]) => void;
};

/** Any number of values: those in use are at hand, others are written. */
export function ChoicesField(props: ChoicesFieldProps) {
  const {
    label,
    none,
    hint,
    fault,
    known,
    chosen,
    onChange,
    wordsOf = (value) => value,
    read = (value) => value.trim() || undefined,
  } = props;
  const id = useId();
  const [text, setText] = useState('');
  const fresh = read(text);
  const offered = known.filter((value) => !chosen.includes(value));
  const add = () => {
    if (fresh === undefined) return;
    if (!chosen.includes(fresh)) onChange([...chosen, fresh]);
    setText('');
  };
  const onEnter = (event: KeyboardEvent) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    add();
  };
  return (
    <fieldset className="min-w-0" aria-describedby={fault || hint ? `${id}-hint` : undefined}>
      <legend className="text-[0.8667rem] font-medium">
        {label}
        {chosen.length === 0 && <span className="font-normal text-ink-3">: {none}</span>}
      </legend>
      <div className="mt-1.5 flex flex-wrap items-center gap-2">
        {chosen.map((value) => (
          <Choice key={value} on words={wordsOf(value)} onClick={() => onChange(chosen.filter((each) => each !== value))} />
        ))}
        {offered.map((value) => (
          <Choice key={value} words={wordsOf(value)} onClick={() => onChange([...chosen, value])} />
        ))}
        <span className="inline-flex gap-1">
          <input
            aria-label={`${label}: another`}
            placeholder="Another"
            value={text}
            maxLength={60}
            spellCheck={false}
            onChange={({ target: { value } }) => setText(value)}
            onKeyDown={onEnter}
            className={cx(filterBox, 'h-8 w-28 px-2.5 text-[0.8667rem]')}
          />
          <Button size="smallIcon" look="quiet" aria-label={`${label}: add ${text}`} disabled={fresh === undefined} onClick={add}>
            <Plus aria-hidden />
          </Button>
        </span>
      </div>
      {(fault ?? hint) && (
        <p id={`${id}-hint`} className={cx('mt-1.5 text-[0.8rem]', fault ? 'text-bad' : 'text-ink-3')} role={fault ? 'alert' : undefined}>
          {fault ?? hint}
        </p>
      )}
    </fieldset>
  );
}

function Choice({ words, on = false, onClick }: { words: string; on?: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onClick}
      className={cx(
        'inline-flex h-8 max-w-full items-center gap-1.5 rounded-full border px-3 text-[0.8667rem] transition-colors',
        on ? 'border-accent bg-accent-soft font-medium text-accent' : 'border-line-strong text-ink-2 hover:bg-sunken hover:text-ink',
      )}
    >
      <span className="truncate">{words}</span>
      {on && <X className="size-3.5 shrink-0" aria-hidden />}
    </button>
  );
}
