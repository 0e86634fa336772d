/** What browsers are told they may do with our pages: a strict policy for the console, a wider one for the API's page. */
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

export interface SecurityOptions {
  publicUrl: string;
  /** Where the talk page's WebSocket goes: another port, and maybe another host. */
  mediaUrl: string;
}

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Origins a page may open connections to. */
export function connectSources({ publicUrl, mediaUrl }: SecurityOptions): string[] {
  const media = new URL(mediaUrl);
  // On a laptop the same port has several names; the page may be open under any of them.
  const hosts = LOOPBACK.has(media.hostname) ? ['127.0.0.1', 'localhost'] : [media.hostname];
  const port = media.port === '' ? '' : `:${media.port}`;
  const sockets = hosts.map((host) => `${media.protocol}//${host}${port}`);
  return [...new Set(["'self'", ...sockets, new URL(publicUrl).origin.replace(/^http/, 'ws')])];
}

function policy(sources: Record<string, string[]>): string {
  return Object.entries(sources)
    .map(([name, values]) => `${name} ${values.join(' ')}`)
    .join('; ');
}

/** Styles are written by scripts (positions of a waveform), so they may be inline; scripts may not. */
function consolePolicy(options: SecurityOptions): string {
  return policy({
    'default-src': ["'self'"],
    'script-src': ["'self'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:', 'blob:'],
    'font-src': ["'self'", 'data:'],
    'media-src': ["'self'", 'blob:'],
    'worker-src': ["'self'", 'blob:'],
    'connect-src': connectSources(options),
    'object-src': ["'none'"],
    'base-uri': ["'self'"],
    'form-action': ["'self'"],
    'frame-ancestors': ["'self'"],
  });
}

/** The API's page starts from an inline script; it reaches nobody but us. */
function docsPolicy(): string {
  return policy({
    'default-src': ["'self'"],
    'script-src': ["'self'", "'unsafe-inline'"],
    'style-src': ["'self'", "'unsafe-inline'"],
    'img-src': ["'self'", 'data:', 'blob:'],
    'font-src': ["'self'", 'data:'],
    'worker-src': ["'self'", 'blob:'],
    'connect-src': ["'self'"],
    'object-src': ["'none'"],
    'base-uri': ["'self'"],
    'frame-ancestors': ["'self'"],
  });
}

export async function installSecurityHeaders(app: FastifyInstance, options: SecurityOptions): Promise<void> {
  const ofConsole = consolePolicy(options);
  const ofDocs = docsPolicy();
  await app.register(helmet, {
    contentSecurityPolicy: false,
    strictTransportSecurity: options.publicUrl.startsWith('https:'),
    // Pages of the same installation under another name (127.0.0.1, localhost) may play a recording.
    crossOriginResourcePolicy: { policy: 'same-site' },
  });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('content-security-policy', /^\/docs(\/|\?|$)/.test(request.url) ? ofDocs : ofConsole);
    reply.header('permissions-policy', 'microphone=(self), camera=(), geolocation=()');
  });
}
