/** How many statements reach the database for a call and the look at it afterwards, with no cache, one layer, two layers. */
import { createHash } from 'node:crypto';
import { StoredKeyRing } from '../../server/src/api/key-ring.ts';
import { DirectoryEntries } from '../../server/src/jobs/directory-entries.ts';
import type { Kit } from '../../server/src/kit/kit.ts';
import { SeededRandom } from '../../server/src/kit/random.ts';
import { createApiKey } from '../../server/src/store/api-keys.ts';
import { createAssistant } from '../../server/src/store/assistants.ts';
import { createBusiness, updateBusiness } from '../../server/src/store/businesses.ts';
import { type Cache, type CacheCounters, keys } from '../../server/src/store/cache.ts';
import { readCall, readTranscript, readTurns } from '../../server/src/store/calls.ts';
import type { Database } from '../../server/src/store/database.ts';
import { createNumber } from '../../server/src/store/numbers.ts';
import { createQuestion } from '../../server/src/store/questions.ts';
import { callTurns, calls, transcriptLines } from '../../server/src/store/schema.ts';
import { SecretBox } from '../../server/src/store/secret-box.ts';
import { findOwners } from '../../server/src/store/snapshot.ts';
import { assistantInput, type TurnStages } from '../../contract/src/index.ts';

export interface Tenant {
  id: string;
  address: string;
  keyId: string;
  /** A call of it that people look at. */
  callId: string;
}

const QUESTIONS = 10;

/** `count` businesses, each with an assistant, a number, ten approved questions and an API key. */
export async function makeTenants(database: Database, kit: Kit, count: number): Promise<Tenant[]> {
  const tenants: Tenant[] = [];
  for (let n = 0; n < count; n++) {
    const { id } = await createBusiness(database, kit, { name: `Business ${n}`, language: 'en', timeZone: 'UTC' });
    const assistant = await createAssistant(
      database,
      kit,
      id,
      assistantInput.parse({ name: 'Desk', slug: `desk-${n}`, greeting: 'Hello.' }),
    );
    const address = `+1555${String(n).padStart(7, '0')}`;
    await createNumber(database, kit, id, { address, assistantId: assistant.id, label: '' });
    for (let q = 0; q < QUESTIONS; q++) {
      await createQuestion(database, kit, id, { phrasings: [`Question ${q} of ${n}?`], answer: `Answer ${q}.` });
    }
    const { id: keyId } = await createApiKey(database, kit, { businessId: null, name: 'console', scopes: ['read', 'write'] });
    tenants.push({ id, address, keyId, callId: await makeCall(database, id, `call_${n}`) });
  }
  return tenants;
}

/** A call that is over, of one turn. */
async function makeCall(database: Database, businessId: string, callId: string): Promise<string> {
  const { drizzle } = database;
  const one = { businessId, callId, turn: 1, interrupted: false };
  const call = { id: callId, businessId, direction: 'inbound', gateway: 'sip', from: '+1', to: '+2' } as const;
  await drizzle.insert(calls).values({ ...call, startedAt: new Date(), turns: 1, hasRecording: false, usage: [] });
  await drizzle.insert(callTurns).values({ ...one, stages: {} as TurnStages, passages: [], usage: [] });
  await drizzle.insert(transcriptLines).values({ ...one, seq: 1, party: 'caller', text: 'Hello.', fromMs: 0, toMs: 500, words: [] });
  return callId;
}

/** Asks the source every time. */
export const noCache: Cache = {
  get: (_key, load) => load(),
  invalidate: async () => {},
  onChange: () => () => {},
  counters: () => [],
  close: async () => {},
};

export interface Workload {
  calls: number;
  /** A business's configuration changes once in so many calls. */
  changeEvery: number;
  seed: number;
}

export interface QueriesOfCalls {
  /** By calls, of what a cache may answer: configuration at ring, and whom a key or session lets in. */
  lookUps: number;
  /** Facts of the call that was looked at, which are never cached. */
  facts: number;
  counters: CacheCounters[];
}

/**
 * Calls ring at businesses of very different size (Zipf, exponent 1). After each somebody opens its page in the console:
 * three requests, each with a session and a business to be checked, and one query of its own.
 */
export async function runCalls(
  { database, kit, queries }: { database: Database; kit: Kit; queries: () => number },
  cache: Cache,
  tenants: readonly Tenant[],
  { calls: callCount, changeEvery, seed }: Workload,
): Promise<QueriesOfCalls> {
  const box = new SecretBox(createHash('sha256').update('bench').digest(), kit.random);
  const entries = new DirectoryEntries({ kit, database, box, cache });
  const ring = new StoredKeyRing(database, kit.clock, cache);
  const random = new SeededRandom(seed);
  const pick = zipf(tenants, random);
  let [lookUps, facts] = [0, 0];
  const counted = async (work: () => Promise<unknown>) => {
    const before = queries();
    await work();
    return queries() - before;
  };
  const keep = { ttlMs: 60_000, negativeTtlMs: 10_000 };
  for (let call = 1; call <= callCount; call++) {
    const tenant = pick();
    lookUps += await counted(async () => {
      const owners = await cache.get(keys.number(tenant.address), () => findOwners(database, { address: tenant.address }, 10), keep);
      const found = await entries.read(owners?.[0] ?? '');
      if (found?.entry.id !== tenant.id) throw new Error(`${tenant.address} led to ${found?.entry.id}, not to ${tenant.id}`);
    });
    for (const read of [readCall, readTranscript, readTurns]) {
      lookUps += await counted(async () => {
        const principal = await ring.byId(tenant.keyId);
        if (principal?.keyId !== tenant.keyId || !(await ring.hasBusiness(tenant.id))) throw new Error('not let in');
      });
      facts += await counted(() => read(database, tenant.id, tenant.callId));
    }
    if (call % changeEvery === 0) {
      await updateBusiness(database, tenant.id, { name: `Renamed by ${call}` });
      await cache.invalidate(tenant.id);
      const now = (await entries.read(tenant.id))?.entry.name;
      if (now !== `Renamed by ${call}`) throw new Error(`a change was not seen: ${now}`);
    }
  }
  return { lookUps: lookUps / callCount, facts: facts / callCount, counters: cache.counters() };
}

function zipf<T>(all: readonly T[], random: SeededRandom): () => T {
  const shares: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= all.length; rank++) shares.push((sum += 1 / rank));
  return () => {
    const at = random.next() * sum;
    return all[
      Math.max(
        0,
        shares.findIndex((share) => share >= at),
      )
    ];
  };
}
