/** What every part is given instead of reaching for ambient time, randomness and console. */
import { type Clock, SystemClock } from './clock.ts';
import { Ids } from './ids.ts';
import { jsonLog, type Log, type LogLevel } from './log.ts';
import { type Random, SystemRandom } from './random.ts';

export interface Kit {
  clock: Clock;
  random: Random;
  ids: Ids;
  log: Log;
}

export function systemKit(level: LogLevel, fields: Record<string, unknown> = {}): Kit {
  const clock = new SystemClock();
  const random = new SystemRandom();
  return { clock, random, ids: new Ids(clock, random), log: jsonLog(level, fields) };
}
