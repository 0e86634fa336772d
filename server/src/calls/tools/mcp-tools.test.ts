import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { McpServer as RealServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { mcpToolInput } from '@tandem/contract';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { SystemClock } from '#kit/clock.ts';
import { testKit } from '#kit/testing.ts';
import { CollectedValues } from './collected-values.ts';
import { Egress } from './egress.ts';
import { McpServer } from './mcp-tools.ts';
import { toolContext } from './testing.ts';

const SECRET = 'mcp-secret-4711';
const closing: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A server of the official SDK with sessions, on the loopback. `forget` loses its sessions, as a restart does. */
async function realServer(port = 0) {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const seen: { authorization: string | undefined; meta: unknown }[] = [];
  const make = () => {
    const server = new RealServer({ name: 'bookings', version: '1.0.0' });
    server.registerTool(
      'find',
      { description: 'Finds\na booking', inputSchema: { id: z.string().describe('booking') }, annotations: { readOnlyHint: true } },
      ({ id }) => ({ content: [{ type: 'text', text: `booking ${id}` }] }),
    );
    server.registerTool('cancel', { description: 'Cancels', inputSchema: { id: z.string() } }, ({ id }, extra) => {
      seen.push({ authorization: undefined, meta: extra._meta });
      if (id === 'none') return { isError: true, content: [{ type: 'text', text: `no booking, ${SECRET}` }] };
      return { content: [{ type: 'text', text: id === 'long' ? 'x'.repeat(50_000) : `cancelled ${id} with ${SECRET}` }] };
    });
    server.registerTool('slow', { description: 'Slow', inputSchema: {} }, () => new Promise(() => {}));
    return server;
  };
  const listener = http.createServer((request, response) => {
    seen.push({ authorization: request.headers.authorization, meta: undefined });
    void (async () => {
      const id = request.headers['mcp-session-id'] as string | undefined;
      let transport = id === undefined ? undefined : sessions.get(id);
      if (id !== undefined && !transport) {
        response.writeHead(404).end('no such session');
        return;
      }
      if (!transport) {
        const made: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
          sessionIdGenerator: () => `session-${sessions.size}-${Math.floor(port)}`,
          onsessioninitialized: (sessionId) => void sessions.set(sessionId, made),
        });
        transport = made;
        await make().connect(made);
      }
      await transport.handleRequest(request, response);
    })();
  });
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve));
  const stop = () => {
    listener.closeAllConnections();
    return new Promise<void>((resolve) => listener.close(() => resolve()));
  };
  closing.push(stop);
  return { port: (listener.address() as AddressInfo).port, seen, stop, forget: () => sessions.clear() };
}

function client(port: number, definition: Record<string, unknown> = {}) {
  const egress = new Egress({ clock: new SystemClock(), allow: `127.0.0.1:${port}` });
  const kit = testKit();
  const input = mcpToolInput.parse({
    kind: 'mcp',
    name: 'bookings',
    url: `http://127.0.0.1:${port}/mcp`,
    headers: { authorization: 'Bearer {{secret:KEY}}' },
    secrets: { KEY: SECRET },
    timeoutMs: 1_000,
    ...definition,
  });
  const server = new McpServer(input, { kit, egress });
  closing.push(() => {
    egress.close();
    return server.close();
  });
  return { server, kit };
}

const named = (server: McpServer, name: string, collected?: CollectedValues) => {
  const tool = server.tools(collected).find((one) => one.name === `bookings__${name}`);
  if (!tool) throw new Error(`no tool ${name}`);
  return tool;
};

describe('an MCP server', () => {
  test('its tools are listed with a prefix, their manners and their schema', async () => {
    const { port, seen } = await realServer();
    const { server } = client(port);
    expect(server.tools()).toEqual([]);
    await server.refresh();
    expect(server.tools().map(({ name, sideEffect, description }) => [name, sideEffect, description])).toEqual([
      ['bookings__find', false, 'Finds a booking'],
      ['bookings__cancel', true, 'Cancels'],
      ['bookings__slow', true, 'Slow'],
    ]);
    expect(named(server, 'find').schema.safeParse({}).success).toBe(false);
    expect(named(server, 'find').parameters).toMatchObject({ properties: { id: { type: 'string' } } });
    expect(await named(server, 'find').run({ id: '7' }, toolContext())).toBe('booking 7');
    expect(seen[0].authorization).toBe(`Bearer ${SECRET}`);
  });

  test('secrets do not come back; the idempotency key and collected values go there', async () => {
    const { port, seen } = await realServer();
    const { server } = client(port);
    await server.refresh();
    const collected = new CollectedValues();
    const reference = collected.keep('998877');
    expect(await named(server, 'cancel', collected).run({ id: reference }, toolContext())).toBe('cancelled *** with ***');
    expect(seen.find(({ meta }) => meta !== undefined)?.meta).toMatchObject({ idempotencyKey: 'call_1:1:tool:abc' });
    await expect(named(server, 'cancel').run({ id: 'none' }, toolContext())).rejects.toMatchObject({
      category: 'bad-input',
      message: 'bookings__cancel: no booking, ***',
    });
    expect(JSON.stringify(await named(server, 'cancel').run({ id: 'long' }, toolContext())).length).toBeLessThan(8_400);
  });

  test('only allowed tools are there', async () => {
    const { port } = await realServer();
    const { server } = client(port, { allow: ['find'] });
    await server.refresh();
    expect(server.tools().map(({ name }) => name)).toEqual(['bookings__find']);
  });

  test('one that forgets its sessions is greeted again', async () => {
    const { port, forget } = await realServer();
    const { server } = client(port);
    await server.refresh();
    forget();
    expect(await named(server, 'find').run({ id: '8' }, toolContext())).toBe('booking 8');
  });

  test('one that dies costs its tools for a while; it is asked again later', async () => {
    const first = await realServer();
    const { server, kit } = client(first.port);
    await server.refresh();
    await first.stop();
    await expect(named(server, 'find').run({ id: '1' }, toolContext())).rejects.toBeInstanceOf(Error);
    await expect(named(server, 'find').run({ id: '1' }, toolContext())).rejects.toMatchObject({ category: 'permanent' });
    await realServer(first.port);
    await expect(named(server, 'find').run({ id: '1' }, toolContext())).rejects.toMatchObject({
      message: expect.stringContaining('a moment ago'),
    });
    await kit.clock.advance(10_000);
    expect(await named(server, 'find').run({ id: '9' }, toolContext())).toBe('booking 9');
  });

  test('one that does not answer is given up at the deadline', async () => {
    const { port } = await realServer();
    const { server } = client(port, { timeoutMs: 150 });
    await server.refresh();
    await expect(named(server, 'slow').run({}, toolContext())).rejects.toMatchObject({ category: 'retryable' });
  });

  test('one at a private address is never connected to', async () => {
    const { port, seen } = await realServer();
    const server = new McpServer(mcpToolInput.parse({ kind: 'mcp', name: 'b', url: `http://127.0.0.1:${port}/` }), {
      kit: testKit(),
      egress: new Egress({ clock: new SystemClock(), ports: [port] }),
    });
    await server.refresh();
    expect(server.tools()).toEqual([]);
    expect(seen).toEqual([]);
  });
});
