import type { BuiltInTool, TransferTarget } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus, X } from 'lucide-react';
import { toolsQuery } from '../../lib/queries.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { CheckField } from '../../ui/check-field.tsx';
import { TextField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Notice } from '../../ui/states.tsx';
import type { FormPart } from './form-part.ts';

const builtIn: { value: BuiltInTool; title: string; hint: string }[] = [
  { value: 'end_call', title: 'End the call', hint: 'Says goodbye and hangs up when everything is said.' },
  { value: 'take_message', title: 'Take a message', hint: 'You find it under Messages.' },
  { value: 'schedule_callback', title: 'Arrange a callback', hint: 'Asks when it suits; you find it under Messages.' },
  { value: 'collect', title: 'Collect details', hint: 'A number, date, e-mail address or name, read back and confirmed.' },
  { value: 'transfer_call', title: 'Transfer to a person', hint: 'Only to the people named below.' },
  { value: 'send_digits', title: 'Press telephone keys', hint: 'For menus and extensions, when it calls somebody.' },
];

const MOST_TARGETS = 20;

export function ActionsSection(part: FormPart & { assistantId: string | undefined }) {
  const { input, change } = part;
  const toggle = (tool: BuiltInTool, on: boolean) =>
    change({ builtInTools: on ? [...input.builtInTools, tool] : input.builtInTools.filter((each) => each !== tool) });
  const transfers = input.builtInTools.includes('transfer_call');
  return (
    <Card>
      <CardTitle title="What it may do" lead="It does nothing else, whatever a caller says." />
      <div className="grid gap-6 px-4 py-5 sm:px-5">
        <fieldset>
          <legend className="sr-only">Built in</legend>
          <div className="grid gap-x-6 gap-y-3.5 sm:grid-cols-2">
            {builtIn.map(({ value, title, hint }) => (
              <CheckField
                key={value}
                label={title}
                hint={hint}
                checked={input.builtInTools.includes(value)}
                onChange={(on) => toggle(value, on)}
              />
            ))}
          </div>
        </fieldset>
        {(transfers || input.transferTargets.length > 0) && <Targets {...part} />}
        {transfers && input.transferTargets.length === 0 && (
          <Notice tone="slow">Until somebody is named here, it cannot transfer a call.</Notice>
        )}
        <BusinessTools assistantId={part.assistantId} />
      </div>
    </Card>
  );
}

function Targets({ input: { transferTargets }, change, faultAt }: FormPart) {
  const edit = (at: number, part: Partial<TransferTarget>) =>
    change({ transferTargets: transferTargets.map((target, n) => (n === at ? { ...target, ...part } : target)) });
  return (
    <fieldset>
      <legend className="text-[0.8667rem] font-medium">Who calls may be transferred to</legend>
      <ul className="mt-2 grid gap-3">
        {transferTargets.map((target, n) => (
          <li
            key={n}
            className="relative grid items-start gap-2 rounded-lg border border-line p-3 sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_minmax(0,1.4fr)_2rem]"
          >
            <TextField
              label="Name"
              value={target.name}
              maxLength={80}
              placeholder="Reception"
              fault={faultAt(`transferTargets.${n}.name`)}
              onChange={({ target: { value } }) => edit(n, { name: value })}
            />
            <TextField
              label="Number or SIP address"
              value={target.to}
              maxLength={200}
              placeholder="+15550123"
              spellCheck={false}
              fault={faultAt(`transferTargets.${n}.to`)}
              onChange={({ target: { value } }) => edit(n, { to: value })}
            />
            <TextField
              label="When"
              value={target.description}
              maxLength={300}
              placeholder="Complaints and invoices"
              fault={faultAt(`transferTargets.${n}.description`)}
              onChange={({ target: { value } }) => edit(n, { description: value })}
            />
            <Button
              look="quiet"
              size="smallIcon"
              className="absolute top-1.5 right-1.5 sm:static sm:mt-7"
              aria-label={`Take ${target.name || `person ${n + 1}`} out`}
              onClick={() => change({ transferTargets: transferTargets.filter((_, at) => at !== n) })}
            >
              <X aria-hidden />
            </Button>
          </li>
        ))}
      </ul>
      {transferTargets.length < MOST_TARGETS && (
        <Button
          size="small"
          className="mt-2"
          onClick={() => change({ transferTargets: [...transferTargets, { name: '', to: '', description: '' }] })}
        >
          <Plus aria-hidden /> Add a person or team
        </Button>
      )}
    </fieldset>
  );
}

/** Which of the business's own tools it may use; each tool says itself who may. */
function BusinessTools({ assistantId }: { assistantId: string | undefined }) {
  const tools = useQuery(toolsQuery);
  const mine = tools.data?.filter(
    ({ assistantIds, enabled }) =>
      enabled && (assistantIds.length === 0 || (assistantId !== undefined && assistantIds.includes(assistantId))),
  );
  return (
    <div>
      <h3 className="text-[0.8667rem] font-medium">Tools of your business</h3>
      {tools.isError ? (
        <p className="mt-1 text-[0.8667rem] text-bad">The tools could not be loaded.</p>
      ) : !mine || mine.length === 0 ? (
        <p className="mt-1 text-[0.8667rem] text-ink-3">
          {mine ? 'None yet. ' : 'Loading… '}
          <Link to="/tools" className="underline underline-offset-4">
            Tools
          </Link>{' '}
          let it look things up and book for you.
        </p>
      ) : (
        <ul className="mt-1.5 flex flex-wrap gap-2">
          {mine.map((tool) => (
            <li key={tool.id}>
              <Link
                to="/tools"
                search={{ tool: tool.id }}
                className="inline-flex items-center gap-2 rounded-full border border-line-strong px-3 py-1 text-[0.8667rem] hover:bg-sunken"
              >
                <span className="font-mono text-[0.8rem]">{tool.name}</span>
                <Badge>{tool.assistantIds.length === 0 ? 'every assistant' : 'this one'}</Badge>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
