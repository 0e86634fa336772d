/** An assistant as a call needs it: a snapshot taken at ring, turned into what a conversation is told. */
import type { Assistant } from '@tandem/contract';
import { instructionsOf } from './instructions.ts';

/** How soon the assistant takes the turn, and how long it waits for somebody to speak. */
export interface AssistantPolicy {
  eagerness: Assistant['eagerness'];
  idleMs: number;
}

/** Everything of an assistant that matters during a call. Later edits do not change a call that rings already. */
export interface AssistantSnapshot {
  id: string;
  businessId: string;
  businessName: string;
  name: string;
  slug: string;
  greeting: string;
  goodbye: string;
  /** As the business wrote them. */
  instructions: string;
  language: string;
  voice: string;
  /** Vendors by name; undefined: the best one installed. */
  transcriber: string | undefined;
  languageModel: string | undefined;
  synthesizer: string | undefined;
  policy: AssistantPolicy;
  maxDurationMs: number;
  recording: boolean;
}

export function snapshotOf(assistant: Assistant, businessName: string): AssistantSnapshot {
  const { id, businessId, name, slug, greeting, goodbye, instructions, language, voice } = assistant;
  const { transcriber, languageModel, synthesizer, maxDurationMs, recording } = assistant;
  return {
    id,
    businessId,
    businessName,
    name,
    slug,
    greeting,
    goodbye,
    instructions,
    language,
    voice,
    transcriber,
    languageModel,
    synthesizer,
    policy: policyOf(assistant),
    maxDurationMs,
    recording,
  };
}

export function policyOf(assistant: Pick<Assistant, 'eagerness' | 'idleMs'>): AssistantPolicy {
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
