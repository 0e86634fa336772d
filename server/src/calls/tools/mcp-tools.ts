/**
 * Tools of MCP servers (Model Context Protocol, streamable HTTP). One connection per entry of a business is shared by its
 * calls and opened when the entry is published; a call takes the tools that are known when it rings. A server that dies
 * costs its tools, never a call. All traffic goes through the egress.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { mcpToolInput } from '@tandem/contract';
import type { z } from 'zod';
import { messageOf, TandemError, VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Tool, ToolContext } from '#models/tool.ts';
import type { CollectedValues } from './collected-values.ts';
import type { Egress } from './egress.ts';
import { checkPlaces, filling } from './http-tool.ts';
import { Masking } from './masking.ts';
import { checkUrl, fillHeader, fillUrl } from './template.ts';
import { boundedResult } from './tool-result.ts';
import { argumentsSchema } from './tool-schema.ts';

export type McpDefinition = z.infer<typeof mcpToolInput>;

const CONNECT_WITHIN_MS = 5_000;
/** A server that could not be reached is not asked again before this. */
const RETRY_AFTER_MS = 10_000;
const MAX_TOOLS = 100;
const MAX_PAGES = 10;
/** What providers of language models take as a name. */
const MAX_NAME = 64;

/** Throws `invalid-input` for a definition that could never work. */
export function checkMcpTool({ url, headers, secrets }: McpDefinition): void {
  checkUrl(url, 'url');
  checkPlaces({ url, ...headers }, new Set(), secrets);
}

/** A tool as its server describes it, and whether it only reads. */
interface Listed {
  name: string;
  remote: string;
  description: string;
  parameters: Record<string, unknown>;
  schema: z.ZodType;
  readOnly: boolean;
}

export interface McpParts {
  kit: Kit;
  egress: Egress;
}

export class McpServer {
  readonly #definition: McpDefinition;
  readonly #parts: McpParts;
  readonly #masking: Masking;
  #client: Promise<Client> | undefined;
  #failedAt: number | undefined;
  #listed: Listed[] = [];
  #closed = false;

  /** Throws `invalid-input` as {@link checkMcpTool} does. */
  constructor(definition: McpDefinition, parts: McpParts) {
    checkMcpTool(definition);
    this.#definition = definition;
    this.#parts = parts;
    this.#masking = new Masking(Object.values(definition.secrets));
  }

  /** Connects and reads the list of tools. Never rejects: what was known stays. */
  async refresh(): Promise<void> {
    try {
      const client = await this.#connected();
      const found: Listed[] = [];
      let cursor: string | undefined;
      for (let page = 0; page < MAX_PAGES && found.length < MAX_TOOLS; page++) {
        const { tools, nextCursor } = await client.listTools(cursor === undefined ? {} : { cursor }, { timeout: CONNECT_WITHIN_MS });
        for (const tool of tools) this.#list(tool, found);
        cursor = nextCursor;
        if (cursor === undefined) break;
      }
      this.#listed = found.slice(0, MAX_TOOLS);
    } catch (error) {
      this.#lost();
      this.#parts.kit.log.warn(
        { server: this.#definition.name, error: this.#masking.text(messageOf(error)) },
        'an MCP server could not be asked for its tools',
      );
    }
  }

