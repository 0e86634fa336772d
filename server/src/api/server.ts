/**
 * The office's HTTP server: REST under `/api/v1`, its description and a page to try it, the gateways' webhooks, health,
 * and the console's files.
 */
import type { AddressInfo } from 'node:net';
import cookie from '@fastify/cookie';
import multipart from '@fastify/multipart';
import rateLimit from '@fastify/rate-limit';
import type { InstalledModels, Readiness } from '@tandem/contract';
import fastify, { type FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Registry } from 'prom-client';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { Database } from '#store/database.ts';
import type { JobSender } from '#store/queue.ts';
import type { SecretBox } from '#store/secret-box.ts';
import { installAuth } from './auth.ts';
import type { CallThread } from './call-thread-client.ts';
import { serveConsole } from './console.ts';
import { installDescription } from './description.ts';
import { gatewayRoutes } from './gateways.ts';
import { healthRoutes } from './health.ts';
import { everyBusiness, type StoredKeyRing } from './key-ring.ts';
import { installProblems, refuseMalformed } from './problems.ts';
import { businessRoutes } from './routes/businesses.ts';
import { callRoutes } from './routes/calls.ts';
import { documentRoutes } from './routes/documents.ts';
import { knowledgeRoutes, type SearchKnowledge } from './routes/knowledge.ts';
import { messageRoutes } from './routes/messages.ts';
import { modelRoutes } from './routes/models.ts';
import { recordingRoutes } from './routes/recordings.ts';
import { reportRoutes } from './routes/reports.ts';
import { resources } from './routes/resources.ts';
import { sessionRoutes } from './routes/sessions.ts';
import { toolRoutes } from './routes/tools.ts';
import { installSecurityHeaders } from './security-headers.ts';
import type { Sessions } from './sessions.ts';
import { relayUpgrades } from './upgrade-relay.ts';

export interface ServerOptions {
  kit: Kit;
  /** Where the call thread takes WebSockets, for upgrades that arrive here. */
  media: { host: string; port: number };
  /** Where browsers and carriers reach this server. */
  publicUrl: string;
  /** Where browsers and carriers reach the media port. */
  mediaUrl: string;
  database: Database;
  /** Seals the tools' secrets. */
  box: SecretBox;
  keys: StoredKeyRing;
  sessions: Sessions;
  callThread: CallThread;
  registry: Registry;
  readiness: () => Promise<Readiness>;
  /** The providers the call thread has installed; absent in tests that have no call thread. */
  models?: () => InstalledModels | undefined;
  observeRequest: (method: string, route: string, status: number, seconds: number) => void;
  /** Takes what is done in the background. */
  queue: JobSender;
  /** Tries out what a caller would get. */
  searchKnowledge: SearchKnowledge;
  /** What a business's calls are answered from has changed: its directory entry is stale, or its knowledge. */
  changed: (businessId: string) => void;
  recordingsFolder: string;
  /** The built console; not served when it does not exist. */
  consoleFolder: string;
  version: string;
}

const KEEP_ALIVE_MS = 72_000;
/** A file of 25 MB over a line of 2 Mbit/s. */
const REQUEST_WITHIN_MS = 120_000;
/** A connection that does not get its request's head across holds a socket for nothing. */
const HEAD_WITHIN_MS = 10_000;
const LOOK_FOR_SLOW_MS = 2_000;
const MOST_CONNECTIONS = 8_000;
const REQUESTS_PER_MINUTE = 1_200;
const MOST_BODY_BYTES = 256 * 1024;
const UNLIMITED = new Set(['/livez', '/readyz', '/metrics']);

export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { kit, publicUrl } = options;
  const app = fastify({
    logger: false,
    genReqId: () => kit.ids.make('request'),
    bodyLimit: MOST_BODY_BYTES,
    requestTimeout: REQUEST_WITHIN_MS,
    http: { headersTimeout: HEAD_WITHIN_MS, connectionsCheckingInterval: LOOK_FOR_SLOW_MS },
    keepAliveTimeout: KEEP_ALIVE_MS,
    // A proxy or tunnel on this machine tells the address it speaks for; nobody else is believed.
    trustProxy: 'loopback',
    frameworkErrors: refuseMalformed,
    // Sockets of a console that stays open must not hold the process up when it stops.
    forceCloseConnections: true,
  });
  app.server.maxConnections = MOST_CONNECTIONS;
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installProblems(app, kit.log);
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unknown';
    options.observeRequest(request.method, route, reply.statusCode, reply.elapsedTime / 1000);
    const { id: requestId, method } = request;
    kit.log.debug({ requestId, method, route, status: reply.statusCode, tookMs: reply.elapsedTime }, 'request');
  });
  await app.register(cookie);
  await installSecurityHeaders(app, options);
  await app.register(rateLimit, {
    max: REQUESTS_PER_MINUTE,
    timeWindow: '1 minute',
    errorResponseBuilder: (_request, { after }) => new TandemError('rate-limited', `Too many requests; try again in ${after}`),
    allowList: (request) => UNLIMITED.has(request.url),
  });
  await installDescription(app, options);
  healthRoutes(app, options);
  gatewayRoutes(app, options.callThread);
  const { keys, sessions } = options;
  sessionRoutes(app, { keys, sessions, publicUrl, businessesOf: ({ businessId }) => everyBusiness(options.database, businessId) });
  await app.register(async (guarded) => {
    installAuth(guarded, options, { business: false });
    businessRoutes(guarded, options);
  });
  await app.register(async (guarded) => {
    installAuth(guarded, options, { business: true });
    await guarded.register(multipart);
    resources(guarded, options);
    documentRoutes(guarded, options);
    knowledgeRoutes(guarded, options);
    callRoutes(guarded, options);
    recordingRoutes(guarded, options);
    toolRoutes(guarded, options);
    messageRoutes(guarded, options);
    modelRoutes(guarded, options);
    reportRoutes(guarded, options);
  });
  await serveConsole(app, options.consoleFolder);
  relayUpgrades(app, { clock: kit.clock, media: options.media });
  return app;
}

/** Answers the port it listens on. Rejects with `port-taken` naming the port and its setting. */
export async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    // Under the name Fastify would open a second server that the live feed does not know.
    await app.listen({ host: host === 'localhost' ? '127.0.0.1' : host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new TandemError('port-taken', `Port ${port} on ${host} is in use; set PORT to another one`, { port, setting: 'PORT' }, error);
    }
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new TandemError(
        'setting-invalid',
        `Port ${port} on ${host} cannot be opened (${code}); see PORT and HOST`,
        { port, host },
        error,
      );
    }
    throw error;
  }
  return (app.server.address() as AddressInfo).port;
}
