import type { Assistant, ToolDefinition } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Globe, Plug, Plus, Wrench } from 'lucide-react';
import { assistantsQuery, toolsQuery } from '../../lib/queries.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';
import { type OpenTool, ToolEditor } from './tool-editor.tsx';

/** `?tool=` is the id of the one that stands open, or `new-http`, `new-mcp` for one being made. */
export function ToolsPage() {
  const { tool: openId } = useSearch({ from: '/shell/tools' });
  const navigate = useNavigate();
  const tools = useQuery(toolsQuery);
  const assistants = useQuery(assistantsQuery);
  const open = (tool: string | undefined) => void navigate({ to: '/tools', search: tool ? { tool } : {}, replace: tool === undefined });
  const shown: OpenTool | undefined =
    openId === 'new-http' ? 'http' : openId === 'new-mcp' ? 'mcp' : tools.data?.find(({ id }) => id === openId);
  const add = (
    <>
      <Button look="primary" onClick={() => open('new-http')}>
        <Plus aria-hidden /> Add a web request
      </Button>
      <Button onClick={() => open('new-mcp')}>
        <Plus aria-hidden /> Add an MCP server
      </Button>
    </>
  );
  return (
    <Page title="Tools" lead="What your assistants may look up and do in your own systems, while the caller waits." actions={add}>
      <Card>
        {tools.isPending ? (
          <SkeletonRows label="Loading tools" rows={3} />
        ) : tools.isError ? (
          <Failed what="The tools could not be loaded" error={tools.error} retry={() => void tools.refetch()} />
        ) : tools.data.length === 0 ? (
          <Empty icon={Wrench} title="No tool yet">
            With a tool an assistant finds an order, checks a calendar or books a table. Taking messages and transferring calls needs none.
          </Empty>
        ) : (
          <ul className="divide-y divide-line" data-testid="tools">
            {tools.data.map((tool) => (
              <Row key={tool.id} tool={tool} assistants={assistants.data ?? []} onOpen={() => open(tool.id)} />
            ))}
          </ul>
        )}
      </Card>
      <ToolEditor tool={shown} onClose={() => open(undefined)} />
    </Page>
  );
}

function Row({ tool, assistants, onOpen }: { tool: ToolDefinition; assistants: Assistant[]; onOpen: () => void }) {
  const Icon = tool.kind === 'http' ? Globe : Plug;
  const who =
    tool.assistantIds.length === 0
      ? 'every assistant'
      : tool.assistantIds.map((id) => assistants.find((assistant) => assistant.id === id)?.name ?? 'an assistant that is gone').join(', ');
  return (
    <li className="relative flex gap-4 px-4 py-3.5 transition-colors hover:bg-sunken sm:px-5">
      <Icon className="mt-1 size-4 shrink-0 text-ink-3" aria-hidden />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
          <button type="button" onClick={onOpen} className="font-mono text-[0.9rem] font-medium after:absolute after:inset-0">
            {tool.name}
          </button>
          {tool.kind === 'mcp' && <Badge>MCP server</Badge>}
          {tool.sideEffect ? <Badge tone="slow">Changes something</Badge> : <Badge>Only looks up</Badge>}
          {!tool.enabled && <Badge tone="bad">Switched off</Badge>}
        </p>
        {tool.description && <p className="mt-1 line-clamp-2 text-[0.9333rem] text-ink-2">{tool.description}</p>}
        <p className="mt-1 truncate font-mono text-[0.8rem] text-ink-3">
          {tool.kind === 'http' ? `${tool.method} ` : ''}
          {tool.url}
        </p>
        <p className="mt-0.5 text-[0.8rem] text-ink-3">
          For {who}
          {tool.secretNames.length > 0 && (
            <>
              {' · '}
              {tool.secretNames.map((name) => (
                <span key={name} className="mr-2 font-mono">
                  {name} ***
                </span>
              ))}
            </>
          )}
        </p>
      </div>
    </li>
  );
}
