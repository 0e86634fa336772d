/** One level of calls on a fresh stack: what the callers report, and what it cost. */
import type { LoadReport } from '../../server/src/simulate/load/summary.ts';
import { overheadFigures, overheadOf, type OverheadFigures, type TurnOverhead } from '../../server/src/simulate/load/provider-log.ts';
import { processUsage } from '../load/process-usage.ts';
import { median } from '../results.ts';
import { type HeardText, heardTextOf } from './heard-text.ts';
import { kindsOf, longAnswer } from './script.ts';
import { type StackOptions, startStack } from './stack.ts';
import { type StageShare, stageShares } from './stages.ts';
import { coresBetween, threadUsage } from './thread-usage.ts';

export interface LevelOptions extends StackOptions {
  calls: number;
  seconds: number;
  /** Of a profile of the call thread behind the measurement; 0: none. */
  profileSeconds: number;
}

export interface Level {
  calls: number;
  report: LoadReport;
  overhead: OverheadFigures;
  turnsOverhead: TurnOverhead[];
  heardText: HeardText;
  /** Cores, over `seconds`. */
  cores: { server: number; providers: number; callers: number; threads: [name: string, cores: number][] };
  seconds: number;
  rssMb: { idle: number; busy: number };
  pacer: { frames: number; late: number; skipped: number };
  gc: Record<string, { ms: number; times: number; longestMs: number }>;
  loopDelayP99Ms: number[];
  stages: StageShare[];
  /** Calls on the line while it was measured, on average. */
  live: number;
  /** Of the call thread's own time per call and 20 ms. */
  callThreadUs: number;
}

const SAMPLE_MS = 5_000;
const FRAMES_PER_SECOND = 50;
const WARM_UP_CALLS = 50;
const WARM_UP_SECONDS = 20;
/** Comm of the call thread, where Node names threads; the busiest one otherwise. */
const CALL_THREAD = /call/i;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export async function measureLevel(options: LevelOptions): Promise<Level> {
  const { calls, seconds, script, profileSeconds } = options;
  const stack = await startStack(options);
  let stopped = false;
  try {
    const kinds = kindsOf(script);
    const answerMs = longAnswer(script).ms;
    // Code is compiled, pools are filled, caches are warm: an idle server is one that has worked.
    await stack.callers({ calls: Math.min(calls, WARM_UP_CALLS), seconds: WARM_UP_SECONDS, kinds, answerMs }).report;
    await pause(3_000);
    await stack.inspector.heapAfterGc();
    await pause(2_000);
    const idle = processUsage(stack.serverPid).rssMb;

    const measuring = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    const callers = stack.callers({ calls, seconds, warmUpSeconds: Math.min(10, seconds / 3), kinds, answerMs }, (phase) => {
      if (phase === 'measuring') measuring.resolve();
      if (phase === 'hanging-up') over.resolve();
    });
    await Promise.race([measuring.promise, callers.report]);
    await stack.inspector.watchGc();
    const read = () => ({
      at: performance.now(),
      server: processUsage(stack.serverPid).cpuSeconds,
      providers: processUsage(stack.providersPid).cpuSeconds,
      callers: processUsage(callers.pid).cpuSeconds,
      threads: threadUsage(stack.serverPid),
    });
    const gcBefore = await stack.inspector.gc();
    const pacerBefore = await stack.pacer();
    const before = read();
    const rss: number[] = [];
    const loopDelayP99Ms: number[] = [];
    const run = { over: false };
    void over.promise.then(() => (run.over = true));
    let after = before;
    let pacerAfter = pacerBefore;
    while (!run.over) {
      await Promise.race([pause(SAMPLE_MS), over.promise]);
      if (run.over) break;
      after = read();
      pacerAfter = await stack.pacer();
      rss.push(processUsage(stack.serverPid).rssMb);
      loopDelayP99Ms.push(1_000 * (await stack.metric('tandem_call_thread_loop_delay_p99_seconds')));
    }
    const gcAfter = await stack.inspector.gc();
    const report = await callers.report;
    const stages = profileSeconds > 0 ? await profile(options, stack) : [];
    const log = await stack.stop();
    stopped = true;
    const elapsed = (after.at - before.at) / 1_000;
    const turnsOverhead = overheadOf(report.turns, log, 'speech');
    const threads = coresBetween(before.threads, after.threads, elapsed);
    // Those that were really on the line: some may have been refused.
    const live = Math.max(1, (pacerAfter.frames - pacerBefore.frames) / (elapsed * FRAMES_PER_SECOND));
    const callThread = threads.find(([name]) => CALL_THREAD.test(name)) ?? threads[0];
    return {
      calls,
      report,
      turnsOverhead,
      overhead: overheadFigures(turnsOverhead, report.turns.length, log),
      heardText: heardTextOf(report.bargeIns, log, script),
      cores: {
        server: (after.server - before.server) / elapsed,
        providers: (after.providers - before.providers) / elapsed,
        callers: (after.callers - before.callers) / elapsed,
        threads,
      },
      seconds: elapsed,
      rssMb: { idle, busy: median(rss) },
      pacer: {
        frames: pacerAfter.frames - pacerBefore.frames,
        late: pacerAfter.late - pacerBefore.late,
        skipped: pacerAfter.skipped - pacerBefore.skipped,
      },
      gc: Object.fromEntries(
        Object.entries(gcAfter).map(([name, { ms, times, longestMs }]) => [
          name,
          { ms: ms - (gcBefore[name]?.ms ?? 0), times: times - (gcBefore[name]?.times ?? 0), longestMs },
        ]),
      ),
      loopDelayP99Ms,
      stages,
      live,
      callThreadUs: ((callThread?.[1] ?? 0) * 20_000) / live,
    };
  } finally {
    if (!stopped) await stack.stop().catch(() => []);
  }
}

async function profile(
  { calls, script, profileSeconds }: LevelOptions,
  stack: Awaited<ReturnType<typeof startStack>>,
): Promise<StageShare[]> {
  const up = Promise.withResolvers<void>();
  const callers = stack.callers(
    { calls, seconds: profileSeconds + 15, warmUpSeconds: 5, kinds: kindsOf(script) },
    (phase) => void (phase === 'measuring' && up.resolve()),
  );
  await Promise.race([up.promise, callers.report]);
  const shares = stageShares(await stack.inspector.profile('call-thread.ts', profileSeconds));
  callers.stop();
  await callers.report;
  return shares;
}
