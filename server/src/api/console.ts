/** The console's files: one page for all of its paths, and assets whose names change with their content. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import files from '@fastify/static';
import type { FastifyInstance } from 'fastify';

const YEAR_SECONDS = 31_536_000;

/** Paths of the console's own router that answer with its page. */
const SCREENS = [
  '/',
  '/history',
  '/history/*',
  '/messages',
  '/assistants',
  '/assistants/*',
  '/knowledge',
  '/tools',
  '/reports',
  '/settings',
  '/sign-in',
  '/talk/:assistant',
];

/** Serves the built console from `folder`; nothing when it was not built. */
export async function serveConsole(app: FastifyInstance, folder: string): Promise<void> {
  if (!existsSync(join(folder, 'index.html'))) return;
  await app.register(files, {
    root: folder,
    wildcard: false,
    index: false,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const hashed = path.startsWith(join(folder, 'assets/'));
      reply.header('cache-control', hashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache');
    },
  });
  for (const path of SCREENS) app.get(path, { schema: { hide: true } }, (_request, reply) => reply.sendFile('index.html'));
}
