/** Makes the greeting ready while the phone rings, so that it leaves with the first packet. */
import { type ConversationPlan, settlePlan } from './plan.ts';
import { ClauseCutter } from './script.ts';
import { UsageMeter } from './usage.ts';
import { Voice, type VoiceParts } from './voice.ts';

/** Never rejects. Every line is made once and kept, however many calls ask for it. */
export async function warmGreeting(
  parts: Omit<VoiceParts, 'plan' | 'usage'> & { plan: ConversationPlan },
  signal: AbortSignal,
): Promise<void> {
  const plan = settlePlan(parts.plan);
  const voice = new Voice({ ...parts, plan, usage: new UsageMeter(() => {}) });
  const cutter = new ClauseCutter(plan.policy.maxReplyChars);
  for (const clause of [...cutter.push(plan.greeting), ...cutter.flush()]) {
    if (signal.aborted) return;
    await voice.prepare(clause, signal);
  }
}
