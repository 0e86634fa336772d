/**
 * A caller who is a language model: it is told who it is and what it wants, hears what the assistant said, and answers until
 * it has what it wants or gives up. The model answers in real time while the call's clock stands still.
 */
import type { LanguageModel, ModelMessage } from '#models/language-model.ts';
import { childOf } from '#kit/abort.ts';
import { TandemError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import type { CallLog } from './call-log.ts';
import type { Scenario } from './scenario.ts';

type Persona = NonNullable<Scenario['persona']>;

/** A line of a caller is short. */
const MAX_TOKENS = 120;
/** How long a model may take for one line, milliseconds of real time. */
const LINE_WITHIN_MS = 60_000;
const HANG_UP = /\[?\bHANG[ _-]?UP\b\]?/i;
const MAX_CHARS = 600;

/** Who can speak for a persona: the same caller for every level. */
export interface PersonaCaller {
  heardGreeting(): Promise<boolean>;
  heardAnswer(): Promise<boolean>;
  say(text: string): Promise<void>;
  listen(): Promise<void>;
  hangUp(): Promise<void>;
}

/** What of a run is needed to play one. */
interface PersonaParts {
  kit: Kit;
  personaModel?: LanguageModel;
  signal?: AbortSignal;
}

export interface PersonaRun {
  persona: Persona;
  model: LanguageModel | undefined;
  /** Waits in real time. */
  deadline: (withinMs: number) => AbortSignal;
}

/** Who plays it: the model that was named, else the first. */
export function personaOf({ kit, personaModel, signal }: PersonaParts, persona: Persona): PersonaRun {
  return {
    persona,
    model: personaModel,
    deadline: (withinMs) => {
      const line = childOf(signal);
      kit.clock.after(withinMs, () => line.abort('deadline'));
      return line.signal;
    },
  };
}

/** Plays the persona to the end of the call. Rejects with `unavailable` when there is no model to play it. */
export async function playPersona(caller: PersonaCaller, { persona, model, deadline }: PersonaRun, log: CallLog): Promise<void> {
  if (!model) throw new TandemError('unavailable', 'A persona needs a language model, and none is configured');
  try {
    await caller.heardGreeting();
    for (let turn = 0; turn < persona.maxTurns && !log.ended; turn++) {
      const line = await nextLine(model, persona, log, deadline(LINE_WITHIN_MS));
      const said = line.replace(HANG_UP, '').trim();
      if (said !== '') {
        await caller.say(said.slice(0, MAX_CHARS));
        await caller.heardAnswer();
      }
      if (said === '' || HANG_UP.test(line)) break;
    }
    await caller.listen();
  } finally {
    await caller.hangUp();
  }
}

async function nextLine(model: LanguageModel, persona: Persona, log: CallLog, signal: AbortSignal): Promise<string> {
  let line = '';
  const request = {
    instructions: instructionsOf(persona),
    messages: heardSoFar(log),
    passages: [],
    answerable: false,
    tools: [],
    language: 'en',
    maxTokens: MAX_TOKENS,
    signal,
  };
  for await (const part of model.generate(request)) if (part.type === 'text') line += part.text;
  return line.replace(/\s+/g, ' ').trim();
}

function instructionsOf({ who, wants, knows }: Persona): string {
  const facts = Object.entries(knows).map(([name, value]) => `- ${name}: ${value}`);
  return [
    'You play a person who calls a business on the telephone. The other side is its assistant. Stay in the role.',
    `Who you are: ${who}`,
    `What you want: ${wants}`,
    ...(facts.length > 0 ? ['What you know, to be given only when asked:', ...facts] : []),
    'Say one line at a time, as one speaks: one or two short sentences, no stage directions.',
    'When you have what you want, or see that you will not get it, say goodbye and write HANG UP behind it.',
  ].join('\n');
}

/** The call from the caller's side: the assistant's words are what the other one said. */
function heardSoFar({ events }: CallLog): ModelMessage[] {
  const messages: ModelMessage[] = [];
  for (const event of events) {
    if (event.type === 'turn-committed') messages.push({ role: 'assistant', text: event.text });
    else if (event.type === 'turn-completed' && event.heard !== '') messages.push({ role: 'user', text: event.heard });
  }
  return messages.length > 0 ? messages : [{ role: 'user', text: 'Hello?' }];
}
