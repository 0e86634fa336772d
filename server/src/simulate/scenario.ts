/**
 * A scenario: one call as a script, who calls whom over which line, what the caller does, and what is expected of it. One
 * format for three levels: `text` (words only), `virtual` (the whole engine on the virtual clock) and `sip` (real SIP and
 * RTP against a running server). YAML files and the builder make this very value.
 */
import { assistantInput, endingBy, endingReason } from '@tandem/contract';
import { z } from 'zod';

const ms = z.number().nonnegative();
const text = z.string().min(1).max(2_000);
const pattern = text
  .refine((source) => {
    try {
      return new RegExp(source, 'iu').test('') || true;
    } catch {
      return false;
    }
  }, 'is no regular expression')
  .describe('a regular expression, upper and lower case alike');

/** When a step begins: at once, unless one of these says otherwise. */
const timing = {
  /** Milliseconds since the answer. */
  at: ms.optional().describe('milliseconds since the call was answered'),
  after: ms.optional().describe('milliseconds after the step before has ended'),
};

/** One thing that the caller does. The next begins when it is done. */
export const callerStep = z.union([
  z.strictObject({
    hear: z.enum(['greeting', 'answer', 'quiet']).describe('wait until the assistant has said it and is silent'),
    withinMs: ms.optional(),
  }),
  z.strictObject({
    say: text,
    ...timing,
    wordMs: ms.optional(),
    pauses: z.array(z.strictObject({ afterWord: z.number().int().positive(), ms })).optional(),
  }),
  z.strictObject({ play: z.string().describe('WAV file beside the scenario'), text: text.optional().describe('its words'), ...timing }),
  z.strictObject({
    bargeIn: text,
    atWord: z.number().int().positive().optional().describe('when the n-th word of the answer is heard'),
    atMs: ms.optional().describe('milliseconds after the first sound of the answer'),
  }),
  z.strictObject({ backchannel: text.describe('uh-huh'), atWord: z.number().int().positive().optional(), atMs: ms.optional() }),
  z.strictObject({ press: z.string().regex(/^[0-9*#A-D]+$/), ...timing }),
  z.strictObject({ type: text, ...timing }),
  z.strictObject({ sound: z.enum(['cough', 'hum', 'click', 'door']), ms: ms.default(300), ...timing }),
  z.strictObject({ pause: ms }),
  z.strictObject({ hangUp: z.literal(true), ...timing }),
]);
export type CallerStep = z.infer<typeof callerStep>;

/** What the line does to the caller's sound (and, for `loss` and `jitter`, to ours). */
export const lineCondition = z.strictObject({
  noiseDb: z.number().min(-90).max(0).optional().describe('level of steady noise under the voice, dBFS'),
  echoDb: z.number().min(-60).max(0).optional().describe('the assistant comes back this much quieter'),
  echoDelayMs: ms.default(120),
  lossPct: z.number().min(0).max(100).optional(),
  burstPackets: z.number().min(1).max(50).default(1).describe('mean length of a burst of losses'),
  jitterMs: ms.optional(),
});

/** A caller who is a language model: it is told who it is and what it wants, and talks until it has it or gives up. */
export const persona = z.strictObject({
  who: text.describe('Impatient, speaks in half sentences'),
  wants: text.describe('An appointment on Friday after four'),
  knows: z.record(z.string(), z.string()).default({}).describe('facts to give when asked: name, number, address'),
  maxTurns: z.number().int().min(1).max(50).default(12),
  languageModel: z.string().optional(),
});

const words = z.union([text, z.strictObject({ matches: pattern })]);
const percentile = z.strictObject({ p50: ms.optional(), p95: ms.optional(), max: ms.optional() });

export const expectation = z.union([
  z.strictObject({ says: words, turn: z.number().int().nonnegative().optional() }),
  z.strictObject({ neverSays: words }),
  z.strictObject({ inOrder: z.array(words).min(2).describe('all said, one after the other') }),
  z.strictObject({
    calls: z.string().describe('a tool'),
    with: z.record(z.string(), z.unknown()).optional().describe('arguments, each equal; others may be there'),
    times: z.number().int().nonnegative().optional(),
    outcome: z.enum(['ok', 'failed', 'unknown']).optional(),
  }),
  z.strictObject({ neverCalls: z.string() }),
  z.strictObject({ toolOrder: z.array(z.string()).min(2) }),
  z.strictObject({ ends: z.strictObject({ by: endingBy.optional(), reason: endingReason.optional() }) }),
  z.strictObject({ turns: z.strictObject({ min: z.number().int().optional(), max: z.number().int().optional() }) }),
  z.strictObject({ voiceToVoiceMs: percentile }),
  z.strictObject({
    interruptions: z.strictObject({ max: z.number().int().nonnegative() }).describe('times a backchannel or noise stopped the assistant'),
  }),
  z.strictObject({
    cutOffs: z.strictObject({ max: z.number().int().nonnegative() }).describe('times the assistant spoke into a pause of the caller'),
  }),
  z.strictObject({ deadAirMs: z.strictObject({ max: ms }).describe("the longest silence while it is the assistant's turn") }),
  z.strictObject({ grounded: z.strictObject({ document: text }).describe('an answer rests on this document (its title)') }),
  z.strictObject({ fact: z.enum(['message', 'callback', 'gap']), with: z.record(z.string(), z.unknown()).optional() }),
  z.strictObject({ recording: z.strictObject({ minMs: ms.optional(), channels: z.literal(2).optional() }) }),
  z.strictObject({
    event: z.string().describe('a call event of this type'),
    with: z.record(z.string(), z.unknown()).optional(),
    times: z.number().int().nonnegative().optional(),
  }),
  z.strictObject({
    judge: text.describe('a statement that a language model finds true of the transcript; skipped where none is configured'),
  }),
]);
export type Expectation = z.infer<typeof expectation>;

/** What the models do where they are scripted: words of the answer by what was asked, and a tool that is called. */
export const scriptedAnswer = z.strictObject({
  when: pattern.describe('a regular expression on what the caller said, upper and lower case alike'),
  say: z.string().optional(),
  call: z.strictObject({ tool: z.string(), with: z.record(z.string(), z.unknown()).default({}) }).optional(),
  thenSay: z.string().optional().describe('after the tool has answered; {result.FIELD} stands for a field of the result'),
});

export type ScriptedAnswer = z.infer<typeof scriptedAnswer>;

export const scenario = z.strictObject({
  name: text,
  description: z.string().optional(),
  tags: z.array(z.string()).default([]),
  seed: z.number().int().nonnegative().default(1),
  levels: z
    .array(z.enum(['text', 'virtual', 'sip']))
    .min(1)
    .default(['text', 'virtual', 'sip'])
    .describe('where it makes sense: what is about sound has none at level text'),
  /** Whom is called: the demo business's assistant, or one of one's own. */
  to: z.string().default('demo'),
  from: z.string().default('+15550199'),
  business: z
    .strictObject({
      name: z.string().default('Harbour Dental'),
      assistant: assistantInput.partial().default({}),
      documents: z.array(z.strictObject({ title: text, text: z.string().optional(), file: z.string().optional() })).default([]),
      questions: z.array(z.strictObject({ phrasings: z.array(text).min(1), answer: text })).default([]),
      /** Tools that answer from this file instead of from the network. */
      tools: z
        .array(
          z.strictObject({
            name: z.string(),
            description: z.string().default(''),
            input: z.record(z.string(), z.unknown()).default({ type: 'object' }),
            sideEffect: z.boolean().default(false),
            answers: z
              .array(
                z.strictObject({
                  with: z.record(z.string(), z.unknown()).default({}),
                  result: z.unknown(),
                  fails: z.boolean().default(false),
                  tookMs: ms.default(0),
                }),
              )
              .default([]),
          }),
        )
        .default([]),
    })
    .optional()
    .describe('without it, the demo business'),
  answers: z.array(scriptedAnswer).optional().describe('scripted words of the language model; the extractive model without them'),
  voice: z.enum(['speech-like', 'flite']).default('speech-like').describe("the caller's: sound that is no language, or real speech"),
  line: lineCondition.default({ echoDelayMs: 120, burstPackets: 1 }),
  delays: z
    .strictObject({ transcriberMs: ms.optional(), firstTokenMs: ms.optional(), firstSoundMs: ms.optional() })
    .optional()
    .describe('of the scripted providers'),
  caller: z.array(callerStep).default([{ hear: 'greeting' }]),
  persona: persona.optional().describe('instead of `caller`'),
  expect: z.array(expectation).default([]),
  maxMs: ms.default(300_000).describe('the caller hangs up then'),
});
export type Scenario = z.infer<typeof scenario>;
/** A scenario as it is written, with what may be left out. */
export type ScenarioInput = z.input<typeof scenario>;

/** How much of the engine takes part. */
export type Level = 'text' | 'virtual' | 'sip';
