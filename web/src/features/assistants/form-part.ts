/** What each section of the assistant's form is told, and what it asks for. */
import type { AssistantInput } from '@tandem/contract';

export type FormPart = {
  input: AssistantInput;
  change: (part: Partial<AssistantInput>) => void;
  /** What the server said about a field or something inside of it. */
  faultAt: (path: string) => string | undefined;
};

export const newAssistant: AssistantInput = {
  name: '',
  slug: '',
  greeting: 'Hello, you are talking to an AI assistant. This call is recorded. How can I help you?',
  instructions: '',
  goodbye: 'Thank you for calling. Goodbye.',
  language: 'en',
  otherLanguages: [],
  voice: 'slt',
  fallbacks: { transcribers: [], languageModels: [], synthesizers: [] },
  voices: {},
  turnTaking: { speculation: 'speech', adaptive: true, fillers: true, hedging: false, greetingProtected: false, rules: {} },
  knowledge: { bases: [], documentIds: [], tags: [], languages: [], audiences: [] },
  grounding: 'strict',
  builtInTools: ['end_call', 'take_message', 'schedule_callback', 'collect'],
  transferTargets: [],
  costCeiling: null,
  eagerness: 'medium',
  idleMs: 8_000,
  maxDurationMs: 1_800_000,
  recording: true,
};

/** A choice that was cleared must be said to be cleared: what an edit leaves out stays as it is. */
export function editOf(input: AssistantInput) {
  const { transcriber = null, languageModel = null, synthesizer = null, speechToSpeech = null } = input;
  return { ...input, transcriber, languageModel, synthesizer, speechToSpeech };
}

/** Only what may be written: a row read from the API carries more, and nulls where nothing was chosen. */
export function inputOf(row: AssistantInput): AssistantInput {
  const {
    id: _id,
    businessId: _businessId,
    createdAt: _createdAt,
    updatedAt: _updatedAt,
    ...input
  } = { ...row } as Record<string, unknown>;
  const chosen = Object.entries(input).filter(([name, value]) => value !== null || name === 'costCeiling');
  return { ...newAssistant, ...Object.fromEntries(chosen) };
}
