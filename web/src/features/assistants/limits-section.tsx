import { SwitchField, TextField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import type { FormPart } from './form-part.ts';

export function LimitsSection({ input, change, faultAt }: FormPart) {
  return (
    <Card>
      <CardTitle title="Limits and recording" lead="At a limit it excuses itself and says goodbye; it never just hangs up." />
      <div className="grid gap-5 px-4 py-5 sm:px-5">
        <div className="grid gap-5 sm:grid-cols-2">
          <TextField
            label="Most a call may cost, in US dollars"
            type="number"
            min={0.01}
            max={1000}
            step={0.01}
            inputMode="decimal"
            placeholder="No limit"
            value={input.costCeiling ?? ''}
            fault={faultAt('costCeiling')}
            hint="What the providers charge, by the price list. Empty: no limit."
            onChange={({ target: { value, valueAsNumber } }) => change({ costCeiling: value === '' ? null : valueAsNumber })}
          />
          <TextField
            label="Longest call, in minutes"
            type="number"
            min={1}
            max={240}
            step={1}
            value={input.maxDurationMs / 60_000}
            fault={faultAt('maxDurationMs')}
            onChange={({ target: { valueAsNumber } }) => change({ maxDurationMs: Math.round((valueAsNumber || 0) * 60_000) })}
          />
        </div>
        <SwitchField
          label="Record its calls"
          hint="In stereo, the caller on the left. Tell callers so in the greeting."
          checked={input.recording}
          onChange={(recording) => change({ recording })}
        />
      </div>
    </Card>
  );
}
