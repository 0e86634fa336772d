/** What is told to the assistant of a fork: the plan and policy of the recorded call, with what is another. */
import type { Assistant } from '@tandem/contract';
import { withOwnInstructions } from '#assistants/instructions.ts';
import { type ConversationPlan, conversationPolicy, type PolicySettings } from '#conversation/plan.ts';

/** What is another; what is absent is as it was. */
export interface ForkChanges {
  /** What the business asks of the assistant. */
  prompt?: string;
  policy?: PolicySettings;
  /** What an assistant says and how it takes turns. */
  assistant?: Partial<Assistant>;
}

/** The recorded plan with the changes in it; what callers are likely to say is the business's own. */
export function revisedPlan(
  given: ConversationPlan,
  recorded: Omit<ConversationPlan, 'phrases'>,
  { prompt, policy, assistant }: ForkChanges,
): ConversationPlan {
  const { greeting, goodbye, language, grounding, instructions } = assistant ?? {};
  const own = prompt ?? instructions;
  return {
    ...given,
    ...recorded,
    ...(greeting === undefined ? {} : { greeting }),
    ...(goodbye === undefined ? {} : { goodbye }),
    ...(language === undefined ? {} : { language }),
    ...(grounding === undefined ? {} : { grounding }),
    ...(own === undefined ? {} : { instructions: withOwnInstructions(recorded.instructions, own) }),
    policy: changedPolicy(recorded.policy, policy ?? {}, assistant ?? {}),
  };
}

/** An eagerness is two of the waits; what is named itself wins over it. */
export function changedPolicy(recorded: PolicySettings, changes: PolicySettings, assistant: Partial<Assistant> = {}): PolicySettings {
  const { idleMs, turnTaking } = assistant;
  const { eagerness = assistant.eagerness, ...named } = changes;
  const { greetingProtected: _protected, ...turns } = turnTaking ?? { greetingProtected: false };
  const eager = eagerness === undefined ? undefined : conversationPolicy({ eagerness });
  return {
    ...recorded,
    ...turns,
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(eager ? { minDelayMs: eager.minDelayMs, sentenceDelayMs: eager.sentenceDelayMs } : {}),
    ...named,
  };
}
