/** A kit for tests: virtual clock, seeded randomness, silent log. */
import { VirtualClock } from './clock.ts';
import { Ids } from './ids.ts';
import type { Kit } from './kit.ts';
import { silentLog } from './log.ts';
import { SeededRandom } from './random.ts';

export type TestKit = Kit & { clock: VirtualClock };

export function testKit(seed = 1): TestKit {
  const clock = new VirtualClock();
  const random = new SeededRandom(seed);
  return { clock, random, ids: new Ids(clock, random), log: silentLog };
}
