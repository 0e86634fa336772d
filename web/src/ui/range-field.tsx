import { type ReactNode, useId } from 'react';
import { cx } from '../lib/classes.ts';

type Step<Value> = { value: Value; title: string; words: string };
type RangeFieldProps<Value> = {
  label: string;
  steps: readonly Step<Value>[];
  value: Value;
  onChange: (value: Value) => void;
  hint?: ReactNode;
};

/** A dial with few steps, each of them named: the words of the chosen one stand below and are read aloud. */
export function RangeField<Value extends string>({ label, steps, value, onChange, hint }: RangeFieldProps<Value>) {
  const id = useId();
  const chosen = Math.max(
    0,
    steps.findIndex((step) => step.value === value),
  );
  const words = steps[chosen]?.words ?? '';
  return (
    <div>
      <label htmlFor={id} className="text-[0.8667rem] font-medium">
        {label}
      </label>
      <input
        id={id}
        type="range"
        min={0}
        max={steps.length - 1}
        step={1}
        value={chosen}
        aria-valuetext={`${steps[chosen]?.title}: ${words}`}
        aria-describedby={`${id}-words`}
        onChange={({ target: { valueAsNumber } }) => {
          const step = steps[valueAsNumber];
          if (step) onChange(step.value);
        }}
        className="mt-2.5 block w-full accent-(--accent)"
      />
      <div className="mt-1 flex justify-between gap-2 text-[0.8667rem]" aria-hidden>
        {steps.map((step, n) => (
          <button
            key={step.value}
            type="button"
            tabIndex={-1}
            onClick={() => onChange(step.value)}
            className={cx('rounded', n === chosen ? 'font-medium text-accent' : 'text-ink-3 hover:text-ink')}
          >
            {step.title}
          </button>
        ))}
      </div>
      <p id={`${id}-words`} className="mt-2 rounded-lg bg-sunken px-3.5 py-2.5 text-[0.8667rem] text-ink-2">
        {words}
        {hint && <span className="mt-1 block text-ink-3">{hint}</span>}
      </p>
    </div>
  );
}
