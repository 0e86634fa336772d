/** What a business may spend in a day, over several calls. Whole calls on the virtual clock. */
import { afterEach, expect, test } from 'vitest';
import { CallCentre } from './telephone.ts';

let centre: CallCentre;
/** No call may leave anything behind. */
afterEach(async () => {
  expect(await centre.close()).toBe(0);
  expect(centre.switchboard.live).toBe(0);
});

const spent = () =>
  centre.events('usage-counted').reduce((sum, { lines }) => sum + lines.reduce((all, { costMicros }) => all + costMicros, 0), 0);

test("the day's money is shared by the calls: when it is spent a call ends politely, and the next one too", async () => {
  centre = await CallCentre.open({
    price: ({ unit, quantity }) => (unit === 'characters' ? quantity : 0),
    costs: { dailyCeilingMicros: 100, spentTodayMicros: 60 },
  });
  const first = await centre.call();
  await first.untilQuiet();
  await first.says('when are you open');
  await first.untilQuiet(1_000);
  expect(spent()).toBeGreaterThan(40);
  await first.says('and how much is whitening');
  await first.untilQuiet(3_000);
  expect(centre.events('call-ended')).toMatchObject([{ by: 'assistant', reason: 'cost-ceiling' }]);
  const second = await centre.call();
  await second.untilQuiet();
  await second.says('when are you open');
  await second.untilQuiet(3_000);
  expect(centre.events('call-ended')).toHaveLength(2);
  expect(centre.events('call-ended').at(-1)).toMatchObject({ reason: 'cost-ceiling' });
});
