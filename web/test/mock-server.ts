/**
 * The console's other half for looking at screens and for browser tests: the same paths and shapes as the server, in
 * memory, with a call that goes on while you watch. `node web/test/mock-server.ts [port]` serves `web/dist`.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Call, CallEvent, LiveToClient, LiveToServer, Problem, TalkFromBrowser, TalkToBrowser } from '@tandem/contract';
import { Server as SocketServer } from 'socket.io';
import { type WebSocket, WebSocketServer } from 'ws';
import * as actions from './mock-actions.ts';
import * as data from './mock-data.ts';
import * as knowledge from './mock-knowledge.ts';
import { explanationOf } from './mock-explanation.ts';
import { recordingOf, voiceAt } from './mock-sound.ts';

export const MOCK_KEY = 'mock-key';
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };

export type MockOptions = { port?: number /** No business data, no live calls. */; empty?: boolean; folder?: string };
export type Mock = {
  url: string;
  /** What browsers said on their call lines, in order; frames are counted. */
  talked: { messages: TalkFromBrowser[]; frames: number; loudest: number };
  /** Cuts every call line without a goodbye. */
  cut: () => void;
  close: () => Promise<void>;
};

type Answer = { status: number; body?: unknown; headers?: Record<string, string> };
type Lists = Record<string, { id: string }[]>;

const problem = (status: number, code: string, detail: string, errors?: Problem['errors']): Answer => ({
  status,
  body: { type: 'about:blank', title: detail, status, code, detail, ...(errors ? { errors } : {}) } satisfies Problem,
});

