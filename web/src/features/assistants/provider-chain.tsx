import { ArrowDown, ArrowUp, Plus, X } from 'lucide-react';
import { useId, useRef, useState } from 'react';
import { vendorOf } from '../../lib/format.ts';
import { Button } from '../../ui/button.tsx';
import { filterBox } from '../../ui/field.tsx';

type ProviderChainProps = {
  /** `Listening`, as in "Listening: first choice". */
  title: string;
  hint: string;
  installed: readonly string[];
  /** The first choice, then who takes over, in order. */
  chain: readonly string[];
  onChange: (chain: string[]) => void;
  fault: string | undefined;
};

const MOST = 6;

/** An ordered list of providers: the first is used, the next takes over when it fails. Empty: the best one installed. */
export function ProviderChain({ title, hint, installed, chain, onChange, fault }: ProviderChainProps) {
  const id = useId();
  const [said, setSaid] = useState('');
  const adder = useRef<HTMLSelectElement>(null);
  const rest = installed.filter((name) => !chain.includes(name));
  const move = (from: number, to: number) => {
    const next = [...chain];
    const [name = ''] = next.splice(from, 1);
    next.splice(to, 0, name);
    onChange(next);
    setSaid(`${vendorOf(name)} is now number ${to + 1}.`);
  };
  const remove = (name: string) => {
    onChange(chain.filter((each) => each !== name));
    setSaid(`${vendorOf(name)} was taken out.`);
    adder.current?.focus();
  };
  return (
    <section aria-labelledby={id}>
      <h3 id={id} className="text-[0.8667rem] font-medium">
        {title}
      </h3>
      <p className="text-[0.8rem] text-ink-3">{hint}</p>
      <ol className="mt-2 divide-y divide-line rounded-lg border border-line-strong">
        {chain.map((name, n) => (
          <li key={name} className="flex items-center gap-2 py-1 pr-1 pl-3">
            <span className="num w-4 text-[0.8rem] text-ink-3">{n + 1}</span>
            <span className="min-w-0 flex-1 truncate text-[0.9333rem]">
              {vendorOf(name)}
              {!installed.includes(name) && installed.length > 0 && (
                <span className="text-[0.8rem] text-slow"> not installed here: skipped</span>
              )}
            </span>
            <Button
              look="quiet"
              size="smallIcon"
              disabled={n === 0}
              onClick={() => move(n, n - 1)}
              aria-label={`${vendorOf(name)}: earlier`}
            >
              <ArrowUp aria-hidden />
            </Button>
            <Button
              look="quiet"
              size="smallIcon"
              disabled={n === chain.length - 1}
              onClick={() => move(n, n + 1)}
              aria-label={`${vendorOf(name)}: later`}
            >
              <ArrowDown aria-hidden />
            </Button>
            <Button look="quiet" size="smallIcon" onClick={() => remove(name)} aria-label={`Take ${vendorOf(name)} out`}>
              <X aria-hidden />
            </Button>
          </li>
        ))}
        {chain.length === 0 && (
          <li className="px-3 py-2 text-[0.9rem] text-ink-2">The best one installed{installed[0] ? `: ${vendorOf(installed[0])}` : ''}</li>
        )}
      </ol>
      {rest.length > 0 && chain.length < MOST && (
        <div className="mt-2 flex items-center gap-2">
          <Plus className="size-4 text-ink-3" aria-hidden />
          <select
            ref={adder}
            className={`${filterBox} h-9 min-w-0 flex-1`}
            aria-label={`${title}: add a provider`}
            value=""
            onChange={({ target: { value } }) => value && onChange([...chain, value])}
          >
            <option value="">{chain.length === 0 ? 'Choose one instead…' : 'Add who takes over when it fails…'}</option>
            {rest.map((name) => (
              <option key={name} value={name}>
                {vendorOf(name)}
              </option>
            ))}
          </select>
        </div>
      )}
      {fault && (
        <p className="mt-1.5 text-[0.8rem] text-bad" role="alert">
          {fault}
        </p>
      )}
      <p className="sr-only" role="status">
        {said}
      </p>
    </section>
  );
}
