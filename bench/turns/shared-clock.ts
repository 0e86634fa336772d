/** CLOCK_MONOTONIC in milliseconds: the one clock that processes of a machine share (`performance.now` counts from each one's start). */
const startedAt = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** A `performance.now` of this process as the shared clock has it. */
export const onSharedClock = (performanceNow: number): number => startedAt + performanceNow;
export const sharedNow = (): number => startedAt + performance.now();
