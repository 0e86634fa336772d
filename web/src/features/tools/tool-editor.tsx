import type { ToolDefinition } from '@tandem/contract';
import { Trash2 } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { api } from '../../lib/api.ts';
import { faultAt, useRefresh, useSaving } from '../../lib/saving.ts';
import { Button } from '../../ui/button.tsx';
import { Confirm, Sheet } from '../../ui/dialog.tsx';
import { TextArea, TextField } from '../../ui/field.tsx';
import { Notice } from '../../ui/states.tsx';
import { draftOf, inputOf, newTool, type ToolDraft, type ToolPart } from './draft.ts';
import { MannersFields, WhoFields } from './manners-fields.tsx';
import { HttpFields, McpFields } from './request-fields.tsx';

/** A tool that is there, or the kind of one being made. */
export type OpenTool = ToolDefinition | ToolDraft['kind'];

const kinds = {
  http: { noun: 'a web request', lead: 'One request to a system of yours: look up an order, book a table.' },
  mcp: { noun: 'an MCP server', lead: 'A server that brings tools of its own.' },
};

export function ToolEditor({ tool, onClose }: { tool: OpenTool | undefined; onClose: () => void }) {
  const kind = typeof tool === 'object' ? tool.kind : (tool ?? 'http');
  return (
    <Sheet
      open={tool !== undefined}
      onClose={onClose}
      title={typeof tool === 'object' ? tool.name : `Add ${kinds[kind].noun}`}
      lead={kinds[kind].lead}
      wide
    >
      {tool !== undefined && <Editor tool={tool} onClose={onClose} />}
    </Sheet>
  );
}

function Editor({ tool, onClose }: { tool: OpenTool; onClose: () => void }) {
  const known = typeof tool === 'object' ? tool : undefined;
  const [draft, setDraft] = useState(() => (typeof tool === 'object' ? draftOf(tool) : newTool(tool)));
  const refresh = useRefresh();
  const saving = useSaving(
    (input: Record<string, unknown>) =>
      known ? api.patch<ToolDefinition>(`/tools/${encodeURIComponent(known.id)}`, input) : api.post<ToolDefinition>('/tools', input),
    ['tools'],
  );
  const part: ToolPart = {
    draft,
    change: (next) => {
      saving.reset();
      setDraft((before) => ({ ...before, ...next }));
    },
    faultAt: (path) => faultAt(saving.fields, path),
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(inputOf(draft, !known), { onSuccess: onClose });
  };
  const remove = async () => {
    await api.delete(`/tools/${encodeURIComponent(known?.id ?? '')}`);
    onClose();
    await refresh('tools');
  };
  return (
    <form onSubmit={submit} className="grid gap-7 px-5 py-5" noValidate>
      <div className="grid gap-4">
        <TextField
          label={draft.kind === 'http' ? 'Name' : 'Name (begins the names of its tools)'}
          placeholder={draft.kind === 'http' ? 'look_up_order' : 'bookings'}
          spellCheck={false}
          maxLength={60}
          value={draft.name}
          fault={part.faultAt('name')}
          hint="Small letters, digits and underscores"
          onChange={({ target: { value } }) => part.change({ name: value })}
        />
        <TextArea
          label="What it is for"
          rows={2}
          maxLength={1_000}
          placeholder="Finds an order by its number. Use it when a caller asks where a delivery is."
          value={draft.description}
          fault={part.faultAt('description')}
          hint="The assistant reads this to know when to use it."
          onChange={({ target: { value } }) => part.change({ description: value })}
        />
      </div>
      {draft.kind === 'http' ? <HttpFields {...part} /> : <McpFields {...part} />}
      <MannersFields {...part} />
      <WhoFields {...part} />
      {saving.fault && <Notice>{saving.fault}</Notice>}
      {Object.keys(saving.fields).length > 0 && <Notice>Some values are not acceptable yet; they are marked above.</Notice>}
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" look="primary" busy={saving.isPending} disabled={!draft.name.trim() || !draft.url.trim()}>
          {known ? 'Save changes' : 'Add tool'}
        </Button>
        <Button look="quiet" onClick={onClose}>
          Cancel
        </Button>
        {known && (
          <div className="ml-auto">
            <Confirm
              title={`Delete “${known.name}”?`}
              confirm="Delete"
              act={remove}
              trigger={
                <Button look="danger">
                  <Trash2 aria-hidden /> Delete
                </Button>
              }
            >
              Assistants can no longer use it from the next call on. Its secrets are deleted with it.
            </Confirm>
          </div>
        )}
      </div>
    </form>
  );
}
