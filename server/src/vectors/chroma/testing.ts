/**
 * A server for tests that speaks the part of ChromaDB's API v2 that is used: same paths, bodies, statuses and merging of
 * metadata as the server of chromadb 1.0, and brute force instead of HNSW.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Value = string | boolean | null;
type Where = Record<string, unknown>;

interface Stored {
  vector: number[];
  metadata: Record<string, Value>;
}

interface Collection {
  id: string;
  name: string;
  metadata: unknown;
  points: Map<string, Stored>;
}

export interface TestChroma {
  url: string;
  /** Path and body of every request. */
  requests: { method: string; path: string; body: unknown; headers: IncomingMessage['headers'] }[];
  /** Answers the next requests instead: a status, `hang-up` or `silence`. */
  faults: (number | 'hang-up' | 'silence')[];
  close(): Promise<void>;
}

const ROOT = '/api/v2/tenants/default_tenant/databases/default_database/collections';

/** Of a page, whatever is asked for: a server has a bound of its own. */
const MOST_LISTED = 100;

export async function startTestChroma(): Promise<TestChroma> {
  const collections = new Map<string, Collection>();
  const requests: TestChroma['requests'] = [];
  const faults: TestChroma['faults'] = [];
  let made = 0;

  function answer(method: string, path: string, body: Record<string, unknown>): [number, unknown] {
    const { pathname, searchParams } = new URL(path, 'http://chroma');
    const [name, action] = pathname.slice(ROOT.length).split('/').slice(1);
    if (!path.startsWith(ROOT)) return [404, { error: 'NotFoundError', message: 'no such path' }];
    if (name === undefined && method === 'GET') {
      const [offset, limit] = [Number(searchParams.get('offset') ?? 0), Number(searchParams.get('limit') ?? 100)];
      const page = [...collections.values()].slice(offset, offset + Math.min(limit, MOST_LISTED));
      return [200, page.map(({ id, name: its, metadata }) => ({ id, name: its, metadata }))];
    }
    if (name === undefined) {
      const wanted = String(body.name);
      if (!/^[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]$/.test(wanted)) return [400, { error: 'InvalidArgumentError', message: 'name' }];
      const collection = collections.get(wanted) ?? { id: `id-${made++}`, name: wanted, metadata: body.metadata, points: new Map() };
      collections.set(wanted, collection);
      return [200, { id: collection.id, name: wanted }];
    }
    const collection = [...collections.values()].find((each) => each.id === name || (action === undefined && each.name === name));
    if (!collection) return [404, { error: 'NotFoundError', message: `Collection [${name}] does not exists` }];
    if (action === undefined && method === 'DELETE') {
      collections.delete(collection.name);
      return [200, {}];
    }
    if (action === undefined) return [200, { id: collection.id, name: collection.name }];
    if (action === 'count') return [200, collection.points.size];
    return act(collection, action, body);
  }

  const server = createServer((request, response) => {
    void handle(request, response);
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const piece of request) text += String(piece);
    const { method = '', url = '', headers } = request;
    const body = text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
    requests.push({ method, path: url.slice(ROOT.length), body, headers });
    const fault = faults.shift();
    if (fault === 'silence') return;
    if (fault === 'hang-up') {
      request.socket.destroy();
      return;
    }
    const [status, answered] =
      fault === undefined ? answer(method, url, body) : [fault, { error: 'InternalError', message: 'made for a test' }];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    faults,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function act({ points }: Collection, action: string, body: Record<string, unknown>): [number, unknown] {
  const ids = (body.ids ?? []) as string[];
  if (action === 'get' && body.ids === undefined) {
    const { offset, limit } = body as { offset: number; limit: number };
    return [200, { ids: [...points.keys()].slice(offset, offset + Math.min(limit, MOST_LISTED)) }];
  }
  if (action === 'get') {
    const known = ids.filter((id) => points.has(id));
    return [200, { ids: known, metadatas: known.map((id) => points.get(id)?.metadata ?? null) }];
  }
  if (action === 'delete') {
    if (ids.length === 0) return [400, { error: 'InvalidArgumentError', message: 'Either ids or where must be specified' }];
    for (const id of ids) points.delete(id);
    return [200, {}];
  }
  if (action === 'upsert') {
    const { embeddings, metadatas } = body as { embeddings: number[][]; metadatas: Record<string, Value>[] };
    for (const [i, id] of ids.entries()) {
      const merged = { ...points.get(id)?.metadata, ...metadatas[i] };
      const metadata = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== null));
      points.set(id, { vector: embeddings[i], metadata });
    }
    return [200, {}];
  }
  if (action !== 'query') return [404, { error: 'NotFoundError', message: 'no such action' }];
  const { query_embeddings, n_results, where } = body as { query_embeddings: number[][]; n_results: number; where?: Where };
  const [vector] = query_embeddings;
  const found = [...points]
    .filter(([, { metadata }]) => where === undefined || fits(where, metadata))
    .map(([id, point]) => ({ id, distance: 1 - point.vector.reduce((sum, value, i) => sum + value * vector[i], 0) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, n_results);
  return [200, { ids: [found.map(({ id }) => id)], distances: [found.map(({ distance }) => distance)], metadatas: null }];
}

function fits(where: Where, metadata: Record<string, Value>): boolean {
  const entries = Object.entries(where);
  if (entries.length !== 1) throw new Error('a where has one key; more stand in $and');
  const [key, value] = entries[0];
  if (key === '$and') return (value as Where[]).every((each) => fits(each, metadata));
  if (key === '$or') return (value as Where[]).some((each) => fits(each, metadata));
  if (typeof value === 'object' && value !== null) return (value as { $in: Value[] }).$in.includes(metadata[key]);
  return metadata[key] === value;
}
