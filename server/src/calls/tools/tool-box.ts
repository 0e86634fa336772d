/** The tools of one call: those that every assistant may have, and those of the business. */
import type { Assistant, CallFact, TransferTarget } from '@tandem/contract';
import { messageOf } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Tool } from '#models/tool.ts';
import type { Leg } from '#telephony/leg.ts';
import type { BusinessEntry, StoredTool } from '../directory.ts';
import { scheduleCallback } from './built-in/schedule-callback.ts';
import { sendDigits } from './built-in/send-digits.ts';
import { takeMessage } from './built-in/take-message.ts';
import { transferCall } from './built-in/transfer-call.ts';
import type { CollectedValues } from './collected-values.ts';
import { Egress } from './egress.ts';
import { httpTool } from './http-tool.ts';
import { McpServer } from './mcp-tools.ts';

/**
 * What tools of all businesses share: the way out and the connections to MCP servers. One per process, in the call thread.
 */
export class ToolShop {
  readonly egress: Egress;
  readonly #kit: Kit;
  /** MCP servers by business and entry. */
  readonly #servers = new Map<string, Map<string, { fingerprint: string; server: McpServer }>>();

  /** @param allow see `EgressOptions.allow`; throws `setting-invalid` */
  constructor(kit: Kit, allow = '') {
    this.#kit = kit;
    this.egress = new Egress({ clock: kit.clock, allow });
  }

  /** Takes over a business's tools: new and changed MCP servers are asked in the background, others once more. */
  publish(businessId: string, tools: readonly StoredTool[] = []): void {
    const before = this.#servers.get(businessId) ?? new Map<string, never>();
    const now = new Map<string, { fingerprint: string; server: McpServer }>();
    for (const tool of tools) {
      if (tool.kind !== 'mcp' || !tool.enabled) continue;
      const fingerprint = JSON.stringify(tool);
      const kept = before.get(tool.id);
      const server =
        kept?.fingerprint === fingerprint
          ? kept.server
          : this.#made(tool, () => new McpServer(tool, { kit: this.#kit, egress: this.egress }));
      if (!server) continue;
      now.set(tool.id, { fingerprint, server });
      void server.refresh();
    }
    for (const [id, { server }] of before) if (now.get(id)?.server !== server) void server.close();
    if (now.size > 0) this.#servers.set(businessId, now);
    else this.#servers.delete(businessId);
  }

  /** Tools of the business that this assistant may use. */
  toolsOf(businessId: string, assistantId: string, tools: readonly StoredTool[], collected: CollectedValues): Tool[] {
    return tools
      .filter(({ enabled, assistantIds }) => enabled && (assistantIds.length === 0 || assistantIds.includes(assistantId)))
      .flatMap((tool) => {
        if (tool.kind === 'mcp') return this.#servers.get(businessId)?.get(tool.id)?.server.tools(collected) ?? [];
        return this.#made(tool, () => httpTool(tool, { egress: this.egress, collected })) ?? [];
      });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers.values()].flatMap((servers) => [...servers.values()].map(({ server }) => server.close())));
    this.#servers.clear();
    this.egress.close();
  }

  /** A definition that cannot work costs its tool, not the call. */
  #made<T>({ id, name }: StoredTool, make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      this.#kit.log.warn({ toolId: id, tool: name, error: messageOf(error) }, 'a tool cannot be used');
      return undefined;
    }
  }
}

/** What calls need of a {@link ToolShop}; a simulation brings tools that answer from its script. */
export type Shop = Pick<ToolShop, 'publish' | 'toolsOf'>;

export interface ToolBoxOptions {
  kit: Kit;
  /** Absent: only the built-in tools. */
  shop: Shop | undefined;
  business: Pick<BusinessEntry, 'id' | 'tools'> & { timeZone?: string };
  assistant: Assistant;
  leg: Leg;
  /** The caller's number; `anonymous` when withheld. */
  callerNumber: string;
  collected: CollectedValues;
  record: (fact: CallFact) => void;
  /** Absent where nothing can be dialled: then there is no `transfer_call`. */
  transfer?: (target: TransferTarget, signal: AbortSignal) => Promise<void>;
}

/**
 * All tools of one call with names of their own; `end_call` is the conversation's, `collect` its caller's (it needs the
 * floor). A tool of the business with the name of a built-in one is left out.
 */
export function toolBox(options: ToolBoxOptions): Tool[] {
  const { kit, shop, business, assistant, collected } = options;
  const box = new Map<string, Tool>();
  for (const tool of [...builtIn(options), ...(shop?.toolsOf(business.id, assistant.id, business.tools ?? [], collected) ?? [])]) {
    if (!RESERVED.has(tool.name) && !box.has(tool.name)) box.set(tool.name, tool);
    else kit.log.warn({ tool: tool.name }, 'two tools have one name: the second is left out');
  }
  return [...box.values()];
}

const RESERVED = new Set(['end_call', 'collect']);

function builtIn({ kit, business, assistant, leg, callerNumber, record, transfer }: ToolBoxOptions): Tool[] {
  const { builtInTools, transferTargets, language } = assistant;
  const notes = { ids: kit.ids, callerNumber, record };
  const tools: Tool[] = [];
  if (builtInTools.includes('transfer_call') && transfer && transferTargets.length > 0)
    tools.push(transferCall(transferTargets, language, transfer));
  if (builtInTools.includes('send_digits')) tools.push(sendDigits(leg));
  if (builtInTools.includes('take_message')) tools.push(takeMessage(notes));
  if (builtInTools.includes('schedule_callback'))
    tools.push(scheduleCallback({ ...notes, clock: kit.clock, language, timeZone: business.timeZone ?? 'UTC' }));
  return tools;
}
