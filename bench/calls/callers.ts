/**
 * The callers' process of the bench of calls: the shipped load generator with a plan from a file. Tells its phases on
 * stdout, a line of JSON each; the report's times are on the clock that all processes of a machine share.
 *
 * argument: a file with {@link CallersPlan}
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { LoadGenerator } from '../../server/src/simulate/load/generator.ts';
import { SipWire } from '../../server/src/simulate/load/sip-wire.ts';
import { progressLine, reportOf } from '../../server/src/simulate/load/summary.ts';
import { cycleTalk, mixedTalk, type UtteranceKind } from '../../server/src/simulate/load/talk.ts';
import { TwilioWire } from '../../server/src/simulate/load/twilio-wire.ts';
import type { LoadWire } from '../../server/src/simulate/load/wire.ts';
import { systemKit } from '../../server/src/kit/kit.ts';
import { parseUri } from '../../server/src/sip/uri.ts';
import { comeFirst } from '../../server/test/priority.ts';
import { onSharedClock } from '../turns/shared-clock.ts';

export interface CallersPlan {
  wire: 'sip' | 'twilio';
  /** A sip: address, or a number. */
  target: string;
  /** Of the server, and what its Twilio account is. */
  url: string;
  accountSid: string;
  authToken: string;
  calls: number;
  perSecond: number;
  seconds: number;
  warmUpSeconds: number;
  lengthSeconds?: [number, number];
  /** One after the other; drawn when absent. */
  kinds?: UtteranceKind[];
  answerMs?: number;
  seed: number;
  out: string;
}

// What the world outside does late would be measured as the server's lateness.
comeFirst();
const plan = JSON.parse(readFileSync(process.argv[2], 'utf8')) as CallersPlan;
const kit = systemKit('warn', { part: 'callers' });
const ending = new AbortController();
process.once('SIGTERM', () => ending.abort());

function wireOf(): LoadWire {
  const { url, accountSid, authToken, target } = plan;
  if (plan.wire === 'twilio')
    return new TwilioWire({ kit, voiceUrl: `${url}/gateways/twilio/voice`, accountSid, authToken, to: target, anywhere: false });
  const uri = parseUri(target);
  if (!uri) throw new Error(`${target} is no sip: address`);
  return new SipWire({ kit, target: uri });
}

const loadPlan = {
  wire: plan.wire,
  calls: plan.calls,
  perSecond: plan.perSecond,
  durationMs: plan.seconds * 1_000,
  warmUpMs: plan.warmUpSeconds * 1_000,
  length: plan.lengthSeconds && { fromMs: plan.lengthSeconds[0] * 1_000, toMs: plan.lengthSeconds[1] * 1_000 },
  talk: plan.kinds ? cycleTalk(plan.kinds) : mixedTalk({ bargeIns: 0.1, backchannels: 0.05, pauses: 0.1 }),
  answerMs: plan.answerMs,
  seed: plan.seed,
};
let seconds = 0;
const generator = new LoadGenerator({
  plan: loadPlan,
  wire: wireOf(),
  kit,
  signal: ending.signal,
  onPhase: (phase) => void process.stdout.write(`${JSON.stringify({ phase })}\n`),
  onSecond: (now) => {
    if (++seconds % 10 === 0) process.stdout.write(`${JSON.stringify({ progress: progressLine(now) })}\n`);
  },
});
await generator.run();
const report = reportOf(loadPlan, generator);
for (const turn of report.turns) {
  turn.endAt = onSharedClock(turn.endAt);
  if (turn.onsetAt !== undefined) turn.onsetAt = onSharedClock(turn.onsetAt);
}
for (const bargeIn of report.bargeIns) {
  bargeIn.fromAt = onSharedClock(bargeIn.fromAt);
  if (bargeIn.stopAt !== undefined) bargeIn.stopAt = onSharedClock(bargeIn.stopAt);
}
writeFileSync(plan.out, JSON.stringify(report));
