import type { AssistantInput, TurnTaking } from '@tandem/contract';
import { SelectField, SwitchField, TextField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { RangeField } from '../../ui/range-field.tsx';
import type { FormPart } from './form-part.ts';

const eagerness: { value: AssistantInput['eagerness']; title: string; words: string }[] = [
  { value: 'low', title: 'Patient', words: 'Waits long before it answers; for callers who think aloud or look things up.' },
  { value: 'medium', title: 'Balanced', words: 'A natural pause, then the answer.' },
  { value: 'high', title: 'Quick', words: 'Answers at once; may cut in when a caller pauses in the middle of a sentence.' },
];

const speculations: { value: TurnTaking['speculation']; title: string; hint: string }[] = [
  {
    value: 'speech',
    title: 'Prepare answer and speech',
    hint: 'Quickest. Costs a little more: an answer that no longer fits is thrown away.',
  },
  { value: 'words', title: 'Prepare the answer only', hint: 'Quick. What no longer fits is thrown away; speaking costs nothing extra.' },
  { value: 'off', title: 'Wait until it is sure', hint: 'Slowest, and nothing is ever prepared in vain.' },
];

export function TurnTakingSection({ input, change, faultAt }: FormPart) {
  const { turnTaking } = input;
  const take = (part: Partial<TurnTaking>) => change({ turnTaking: { ...turnTaking, ...part } });
  const chosen = speculations.find(({ value }) => value === turnTaking.speculation);
  return (
    <Card>
      <CardTitle title="How it takes turns" lead="When it speaks, when it waits, and what it does with the time between." />
      <div className="grid gap-6 px-4 py-5 sm:px-5">
        <RangeField
          label="How soon it takes its turn"
          steps={eagerness}
          value={input.eagerness}
          onChange={(value) => change({ eagerness: value })}
        />
        <div className="grid gap-5 sm:grid-cols-2">
          <SelectField
            label="While the caller finishes"
            hint={chosen?.hint}
            fault={faultAt('turnTaking.speculation')}
            value={turnTaking.speculation}
            onChange={({ target: { value } }) => {
              const picked = speculations.find((each) => each.value === value);
              if (picked) take({ speculation: picked.value });
            }}
          >
            {speculations.map(({ value, title }) => (
              <option key={value} value={value}>
                {title}
              </option>
            ))}
          </SelectField>
          <TextField
            label="Asks whether the caller is still there after"
            type="number"
            min={2}
            max={60}
            step={1}
            value={input.idleMs / 1000}
            fault={faultAt('idleMs')}
            hint="Seconds of silence, 2 to 60"
            onChange={({ target: { valueAsNumber } }) => change({ idleMs: Math.round((valueAsNumber || 0) * 1000) })}
          />
        </div>
        <div className="grid gap-4">
          <SwitchField
            label="Follow each caller’s own rhythm"
            hint="Waits longer for slow speakers and for numbers and addresses, less after a yes or no."
            checked={turnTaking.adaptive}
            onChange={(adaptive) => take({ adaptive })}
          />
          <SwitchField
            label="Say “One moment.” when the answer will be late"
            hint="Only when a wait is foreseen; the caller knows that somebody is there."
            checked={turnTaking.fillers}
            onChange={(fillers) => take({ fillers })}
          />
          <SwitchField
            label="Ask a late language model a second time"
            hint="Cuts the longest waits. Costs more: in about one turn of four the question is sent, and paid for, twice."
            checked={turnTaking.hedging}
            onChange={(hedging) => take({ hedging })}
          />
          <SwitchField
            label="Let nobody interrupt the greeting"
            hint="For a legal notice that must be heard to its end. Keys still work."
            checked={turnTaking.greetingProtected}
            onChange={(greetingProtected) => take({ greetingProtected })}
          />
        </div>
      </div>
    </Card>
  );
}
