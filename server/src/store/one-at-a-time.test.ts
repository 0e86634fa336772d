import { expect, test } from 'vitest';
import { describeOnEachDatabase, emptyDatabase } from '../../test/database.ts';
import { testKit } from '#kit/testing.ts';
import { createBusiness, listBusinesses } from './businesses.ts';
import { oneAtATime } from './one-at-a-time.ts';

describeOnEachDatabase('what one node does at a time', ({ database }) => {
  test('those who start together wait for each other, and see what was done', async () => {
    if (database().kind === 'pglite') return expect(await oneAtATime(database(), async () => 'done')).toBe('done');
    await emptyDatabase(database());
    const kit = testKit();
    const make = async () => {
      const { items } = await listBusinesses(database(), { limit: 1 });
      if (items.length === 0) await createBusiness(database(), kit, { name: 'Only', language: 'en', timeZone: 'UTC' });
    };
    await Promise.all([1, 2, 3].map(() => oneAtATime(database(), make)));
    expect((await listBusinesses(database(), { limit: 10 })).items).toHaveLength(1);
  });

  test('one that fails lets the next one in', async () => {
    const failing = oneAtATime(database(), () => Promise.reject(new Error('not today')));
    await expect(failing).rejects.toThrow('not today');
    expect(await oneAtATime(database(), async () => 'done')).toBe('done');
  });
});
