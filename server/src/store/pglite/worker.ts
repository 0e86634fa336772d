/**
 * The embedded database's own thread: PGlite behind a private unix socket. Queries would otherwise stop the office for
 * as long as they run (seconds, measured). Talks to its parent by {@link WorkerMessage}s.
 */
import { rm } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

export interface WorkerOptions {
  /** Where the database's files are; undefined keeps it in memory. */
  filesPath: string | undefined;
  socketPath: string;
  /** A gzip of a data folder made by `dump`, to begin from instead of a fresh one. */
  template: Uint8Array | undefined;
}

export type WorkerRequest = { type: 'close' } | { type: 'dump' };
export type WorkerMessage = { type: 'ready' } | { type: 'closed' } | { type: 'dumped'; bytes: Uint8Array };

if (!parentPort) throw new Error('the embedded database runs in a worker thread');
const port = parentPort;
const { filesPath, socketPath, template } = workerData as WorkerOptions;
const say = (message: WorkerMessage) => port.postMessage(message);

const database = await PGlite.create({
  dataDir: filesPath,
  // 16 MB of buffers instead of 128: 140 MB less resident memory, no slower at this size.
  postgresqlconf: ['shared_buffers=16MB'],
  loadDataDir: template && new Blob([new Uint8Array(template)]),
});
// The pool holds one connection; a second seat lets its replacement in while a lost one is still being noticed.
await rm(socketPath, { force: true }); // of a thread that died
const server = new PGLiteSocketServer({ db: database, path: socketPath, maxConnections: 4 });
await server.start();

port.on('message', (request: WorkerRequest) => {
  void (request.type === 'close' ? close() : dump());
});
say({ type: 'ready' });

/** PGlite runs without fsync: the checkpoint is what makes an orderly stop complete on disk. */
async function close(): Promise<void> {
  await server.stop();
  await database.exec('checkpoint');
  await database.close();
  say({ type: 'closed' });
  port.close();
}

async function dump(): Promise<void> {
  const file = await database.dumpDataDir('gzip');
  say({ type: 'dumped', bytes: new Uint8Array(await file.arrayBuffer()) });
}