export async function startMock({ port = 0, empty = false, folder = dist }: MockOptions = {}): Promise<Mock> {
  const stories = new Map<string, data.Story>();
  const story = (id: string): data.Story => {
    const told = stories.get(id) ?? data.tell(id);
    stories.set(id, told);
    return told;
  };
  const calls: Call[] = empty ? [] : Array.from({ length: 64 }, (_, n) => data.call(n));
  const first = calls[0];
  if (first) {
    Object.assign(first, {
      durationMs: story(first.id).durationMs,
      turns: 5,
      voiceToVoiceP50Ms: 672,
      costMicros: story(first.id)
        .turns.flatMap(({ usage }) => usage)
        .reduce((sum, { costMicros }) => sum + costMicros, 0),
      from: '+15550142',
      ending: { by: 'caller', reason: 'hung-up' },
    });
    first.summary =
      'The caller asked about Friday’s opening hours, the price of a check-up and parking, and wants to be called back about an appointment at nine.';
  }
  const copy = <T>(rows: T[]): T[] => (empty ? [] : structuredClone(rows));
  const lists: Lists = {
    assistants: copy(data.assistants),
    numbers: copy(data.numbers),
    documents: copy(knowledge.documents),
    questions: copy(knowledge.questions),
    sources: copy(knowledge.sources),
    gaps: copy(knowledge.gaps),
    trunks: copy(data.trunks),
    tools: copy(actions.tools),
    messages: copy(actions.messages),
    callbacks: copy(actions.callbacks),
    businesses: [structuredClone(data.business)],
  };
  const talked: Mock['talked'] = { messages: [], frames: 0, loudest: 0 };
  let made = 0;

  const resource = (name: string, id: string | undefined, method: string, body: Record<string, unknown>): Answer => {
    const rows = lists[name];
    if (!rows) return problem(404, 'not-found', 'There is nothing at this path');
    if (id === undefined) {
      if (method === 'GET') return { status: 200, body: { items: rows } };
      if (body['name'] === 'bad')
        return problem(422, 'invalid-input', 'A value is not acceptable', [{ path: '/name', message: 'This name is taken' }]);
      if (name === 'tools' && !String(body['url']).startsWith('http'))
        return problem(422, 'invalid-input', 'A value is not acceptable', [{ path: '/url', message: 'is not an http(s) address' }]);
      const now = new Date().toISOString();
      const row = {
        tags: [],
        sources: [],
        passages: 1,
        ...(name === 'tools' ? actions.toolOf({}, body) : body),
        id: `${name}-${++made}`,
        businessId: data.business.id,
        createdAt: now,
        updatedAt: now,
      };
      rows.push(row);
      return { status: 201, body: row };
    }
    const at = rows.findIndex((row) => row.id === id);
    const row = rows[at];
    if (!row) return problem(404, 'not-found', `There is no such thing as ${id}`);
    if (method === 'DELETE') {
      rows.splice(at, 1);
      return { status: 204 };
    }
    if (method === 'PATCH') Object.assign(row, actions.changeOf(name, row, body));
    return { status: 200, body: row };
  };

  const callList = (query: URLSearchParams): Answer => {
    const narrowed = calls.filter(
      (call) =>
        call.from.includes(query.get('search') ?? '') &&
        (!query.get('reason') || call.ending?.reason === query.get('reason')) &&
        (!query.get('assistantId') || call.assistantId === query.get('assistantId')) &&
        (!query.get('gateway') || call.gateway === query.get('gateway')) &&
        (query.get('slow') !== 'true' || call.turnProblems?.slow !== undefined),
    );
    const from = Number(query.get('cursor') ?? 0);
    const limit = Number(query.get('limit') ?? 50);
    const items = narrowed.slice(from, from + limit);
    return { status: 200, body: { items, ...(from + limit < narrowed.length ? { nextCursor: String(from + limit) } : {}) } };
  };

  const onCall = (id: string, part: string | undefined): Answer => {
    if (part === 'hang-up') return live.hangUp(id) ? { status: 204 } : problem(409, 'call-ended', 'The call has ended');
    const call = calls.find((each) => each.id === id);
    if (!call) return problem(404, 'not-found', 'There is no such call');
    const { lines, turns, events, durationMs } = story(id);
    switch (part) {
      case undefined:
        return { status: 200, body: call };
      case 'transcript':
        return { status: 200, body: { items: lines } };
      case 'turns':
        return { status: 200, body: { items: turns } };
      case 'events':
        return { status: 200, body: { items: events } };
      case 'explanation':
        return { status: 200, body: explanationOf(call, turns, events) };
      case 'recording':
        return { status: 200, body: recordingOf(lines, Math.round(durationMs)), headers: { 'content-type': 'audio/wav' } };
      default:
        return problem(404, 'not-found', 'There is nothing at this path');
    }
  };

  const answer = async (request: IncomingMessage, url: URL): Promise<Answer> => {
    const body = await bodyOf(request);
    const [area, ...path] = url.pathname.replace('/api/v1/', '').split('/').map(decodeURIComponent);
    const signedIn = request.headers.cookie?.includes('tandem_mock=1') ?? false;
    const [business = data.business] = lists['businesses'] ?? [];
    const session = { business, businesses: [business], permissions: ['*'] };
    if (area === 'session') {
      if (request.method === 'DELETE') return { status: 204, headers: { 'set-cookie': 'tandem_mock=; Path=/; Max-Age=0' } };
      if (request.method === 'GET')
        return signedIn ? { status: 200, body: session } : problem(401, 'unauthenticated', 'A valid API key is needed');
      if (body['key'] !== MOCK_KEY) return problem(401, 'unauthenticated', 'This key is not known');
      return { status: 200, body: session, headers: { 'set-cookie': 'tandem_mock=1; Path=/; HttpOnly; SameSite=Strict' } };
    }
    if (!signedIn) return problem(401, 'unauthenticated', 'A valid API key is needed');
    if (area === 'calls') return path[0] === undefined ? callList(url.searchParams) : onCall(path[0], path[1]);
    if (area === 'models') return { status: 200, body: actions.installed };
    if (area === 'reports')
      return { status: 200, body: empty ? { groups: [] } : actions.latency(url.searchParams.get('by') ?? 'business') };
    if (area === 'usage')
      return { status: 200, body: empty ? { totalCostMicros: 0, calls: 0, lines: [], days: [] } : actions.usage(url.searchParams) };
    const method = request.method ?? 'GET';
    const known = await knowledge.knowledgeAnswer(lists, method, [area, ...path], body, url.searchParams);
    return known ?? resource(area ?? '', path[0], method, body);
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://mock');
    let { status, body, headers = {} }: Answer = { status: 200 };
    if (url.pathname.startsWith('/api/v1/')) ({ status, body, headers = {} } = await answer(request, url));
    else if (url.pathname === '/readyz')
      body = { ready: true, reasons: [], degraded: empty ? [] : ['The database answers slowly: 4 events wait to be written'] };
    else if (url.pathname === '/gateways/browser/session') {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { assistant } = JSON.parse(Buffer.concat(chunks).toString()) as { assistant: string };
      const found = data.assistants.find(({ slug }) => slug === assistant);
      if (found) body = { token: 'once', url: '/gateways/browser', assistantName: found.name };
      else ({ status, body } = problem(404, 'not-found', 'No such assistant'));
    } else return serveFile(url.pathname, response, folder);
    const bytes = Buffer.isBuffer(body) ? body : body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body));
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers }).end(bytes);
  };

  const server = createServer(
    (request, response) => void serve(request, response).catch((error: unknown) => response.writeHead(500).end(String(error))),
  );
  const live: Live = empty ? emptyLive(server) : playLive(server, story, (ended) => void calls.unshift(ended));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (request.url === '/gateways/browser') sockets.handleUpgrade(request, socket, head, (line) => talkOn(line, talked));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : port}`,
    talked,
    cut: () => {
      for (const line of sockets.clients) line.terminate();
    },
    close: async () => {
      for (const line of sockets.clients) line.terminate();
      await live.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

/** JSON, or the fields and the file of a form. */
async function bodyOf(request: IncomingMessage): Promise<knowledge.KnowledgeBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const bytes = Buffer.concat(chunks);
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('multipart/')) return Object.fromEntries(await new Response(bytes, { headers: { 'content-type': type } }).formData());
  return bytes.length > 0 ? (JSON.parse(bytes.toString()) as knowledge.KnowledgeBody) : {};
}

async function serveFile(path: string, response: ServerResponse, folder: string): Promise<void> {
  const type = types[extname(path)];
  const file = join(folder, type && !path.includes('..') ? path : 'index.html');
  try {
    const bytes = await readFile(file);
    response.writeHead(200, { 'content-type': type ?? 'text/html' }).end(bytes);
  } catch {
    response.writeHead(404).end();
  }
}

type Live = { hangUp: (callId: string) => boolean; close: () => Promise<void> };
type LiveSocketServer = SocketServer<LiveToServer, LiveToClient>;

function emptyLive(server: Server): Live {
  const io: LiveSocketServer = new SocketServer(server, { path: '/live', destroyUpgrade: false });
  io.on('connection', (socket) => void socket.on('list', (reply) => reply([])));
  return { hangUp: () => false, close: () => io.close() };
}

/** Three calls at different points of the same story, going on in real time; one that ended rings again three seconds later. */
function playLive(server: Server, story: (id: string) => data.Story, keep: (ended: Call) => void): Live {
  const io: LiveSocketServer = new SocketServer(server, { path: '/live', destroyUpgrade: false });
  const now = Date.now();
  const lines = [9_000, 21_500, 3_000].map((spentMs, n) => {
    const started = new Date(now - spentMs).toISOString();
    const row = data.call(n, { id: `live-${n}`, startedAt: started, answeredAt: started, endedAt: null, durationMs: null, ending: null });
    return { row, startMs: now - spentMs, told: 0, over: false };
  });
  const due = (line: (typeof lines)[number]): CallEvent[] => {
    const { events } = story(line.row.id);
    const fresh = events.slice(line.told).filter(({ at }) => at <= Date.now() - line.startMs);
    line.told += fresh.length;
    return fresh;
  };
  for (const line of lines) due(line);
  const end = (line: (typeof lines)[number]) => {
    line.over = true;
    const spentMs = Date.now() - line.startMs;
    keep({
      ...line.row,
      endedAt: new Date().toISOString(),
      durationMs: spentMs,
      ending: { by: 'caller', reason: 'hung-up' },
      turns: 5,
      voiceToVoiceP50Ms: 672,
    });
    io.emit('calls', { changed: [], ended: [line.row.id] });
    setTimeout(() => ring(line), 3_000).unref();
  };
  const ring = (line: (typeof lines)[number]) => {
    const started = new Date().toISOString();
    line.row = { ...line.row, id: `${line.row.id}-again`, startedAt: started, answeredAt: started };
    Object.assign(line, { startMs: Date.now(), told: 0, over: false });
    io.emit('calls', { changed: [line.row], ended: [] });
  };
  const timer = setInterval(() => {
    for (const line of lines) {
      if (line.over) continue;
      const events = due(line);
      if (events.length > 0) io.to(line.row.id).emit('events', { callId: line.row.id, events });
      if (events.some(({ type }) => type === 'call-ended')) end(line);
    }
  }, 100);
  io.on('connection', (socket) => {
    socket.on('list', (reply) => reply(lines.filter(({ over }) => !over).map(({ row }) => row)));
    socket.on('watch', (callId, reply) => {
      void socket.join(callId);
      const line = lines.find(({ row }) => row.id === callId);
      reply(line ? story(callId).events.slice(0, line.told) : []);
    });
    socket.on('unwatch', (callId) => void socket.leave(callId));
  });
  return {
    hangUp: (callId) => {
      const line = lines.find(({ row }) => row.id === callId);
      if (!line || line.over) return false;
      const ended: CallEvent = {
        businessId: 'harbour',
        callId,
        seq: 9_999,
        at: 0,
        type: 'call-ended',
        by: 'agent',
        reason: 'hung-up',
        durationMs: 0,
      };
      io.to(callId).emit('events', { callId, events: [ended] });
      end(line);
      return true;
    },
    close: async () => {
      clearInterval(timer);
      await io.close();
    },
  };
}

/** A call line that greets with a voice of its own, echoes typed words and counts what it hears. */
function talkOn(line: WebSocket, talked: Mock['talked']): void {
  const say = (message: TalkToBrowser) => line.send(JSON.stringify(message));
  let timer: ReturnType<typeof setInterval> | undefined;
  let sent = 0;
  let turn = 0;
  const speak = (text: string) => {
    clearInterval(timer);
    sent = 0;
    const frames = text.length * 3;
    say({ type: 'caption', party: 'assistant', turn, text, final: false });
    timer = setInterval(() => {
      const frame = new Int16Array(320).map((_, n) => voiceAt((sent * 320 + n) / 16_000, 205));
      line.send(Buffer.from(frame.buffer));
      if (++sent < frames) return;
      clearInterval(timer);
      say({ type: 'caption', party: 'assistant', turn, text, final: true });
    }, 20);
  };
  line.on('message', (raw: Buffer, binary: boolean) => {
    if (binary) {
      talked.frames++;
      for (let at = 0; at + 1 < raw.length; at += 2) talked.loudest = Math.max(talked.loudest, Math.abs(raw.readInt16LE(at)));
      return;
    }
    const message = JSON.parse(raw.toString()) as TalkFromBrowser;
    talked.messages.push(message);
    if (message.type === 'hello') {
      say({ type: 'answered', callId: 'call-talk' });
      speak('Harbour Dental, you are talking to Ava, an AI assistant. How can I help you?');
    } else if (message.type === 'typed') {
      turn++;
      say({ type: 'clear' });
      say({ type: 'caption', party: 'caller', turn, text: message.text, final: true });
      if (/bye/i.test(message.text)) say({ type: 'ended', by: 'assistant', reason: 'goodbye' });
      else speak(`You said: ${message.text}.`);
    } else if (message.type === 'hang-up') line.close();
  });
  line.on('close', () => clearInterval(timer));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startMock({ port: Number(process.argv[2] ?? 3000), empty: process.argv.includes('--empty') });
  process.stdout.write(`${url}/#key=${MOCK_KEY}\n`);
}
