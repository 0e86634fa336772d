/** What is compared, each behind the seam of the product. Another one, such as the whole path through a thread, is a line here. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemKit } from '../../server/src/kit/kit.ts';
import { ChromaIndex } from '../../server/src/vectors/chroma/chroma-index.ts';
import { openMemoryIndex } from '../../server/src/vectors/memory/memory-index.ts';
import { openPgvectorIndex } from '../../server/src/vectors/pgvector/pgvector-index.ts';
import { definition, SCHEMA } from '../../server/src/vectors/pgvector/statements.ts';
import { openTestDatabase } from '../../server/src/vectors/pgvector/testing.ts';
import type { VectorIndex } from '../../server/src/vectors/vector-index.ts';
import { processUsage } from '../load/process-usage.ts';

export interface System {
  index: VectorIndex;
  /** Memory of the process that holds the vectors. */
  rssMb(): number;
  /** Much is about to be put in: what is faster built afterwards is put away until `settled`. */
  filling?(): Promise<void>;
  /** Resolves when what is built in the background is built. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export type SystemName = 'tandem' | 'chroma' | 'pgvector';

const kit = systemKit('warn');
const ownRssMb = () => processUsage(process.pid).rssMb;

async function openTandem(): Promise<System> {
  const index = await openMemoryIndex({ kit, maxBytes: 8 * 2 ** 30 });
  return { index, rssMb: ownRssMb, settled: () => index.indexed(), close: () => index.close() };
}

/**
 * Its index is built after the rows are in, as pgvector's documentation advises: row by row an insertion takes PGlite five
 * times as long as row and build together.
 */
async function openPgvector(dimensions: number): Promise<System> {
  const database = await openTestDatabase();
  const index = await openPgvectorIndex(kit, database);
  const create = definition({ dimensions }).find((statement) => statement.includes('using hnsw'));
  const filling = async () => {
    // Makes the table.
    await index.size({ businessId: 'nobody', base: 'main', embedder: 'bench', dimensions });
    if (create) await database.ask(`drop index if exists ${SCHEMA}.points_${dimensions}_embedding`);
  };
  const settled = async () => {
    if (!create) return;
    await database.ask("set maintenance_work_mem = '1GB'");
    await database.ask(create);
  };
  return { index, rssMb: ownRssMb, filling, settled, close: () => index.close() };
}

/** `bindings`: folder of the installed package. The server listens on loopback, keeps its files in a folder of its own, and ends with us. */
async function openChroma(bindings: string): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-chroma-'));
  const port = await freePort();
  const program = `require(${JSON.stringify(bindings)}).cli(['chroma', 'run', '--path', ${JSON.stringify(folder)}, '--host', '127.0.0.1', '--port', '${port}'])`;
  const server = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  const end = () => {
    server.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', end);
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; ; attempt++) {
    const up = await fetch(`${url}/api/v2/heartbeat`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) break;
    if (attempt === 150 || server.exitCode !== null) throw new Error('the Chroma server does not start (its build needs glibc 2.34)');
    await kit.clock.sleep(200);
  }
  const index = new ChromaIndex(kit, { url, tenant: 'default_tenant', database: 'default_database' });
  return {
    index,
    rssMb: () => processUsage(server.pid as number).rssMb,
    settled: async () => {},
    close: async () => {
      await index.close();
      process.off('exit', end);
      end();
    },
  };
}

export function openSystem(name: SystemName, options: { chromaBindings: string; dimensions: number }): Promise<System> {
  const open: Record<SystemName, () => Promise<System>> = {
    tandem: openTandem,
    pgvector: () => openPgvector(options.dimensions),
    chroma: () => openChroma(options.chromaBindings),
  };
  return open[name]();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (address !== null && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}
