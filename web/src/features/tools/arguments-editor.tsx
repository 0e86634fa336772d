import { Plus, X } from 'lucide-react';
import { useId, useState } from 'react';
import { Button } from '../../ui/button.tsx';
import { SelectField, TextArea, TextField } from '../../ui/field.tsx';
import { CheckField } from '../../ui/check-field.tsx';
import { type Argument, type ArgumentType, argumentTypes, newArgument, readSchema, rowsOf, schemaOf } from './arguments.ts';

type ArgumentsEditorProps = {
  schema: Record<string, unknown>;
  onChange: (schema: Record<string, unknown>) => void;
  fault: string | undefined;
};

/** What the assistant must find out before it calls the tool: a table, or the JSON Schema itself. */
export function ArgumentsEditor({ schema, onChange, fault }: ArgumentsEditorProps) {
  const id = useId();
  const [rows, setRows] = useState<Argument[]>(() => rowsOf(schema) ?? []);
  const [raw, setRaw] = useState<string | undefined>(() => (rowsOf(schema) ? undefined : JSON.stringify(schema, null, 2)));
  const [rawFault, setRawFault] = useState<string>();
  const changeRows = (next: Argument[]) => {
    setRows(next);
    onChange(schemaOf(next));
  };
  const changeRaw = (text: string) => {
    setRaw(text);
    const read = readSchema(text);
    setRawFault('fault' in read ? read.fault : undefined);
    if ('schema' in read) onChange(read.schema);
  };
  const shown = raw === undefined ? undefined : rowsOf(schema);
  return (
    <div role="group" aria-labelledby={id}>
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
        <h3 id={id} className="text-[0.9333rem] font-semibold">
          What it needs to know
        </h3>
        {raw === undefined ? (
          <Button size="small" look="quiet" onClick={() => setRaw(JSON.stringify(schema, null, 2))}>
            Show as JSON Schema
          </Button>
        ) : (
          <Button
            size="small"
            look="quiet"
            disabled={!shown || rawFault !== undefined}
            onClick={() => {
              setRows(shown ?? []);
              setRaw(undefined);
            }}
          >
            Show as a table
          </Button>
        )}
      </div>
      {raw === undefined ? (
        <Table rows={rows} onChange={changeRows} />
      ) : (
        <TextArea
          label="JSON Schema of the arguments"
          rows={10}
          spellCheck={false}
          className="[&_textarea]:font-mono [&_textarea]:text-[0.8rem]"
          value={raw}
          fault={rawFault ?? fault}
          hint={shown ? undefined : 'It says more than the table can show; it is used as it stands.'}
          onChange={({ target: { value } }) => changeRaw(value)}
        />
      )}
      {raw === undefined && fault && (
        <p className="mt-1.5 text-[0.8rem] text-bad" role="alert">
          {fault}
        </p>
      )}
    </div>
  );
}

function Table({ rows, onChange }: { rows: Argument[]; onChange: (rows: Argument[]) => void }) {
  const edit = (at: number, part: Partial<Argument>) => onChange(rows.map((row, n) => (n === at ? { ...row, ...part } : row)));
  return (
    <>
      {rows.length === 0 && (
        <p className="text-[0.8667rem] text-ink-3">Nothing yet: it is called without asking the caller for anything.</p>
      )}
      <ul className="grid gap-3">
        {rows.map((row, n) => (
          <li key={n} className="relative grid gap-3 rounded-lg border border-line p-3">
            <div className="grid items-start gap-3 sm:grid-cols-[minmax(0,1fr)_10rem_minmax(0,1.6fr)_2rem]">
              <TextField
                label="Name"
                placeholder="order_number"
                spellCheck={false}
                value={row.name}
                onChange={({ target: { value } }) => edit(n, { name: value })}
              />
              <SelectField label="Kind" value={row.type} onChange={({ target: { value } }) => edit(n, { type: value as ArgumentType })}>
                {Object.entries(argumentTypes).map(([type, title]) => (
                  <option key={type} value={type}>
                    {title}
                  </option>
                ))}
              </SelectField>
              <TextField
                label="What it is"
                placeholder="As on the receipt, five digits"
                value={row.description}
                onChange={({ target: { value } }) => edit(n, { description: value })}
              />
              <Button
                look="quiet"
                size="smallIcon"
                className="absolute top-1.5 right-1.5 sm:static sm:mt-7"
                aria-label={`Take ${row.name || `argument ${n + 1}`} out`}
                onClick={() => onChange(rows.filter((_, at) => at !== n))}
              >
                <X aria-hidden />
              </Button>
            </div>
            {row.type === 'choice' && (
              <TextField
                label="The list"
                hint="Separated by commas"
                value={row.choices}
                onChange={({ target: { value } }) => edit(n, { choices: value })}
              />
            )}
            <CheckField label="Needed: it asks until it knows" checked={row.required} onChange={(required) => edit(n, { required })} />
          </li>
        ))}
      </ul>
      <Button size="small" className="mt-3" onClick={() => onChange([...rows, newArgument])}>
        <Plus aria-hidden /> Add an argument
      </Button>
    </>
  );
}