  /** The tools known now, for one call. A server that was not reached is asked again in the background. */
  tools(collected?: CollectedValues): Tool[] {
    if (this.#listed.length === 0 && !this.#client && this.#mayTry()) void this.refresh();
    const { sideEffect, interruptible, timeoutMs, say } = this.#definition;
    return this.#listed.map((listed) => {
      const acts = sideEffect && !listed.readOnly;
      return {
        name: listed.name,
        description: listed.description,
        schema: listed.schema,
        parameters: listed.parameters,
        sideEffect: acts,
        interruptible: interruptible && !acts,
        timeoutMs,
        ...(say === '' ? {} : { say }),
        run: (input, context) => this.#run(listed, input as Record<string, unknown>, context, collected),
      };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#lost();
  }

  async #run(listed: Listed, given: Record<string, unknown>, context: ToolContext, collected?: CollectedValues): Promise<unknown> {
    const { timeoutMs } = this.#definition;
    const input = (collected?.reveal(given) ?? given) as Record<string, unknown>;
    const masking = new Masking([...Object.values(this.#definition.secrets), ...(collected?.secrets ?? [])]);
    const call = async () => {
      const client = await this.#connected();
      const params = { name: listed.remote, arguments: input, _meta: { idempotencyKey: context.idempotencyKey } };
      return client.callTool(params, undefined, { timeout: timeoutMs, signal: context.signal });
    };
    let answer: Awaited<ReturnType<typeof call>>;
    try {
      // 404 says that the server has forgotten this session (2025-06-18, Session Management): nothing was done.
      answer = await call().catch((error: unknown) => {
        if (!(error instanceof StreamableHTTPError && error.code === 404)) throw error;
        this.#lost();
        return call();
      });
    } catch (error) {
      if (error instanceof VendorError && error.vendor === listed.name) throw error;
      if (!context.signal.aborted) this.#lost();
      const nothingSent = error instanceof VendorError && error.category !== 'retryable';
      throw new VendorError(listed.name, nothingSent ? 'permanent' : 'retryable', masking.text(messageOf(error)).slice(0, 300));
    }
    const result = resultOf(answer, masking);
    if (answer.isError === true)
      throw new VendorError(listed.name, 'bad-input', (typeof result === 'string' ? result : JSON.stringify(result)).slice(0, 300));
    return result;
  }

  #connected(): Promise<Client> {
    if (this.#closed) return Promise.reject(new TandemError('unavailable', 'the MCP server is not used any more'));
    if (!this.#client && !this.#mayTry())
      return Promise.reject(new VendorError(this.#definition.name, 'permanent', 'could not be reached a moment ago'));
    this.#client ??= this.#connect();
    return this.#client;
  }

  async #connect(): Promise<Client> {
    const { url, headers, secrets } = this.#definition;
    const { kit, egress } = this.#parts;
    const fill = filling({}, secrets, '');
    const transport = new StreamableHTTPClientTransport(new URL(fillUrl(url, fill)), {
      requestInit: { headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fillHeader(value, fill)])) },
      fetch: (input, init) => (init?.method === undefined || init.method === 'GET' ? noStream() : egress.fetch(input, init)),
      reconnectionOptions: { maxRetries: 0, initialReconnectionDelay: 1_000, maxReconnectionDelay: 1_000, reconnectionDelayGrowFactor: 1 },
    });
    const client = new Client({ name: 'tandem', version: '1.0.0' });
    client.onerror = (error) =>
      kit.log.debug({ server: this.#definition.name, error: this.#masking.text(error.message) }, 'an MCP connection complained');
    try {
      await client.connect(transport, { timeout: CONNECT_WITHIN_MS });
      this.#failedAt = undefined;
      return client;
    } catch (error) {
      this.#failedAt = kit.clock.now();
      this.#client = undefined;
      await client.close().catch(() => {});
      throw error;
    }
  }

  #mayTry(): boolean {
    return this.#failedAt === undefined || this.#parts.kit.clock.now() - this.#failedAt >= RETRY_AFTER_MS;
  }

  /** The next use connects afresh. */
  #lost(): void {
    const client = this.#client;
    this.#client = undefined;
    client?.then((open) => open.close()).catch(() => {});
  }

  #list(
    tool: { name: string; description?: string; inputSchema: Record<string, unknown>; annotations?: { readOnlyHint?: boolean } },
    found: Listed[],
  ): void {
    const { name: prefix, allow } = this.#definition;
    if (allow.length > 0 && !allow.includes(tool.name)) return;
    const name = `${prefix}__${tool.name}`.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, MAX_NAME);
    if (found.some((one) => one.name === name)) return;
    try {
      found.push({
        name,
        remote: tool.name,
        // The server's words are data from outside: one line, bounded.
        description: (tool.description ?? tool.name)
          .replace(/[\p{Cc}\s]+/gu, ' ')
          .trim()
          .slice(0, 1_000),
        parameters: tool.inputSchema,
        schema: argumentsSchema(tool.inputSchema, 'lenient'),
        readOnly: tool.annotations?.readOnlyHint === true,
      });
    } catch (error) {
      this.#parts.kit.log.warn({ server: prefix, tool: tool.name, error: messageOf(error) }, 'a tool of an MCP server cannot be used');
    }
  }
}

/** We ask for no stream of our own (405: the server has none to offer): a list of tools is read again at each publish. */
function noStream(): Promise<Response> {
  return Promise.resolve(new Response(null, { status: 405 }));
}

function resultOf(answer: Record<string, unknown>, masking: Masking): unknown {
  if (answer.structuredContent !== undefined) return boundedResult(masking.value(answer.structuredContent));
  const content = Array.isArray(answer.content) ? (answer.content as { type?: string; text?: string }[]) : [];
  const words = content
    .map(({ type, text }) => (type === 'text' ? (text ?? '') : `(${type ?? 'something'} that cannot be read aloud)`))
    .join('\n');
  return boundedResult(masking.text(words));
}
