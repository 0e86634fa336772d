/**
 * The 500 calls: a whole Tandem with everything on (voice activity, end of turn, Deepgram Flux, OpenAI chat and Cartesia on
 * sockets to local providers, speculation, recording, journal, metrics, database), the providers and the callers, each a
 * process of its own on one machine. Latency is the callers' own, on the clock that all three share.
 *
 *   npm run bench -- calls [--calls 500] [--minutes 10] [--wire sip|twilio] [--upward] [--step 100] [--most 2000]
 *                          [--database postgres] [--redis] [--profile 20] [--seed 1] [--save calls]
 *
 * - po: what is left of voice-to-voice when the time that only the providers took is taken away: the endpoint wait, from
 *   the caller's last sample at the transcriber to its end of turn, and the constant delays that they declare; what was
 *   begun in secret runs beside the wait. How late the providers themselves were is in po, and told apart as provider_late.
 * - cpu_machine_pct: all threads of the server, of all cores. cpu_thread_*: by the thread's name. us_per_frame_*: the call
 *   thread's time per call and 20 ms by part of the house, from a profile taken after the measurement.
 * - rss_per_call_mb: against the same server, idle, after its first calls and a garbage collection.
 * - late_frames_pct at the callers, late_frames_server_pct by the paced loop's own count.
 * - calls_held: with --upward, the last level without a breach (late frames, po P95, calls turned away).
 */
import { parseArgs } from 'node:util';
import { breachOf, figuresOf, founding } from './calls/figures.ts';
import { type Level, type LevelOptions, measureLevel } from './calls/measure.ts';
import { delaysMs, scriptFor } from './calls/script.ts';
import { type Figure, publish } from './results.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '500' },
    minutes: { type: 'string', default: '10' },
    wire: { type: 'string', default: 'sip' },
    upward: { type: 'boolean', default: false },
    step: { type: 'string', default: '100' },
    most: { type: 'string', default: '2000' },
    database: { type: 'string', default: 'embedded' },
    redis: { type: 'boolean', default: false },
    profile: { type: 'string', default: '20' },
    seed: { type: 'string', default: '1' },
    save: { type: 'string', default: 'calls' },
  },
});
const first = Number(values.calls);
const seed = Number(values.seed);
/** More than anybody says in the time; each place is asked for once. */
const script = scriptFor(1_200);
const options: Omit<LevelOptions, 'calls'> = {
  wire: values.wire === 'twilio' ? 'twilio' : 'sip',
  database: values.database === 'postgres' ? 'postgres' : 'embedded',
  redis: values.redis,
  seconds: Number(values.minutes) * 60,
  profileSeconds: Number(values.profile),
  script,
  seed,
};

function tell({ calls, report, stages, cores, callThreadUs }: Level): void {
  const { refused, failed } = report.totals;
  for (const [what, times] of Object.entries({ ...refused, ...failed })) console.log(`  ${times} x ${what}`);
  console.log(`  ${calls} calls, cores by thread: ${cores.threads.map(([name, taken]) => `${name} ${taken.toFixed(3)}`).join(', ')}`);
  for (const { stage, share } of stages)
    console.log(`    ${stage.padEnd(36)} ${(share * callThreadUs).toFixed(2).padStart(6)} us per call and frame`);
}

async function upward(level: Level): Promise<{ held: number; breach: string }> {
  let held = 0;
  for (let now = level; ; now = await measureLevel({ ...options, calls: now.calls + Number(values.step), profileSeconds: 0 })) {
    if (now !== level) {
      tell(now);
      figures.push(...figuresOf(now, `_${now.calls}`));
      samples[`calls_${now.calls}`] = samplesOf(now);
    }
    const breach = breachOf(now);
    if (breach !== undefined) return { held, breach: `${now.calls} calls: ${breach}` };
    held = now.calls;
    if (held >= Number(values.most)) return { held, breach: 'none: no more were tried' };
    console.log(`${held} calls are held; ${held + Number(values.step)} …`);
  }
}

const samplesOf = ({ report: { perCall, turns, bargeIns, ...told }, turnsOverhead, ...level }: Level) => ({
  ...level,
  ...told,
  po_ms: turnsOverhead.map(({ poMs }) => Math.round(poMs * 10) / 10),
  v2v_ms: turns.map(({ endAt, onsetAt }) => (onsetAt === undefined ? null : Math.round((onsetAt - endAt) * 10) / 10)),
  bst_ms: bargeIns.map(({ fromAt, stopAt }) => (stopAt === undefined ? null : Math.round(stopAt - fromAt))),
  calls_told: perCall.length,
});

console.log(`${first} calls over ${options.wire}, ${values.minutes} minutes …`);
const level = await measureLevel({ ...options, calls: first });
tell(level);
const figures: Figure[] = figuresOf(level, '');
const samples: Record<string, unknown> = { [`calls_${first}`]: samplesOf(level) };
const conditions: Record<string, unknown> = {
  calls: first,
  minutes: Number(values.minutes),
  wire: options.wire === 'sip' ? 'SIP/RTP on loopback, PCMU, 20 ms' : 'Twilio media streams on loopback, signed webhook and WebSocket',
  on: `voice activity, end of turn, Flux, chat, Cartesia, speculation, recording, journal, metrics, ${options.database} database${options.redis ? ', Redis' : ''}`,
  delays_ms: delaysMs,
  founding_targets: founding,
  machine_shared_with: 'the callers and the providers, whose CPU is told apart; Node inspector attached for figures of garbage collection',
};
if (values.upward) {
  const { held, breach } = await upward(level);
  figures.push({ name: 'calls_held', value: held, unit: 'calls', n: 1, goal: 1_000 });
  conditions.first_breach = breach;
}
publish(values.save, conditions, figures, samples, seed);
for (const { name, value, goal } of figures)
  if (name in founding)
    console.log(`  ${name.padEnd(18)} ${value.toFixed(2).padStart(9)}   founding target ${founding[name]}, ours ${goal ?? '-'}`);
