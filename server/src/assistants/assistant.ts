/** An assistant as a conversation is told of it. */
import type { Assistant } from '@tandem/contract';
import { instructionsOf } from './instructions.ts';

/** How the assistant takes turns, and how long it waits for somebody to speak. */
export interface AssistantPolicy {
  eagerness: Assistant['eagerness'];
  idleMs: number;
  speculation: Assistant['turnTaking']['speculation'];
  adaptive: boolean;
  fillers: boolean;
  hedging: boolean;
  rules: Assistant['turnTaking']['rules'];
}

function policyOf({ eagerness, idleMs, turnTaking }: Pick<Assistant, 'eagerness' | 'idleMs' | 'turnTaking'>): AssistantPolicy {
  const { speculation, adaptive, fillers, hedging, rules } = turnTaking;
  return { eagerness, idleMs, speculation, adaptive, fillers, hedging, rules };
}

/**
 * What to say and how: the plan of a conversation, as plain data. `phrases` are what callers are likely to say
 * (approved questions, names), for the transcriber. `voices` is by synthesizer, where it differs from `voice`.
 */
export function planOf(assistant: Assistant, businessName: string, phrases: readonly string[]) {
  const { name, greeting, goodbye, instructions, language, otherLanguages, voice, voices, turnTaking, builtInTools, grounding } = assistant;
  const transferTargets = builtInTools.includes('transfer_call') ? assistant.transferTargets : [];
  return {
    greeting,
    greetingProtected: turnTaking.greetingProtected,
    goodbye,
    instructions: instructionsOf({ name, businessName, instructions, language, otherLanguages, builtInTools, transferTargets }),
    language,
    otherLanguages,
    voice,
    voices,
    phrases,
    grounding,
    policy: policyOf(assistant),
  };
}
