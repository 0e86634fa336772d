import { KeyRound, Plus, RotateCcw, X } from 'lucide-react';
import { Button } from '../../ui/button.tsx';
import { SelectField, TextArea, TextField } from '../../ui/field.tsx';
import { ArgumentsEditor } from './arguments-editor.tsx';
import type { Pair, SecretDraft, ToolDraft, ToolPart } from './draft.ts';

const methods: ToolDraft['method'][] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
const mono = '[&_input]:font-mono [&_input]:text-[0.8667rem] [&_textarea]:font-mono [&_textarea]:text-[0.8667rem]';

const Code = ({ children }: { children: string }) => <code className="rounded bg-sunken px-1 font-mono text-[0.8rem]">{children}</code>;

/** An HTTP request of the business's own. */
export function HttpFields({ draft, change, faultAt }: ToolPart) {
  return (
    <>
      <ArgumentsEditor schema={draft.parameters} onChange={(parameters) => change({ parameters })} fault={faultAt('parameters')} />
      <fieldset className="grid gap-4">
        <legend className="mb-3 text-[0.9333rem] font-semibold">The request</legend>
        <p className="-mt-2 text-[0.8667rem] text-ink-2">
          <Code>{'{{order_number}}'}</Code> is replaced by the argument of that name, <Code>{'{{secret:NAME}}'}</Code> by a secret on the
          way out. The assistant never sees a secret.
        </p>
        <div className="grid items-start gap-4 sm:grid-cols-[8rem_minmax(0,1fr)]">
          <SelectField
            label="Method"
            value={draft.method}
            fault={faultAt('method')}
            onChange={({ target: { value } }) => change({ method: value as ToolDraft['method'] })}
          >
            {methods.map((method) => (
              <option key={method}>{method}</option>
            ))}
          </SelectField>
          <UrlField draft={draft} change={change} faultAt={faultAt} placeholder="https://shop.example.com/orders/{{order_number}}" />
        </div>
        <HeaderFields draft={draft} change={change} faultAt={faultAt} />
        {draft.method !== 'GET' && (
          <TextArea
            label="Body"
            rows={5}
            spellCheck={false}
            className={mono}
            placeholder={'{ "order": "{{order_number}}" }'}
            value={draft.body}
            fault={faultAt('body')}
            hint="Empty: the arguments as JSON"
            onChange={({ target: { value } }) => change({ body: value })}
          />
        )}
      </fieldset>
      <SecretFields draft={draft} change={change} faultAt={faultAt} />
    </>
  );
}

/** A server that brings tools of its own (Model Context Protocol, streamable HTTP). */
export function McpFields(part: ToolPart) {
  const { draft, change, faultAt } = part;
  return (
    <>
      <fieldset className="grid gap-4">
        <legend className="mb-3 text-[0.9333rem] font-semibold">The server</legend>
        <UrlField {...part} placeholder="https://tools.example.com/mcp" />
        <HeaderFields {...part} />
        <TextArea
          label="Which of its tools may be used"
          rows={3}
          spellCheck={false}
          className={mono}
          placeholder={'find_slot\nbook_slot'}
          value={draft.allow}
          fault={faultAt('allow')}
          hint="Their names, one to a line. Empty: all of them."
          onChange={({ target: { value } }) => change({ allow: value })}
        />
      </fieldset>
      <SecretFields {...part} />
    </>
  );
}

function UrlField({ draft, change, faultAt, placeholder }: ToolPart & { placeholder: string }) {
  return (
    <TextField
      label="Address"
      type="url"
      spellCheck={false}
      className={mono}
      placeholder={placeholder}
      value={draft.url}
      fault={faultAt('url')}
      hint="A public address: machines of your own network are not reached unless the operator of this server allows it."
      onChange={({ target: { value } }) => change({ url: value })}
    />
  );
}

