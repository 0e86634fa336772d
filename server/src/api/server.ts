/**
 * The office's HTTP server: REST under `/api/v1`, its description and a page to try it, the gateways' webhooks, health,
 * and the console's files.
 */
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import files from '@fastify/static';
import swagger from '@fastify/swagger';
import reference from '@scalar/fastify-api-reference';
import fastify, { type FastifyInstance } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Registry } from 'prom-client';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Readiness } from '#observe/readiness.ts';
import type { Database } from '#store/database.ts';
import { installAuth, type Sessions } from './auth.ts';
import type { CallThread } from './call-thread-client.ts';
import { gatewayRoutes, relayUpgrade } from './gateways.ts';
import { healthRoutes } from './health.ts';
import type { StoredKeyRing } from './key-ring.ts';
import { installProblems } from './problems.ts';
import { businessRoutes, businessesOf } from './routes/businesses.ts';
import { callRoutes } from './routes/calls.ts';
import { resources } from './routes/resources.ts';
import { sessionRoutes } from './sessions.ts';

export interface ServerOptions {
  kit: Kit;
  host: string;
  port: number;
  /** Where the call thread takes WebSockets, for upgrades that arrive here. */
  media: { host: string; port: number };
  publicUrl: string;
  database: Database;
  keys: StoredKeyRing;
  sessions: Sessions;
  callThread: CallThread;
  registry: Registry;
  readiness: () => Promise<Readiness>;
  observeRequest: (method: string, route: string, status: number, seconds: number) => void;
  /** A business's directory entry is stale. */
  changed: (businessId: string) => void;
  recordingsFolder: string;
  /** The built console; not served when it does not exist. */
  consoleFolder: string;
  version: string;
}

const KEEP_ALIVE_MS = 72_000;
const REQUESTS_PER_MINUTE = 1_200;

export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { kit } = options;
  const app = fastify({
    logger: false,
    genReqId: () => kit.ids.make('request'),
    bodyLimit: 2 * 1024 * 1024,
    requestTimeout: 30_000,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionTimeout: 0,
    // Sockets of a console that stays open must not hold the process up when it stops.
    forceCloseConnections: true,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installProblems(app, kit.log);
  await app.register(cookie);
  await app.register(helmet, { contentSecurityPolicy: contentSecurityPolicy(options), strictTransportSecurity: options.publicUrl.startsWith('https') });
  await app.register(rateLimit, {
    max: REQUESTS_PER_MINUTE,
    timeWindow: '1 minute',
    errorResponseBuilder: (_request, { after }) => new TandemError('rate-limited', `Too many requests; try again in ${after}`),
    allowList: (request) => request.url === '/livez' || request.url === '/readyz' || request.url === '/metrics',
  });
  await app.register(swagger, { openapi: openApi(options), transform: jsonSchemaTransform, transformObject: jsonSchemaTransformObject });
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    options.observeRequest(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
  });

  healthRoutes(app, options);
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.register(reference, { routePrefix: '/docs', configuration: { url: '/openapi.json', title: 'Tandem API' } });
  gatewayRoutes(app, options.callThread);
  sessionRoutes(app, {
    keys: options.keys,
    sessions: options.sessions,
    businessesOf: (principal) => businessesOf(options.database, principal),
    secure: options.publicUrl.startsWith('https'),
  });
  await app.register(async (guarded) => {
    installAuth(guarded, options);
    businessRoutes(guarded, options);
    resources(guarded, options);
    callRoutes(guarded, options);
  });
  if (existsSync(options.consoleFolder)) await serveConsole(app, options.consoleFolder);
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.url?.startsWith('/gateways/')) relayUpgrade(request, socket, head, options.media);
  });
  return app;
}

/** Rejects with `port-taken` naming the port and its setting. Answers the port it listens on. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new TandemError('port-taken', `Port ${port} on ${host} is in use; choose another with PORT`, { port, setting: 'PORT' });
    }
    throw error;
  }
  return (app.server.address() as AddressInfo).port;
}

/** The console is one page: a path that is no file and no API answers with it. */
async function serveConsole(app: FastifyInstance, folder: string): Promise<void> {
  await app.register(files, { root: folder, wildcard: false, immutable: true, maxAge: '30d', index: false });
  const page = { maxAge: 0, immutable: false };
  for (const path of ['/', '/talk/:assistant', '/live', '/live/*', '/history', '/history/*', '/assistants', '/assistants/*', '/knowledge', '/knowledge/*', '/settings', '/settings/*', '/sign-in']) {
    app.get(path, { schema: { hide: true } }, (_request, reply) => reply.sendFile('index.html', folder, page));
  }
}

function contentSecurityPolicy({ media, publicUrl }: ServerOptions) {
  return {
    directives: {
      defaultSrc: ["'self'"],
      scriptSrc: ["'self'", "'unsafe-inline'", "'unsafe-eval'", 'blob:'],
      styleSrc: ["'self'", "'unsafe-inline'"],
      imgSrc: ["'self'", 'data:', 'blob:'],
      fontSrc: ["'self'", 'data:'],
      mediaSrc: ["'self'", 'blob:'],
      workerSrc: ["'self'", 'blob:'],
      connectSrc: ["'self'", `ws://127.0.0.1:${media.port}`, `ws://localhost:${media.port}`, publicUrl.replace(/^http/, 'ws')],
      upgradeInsecureRequests: null,
    },
  };
}

function openApi({ publicUrl, version }: ServerOptions) {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tandem',
      version,
      description: 'The REST API of the Tandem voice call centre. Errors are RFC 9457 problem documents with a stable `code`; lists are cursor-paged; times are RFC 3339 UTC.',
    },
    servers: [{ url: publicUrl }],
    components: { securitySchemes: { key: { type: 'http' as const, scheme: 'bearer', description: 'An API key' } } },
    security: [{ key: [] }],
  };
}
