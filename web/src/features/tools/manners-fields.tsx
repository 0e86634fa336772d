import { useQuery } from '@tanstack/react-query';
import { assistantsQuery } from '../../lib/queries.ts';
import { CheckField } from '../../ui/check-field.tsx';
import { SwitchField, TextField } from '../../ui/field.tsx';
import type { ToolPart } from './draft.ts';

/** How the assistant behaves around the tool. */
export function MannersFields({ draft, change, faultAt }: ToolPart) {
  return (
    <fieldset className="grid gap-4">
      <legend className="mb-3 text-[0.9333rem] font-semibold">Its manners</legend>
      <SwitchField
        label="It changes something"
        hint="It books, orders, writes or sends. The assistant reads the details back first, and never sends it twice, even when the answer is lost."
        checked={draft.sideEffect}
        onChange={(sideEffect) => change({ sideEffect })}
      />
      {draft.sideEffect ? (
        draft.kind === 'http' && (
          <TextField
            label="Where to ask whether it happened"
            spellCheck={false}
            className="[&_input]:font-mono [&_input]:text-[0.8667rem]"
            placeholder="https://shop.example.com/orders/by-key/{{idempotencyKey}}"
            value={draft.reconcileUrl}
            fault={faultAt('reconcileUrl')}
            hint="If the answer gets lost, this address is asked with the key of the request: found means done, 404 not done. Without it a person has to check."
            onChange={({ target: { value } }) => change({ reconcileUrl: value })}
          />
        )
      ) : (
        <SwitchField
          label="It may be dropped when the caller speaks on"
          hint="For look-ups whose answer nobody needs any more."
          checked={draft.interruptible}
          onChange={(interruptible) => change({ interruptible })}
        />
      )}
      <div className="grid items-start gap-4 sm:grid-cols-[minmax(0,1fr)_10rem]">
        <TextField
          label="Said while it runs"
          maxLength={200}
          placeholder="Let me look that up."
          value={draft.say}
          fault={faultAt('say')}
          hint="A few words, so that nobody waits in silence"
          onChange={({ target: { value } }) => change({ say: value })}
        />
        <TextField
          label="Gives up after"
          type="number"
          min={0.1}
          max={30}
          step={0.5}
          value={draft.timeoutMs / 1000}
          fault={faultAt('timeoutMs')}
          hint="Seconds, at most 30"
          onChange={({ target: { valueAsNumber } }) => change({ timeoutMs: Math.round((valueAsNumber || 0) * 1000) })}
        />
      </div>
    </fieldset>
  );
}

/** Who may use the tool. */
export function WhoFields({ draft, change, faultAt }: ToolPart) {
  const assistants = useQuery(assistantsQuery);
  const everyone = draft.assistantIds.length === 0;
  const rows = assistants.data ?? [];
  return (
    <fieldset className="grid gap-3">
      <legend className="mb-3 text-[0.9333rem] font-semibold">Who may use it</legend>
      <SwitchField
        label="In use"
        hint="Switched off, no assistant knows of it from the next call on."
        checked={draft.enabled}
        onChange={(enabled) => change({ enabled })}
      />
      <CheckField
        label="Every assistant"
        hint={everyone ? 'Those you make later too. To choose, tick one of them.' : undefined}
        checked={everyone}
        disabled={everyone}
        onChange={() => change({ assistantIds: [] })}
      />
      <div className="grid gap-2 pl-6">
        {rows.map(({ id, name }) => (
          <CheckField
            key={id}
            label={name}
            checked={draft.assistantIds.includes(id)}
            onChange={(on) => change({ assistantIds: on ? [...draft.assistantIds, id] : draft.assistantIds.filter((each) => each !== id) })}
          />
        ))}
      </div>
      {faultAt('assistantIds') && (
        <p className="text-[0.8rem] text-bad" role="alert">
          {faultAt('assistantIds')}
        </p>
      )}
    </fieldset>
  );
}