function HeaderFields({ draft: { headers }, change, faultAt }: ToolPart) {
  const edit = (at: number, part: Partial<Pair>) => change({ headers: headers.map((pair, n) => (n === at ? { ...pair, ...part } : pair)) });
  return (
    <div>
      <p className="text-[0.8667rem] font-medium">Headers</p>
      <ul className="mt-1.5 grid gap-2">
        {headers.map(({ name, value }, n) => (
          <li key={n} className="grid grid-cols-[minmax(0,1fr)_minmax(0,1.6fr)_2rem] items-start gap-2">
            <Bare label={`Header ${n + 1}: name`} placeholder="authorization" value={name} onChange={(next) => edit(n, { name: next })} />
            <Bare
              label={`Header ${n + 1}: value`}
              placeholder="Bearer {{secret:TOKEN}}"
              value={value}
              onChange={(next) => edit(n, { value: next })}
            />
            <Button
              look="quiet"
              size="smallIcon"
              className="mt-1"
              aria-label={`Take the header ${name || n + 1} out`}
              onClick={() => change({ headers: headers.filter((_, at) => at !== n) })}
            >
              <X aria-hidden />
            </Button>
          </li>
        ))}
      </ul>
      <Fault words={faultAt('headers')} />
      <Button size="small" className="mt-2" onClick={() => change({ headers: [...headers, { name: '', value: '' }] })}>
        <Plus aria-hidden /> Add a header
      </Button>
    </div>
  );
}

/** Written once, never shown again. */
function SecretFields({ draft: { secrets }, change, faultAt }: ToolPart) {
  const edit = (at: number, part: Partial<SecretDraft>) =>
    change({ secrets: secrets.map((secret, n) => (n === at ? { ...secret, ...part } : secret)) });
  return (
    <fieldset>
      <legend className="text-[0.9333rem] font-semibold">Secrets</legend>
      <p className="mt-1 text-[0.8667rem] text-ink-2">
        Passwords and keys. They are kept encrypted and never shown again, neither here nor to the assistant.
      </p>
      <ul className="mt-3 grid gap-2">
        {secrets.map((secret, n) => (
          <li key={secret.kept ? secret.name : n} className="grid grid-cols-[minmax(0,1fr)_minmax(0,1.6fr)_2rem] items-start gap-2">
            {secret.kept ? (
              <span className="flex h-10 items-center gap-2 font-mono text-[0.8667rem]">
                <KeyRound className="size-4 shrink-0 text-ink-3" aria-hidden />
                <span className={secret.removed ? 'truncate text-ink-3 line-through' : 'truncate'}>{secret.name}</span>
              </span>
            ) : (
              <Bare label={`Secret ${n + 1}: name`} placeholder="TOKEN" value={secret.name} onChange={(name) => edit(n, { name })} />
            )}
            {secret.removed ? (
              <span className="flex h-10 items-center text-[0.8667rem] text-ink-3">Goes when you save</span>
            ) : (
              <Bare
                label={secret.kept ? `New value of ${secret.name}` : `Secret ${n + 1}: value`}
                placeholder={secret.kept ? '*** kept; type to replace' : 'Value'}
                value={secret.value}
                secret
                onChange={(value) => edit(n, { value })}
              />
            )}
            <Button
              look="quiet"
              size="smallIcon"
              className="mt-1"
              aria-label={secret.removed ? `Keep the secret ${secret.name}` : `Take the secret ${secret.name || n + 1} out`}
              onClick={() =>
                secret.kept ? edit(n, { removed: !secret.removed, value: '' }) : change({ secrets: secrets.filter((_, at) => at !== n) })
              }
            >
              {secret.removed ? <RotateCcw aria-hidden /> : <X aria-hidden />}
            </Button>
          </li>
        ))}
      </ul>
      <Fault words={faultAt('secrets')} />
      <Button
        size="small"
        className="mt-2"
        onClick={() => change({ secrets: [...secrets, { name: '', kept: false, removed: false, value: '' }] })}
      >
        <Plus aria-hidden /> Add a secret
      </Button>
    </fieldset>
  );
}

function Fault({ words }: { words: string | undefined }) {
  if (!words) return null;
  return (
    <p className="mt-1.5 text-[0.8rem] text-bad" role="alert">
      {words}
    </p>
  );
}

type BareProps = { label: string; value: string; placeholder: string; secret?: boolean; onChange: (value: string) => void };

/** An input of a row, whose column says what it is to the eye and whose label says it to everybody else. */
function Bare({ label, value, placeholder, secret = false, onChange }: BareProps) {
  return (
    <input
      aria-label={label}
      type={secret ? 'password' : 'text'}
      autoComplete={secret ? 'new-password' : 'off'}
      spellCheck={false}
      placeholder={placeholder}
      value={value}
      onChange={({ target }) => onChange(target.value)}
      className="h-10 w-full min-w-0 rounded-lg border border-line-strong bg-surface px-3 font-mono text-[0.8667rem] hover:border-ink-3"
    />
  );
}
