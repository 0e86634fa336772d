/** Makes lines ready before they are needed: the greeting while the phone rings, so that it leaves with the first packet. */
import { type ConversationPlan, settlePlan } from './plan.ts';
import { ClauseCutter } from './script.ts';
import { UsageMeter } from './usage.ts';
import { Voice, type VoiceParts } from './voice.ts';

export type WarmParts = Omit<VoiceParts, 'plan' | 'usage'> & { plan: ConversationPlan };

/** Never rejects. Every line is made once and kept, however many calls ask for it. */
export async function warmGreeting(parts: WarmParts, signal: AbortSignal): Promise<void> {
  await warmLine(parts, parts.plan.greeting, signal);
}

/** The same for what is said when another conversation takes over. */
export async function warmMoment(parts: WarmParts, signal: AbortSignal): Promise<void> {
  await warmLine(parts, settlePlan(parts.plan).lines.moment, signal);
}

async function warmLine(parts: WarmParts, line: string, signal: AbortSignal): Promise<void> {
  const plan = settlePlan(parts.plan);
  const voice = new Voice({ ...parts, plan, usage: new UsageMeter(() => {}) });
  const cutter = new ClauseCutter(plan.policy.maxReplyChars);
  for (const clause of [...cutter.push(line), ...cutter.flush()]) {
    if (signal.aborted) return;
    await voice.prepare(clause, signal);
  }
}
