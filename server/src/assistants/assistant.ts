/** An assistant as a conversation is told of it. */
import type { Assistant } from '@tandem/contract';
import { instructionsOf } from './instructions.ts';

/** How soon the assistant takes the turn, and how long it waits for somebody to speak. */
export interface AssistantPolicy {
  eagerness: Assistant['eagerness'];
  idleMs: number;
}

function policyOf(assistant: Pick<Assistant, 'eagerness' | 'idleMs'>): AssistantPolicy {
  return { eagerness: assistant.eagerness, idleMs: assistant.idleMs };
}

/**
 * What to say and how: the plan of a conversation, as plain data. `phrases` are what callers are likely to say
 * (approved questions, names), for the transcriber.
 */
export function planOf(assistant: Assistant, businessName: string, phrases: readonly string[]) {
  const { name, greeting, goodbye, instructions, language, voice } = assistant;
  return {
    greeting,
    goodbye,
    instructions: instructionsOf({ name, businessName, instructions, language }),
    language,
    voice,
    phrases,
    policy: policyOf(assistant),
  };
}
