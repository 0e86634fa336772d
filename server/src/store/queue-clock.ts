/** The kit's clock as pg-boss wants one, so that none of its timers escapes ours. */
import type { Clock as BossClock } from 'pg-boss';
import type { Clock, Timer } from '#kit/clock.ts';

export function bossClock(clock: Clock): BossClock {
  const every = (run: () => void, ms: number): Timer => {
    let timer: Timer;
    const arm = () => {
      timer = clock.after(ms, () => {
        arm();
        run();
      });
    };
    arm();
    return { cancel: () => timer.cancel() };
  };
  const cancel = (timer: unknown) => (timer as Timer | undefined)?.cancel();
  return {
    now: () => clock.wall(),
    setTimeout: (run, ms) => clock.after(ms, run),
    clearTimeout: cancel,
    setInterval: every,
    clearInterval: cancel,
  };
}
