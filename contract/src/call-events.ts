/**
 * CallEvents: one fact about a call each, in order; the only thing that leaves a call. `at` is milliseconds since
 * `call-received` on the call's monotonic clock; `call-received` carries the wall time that anchors them.
 */
import { z } from 'zod';
import { confidence, verdict } from './knowledge.ts';

const ms = z.number().nonnegative();
const turn = z.number().int().nonnegative().describe('0 is the greeting; n is the n-th committed caller turn and the reply to it');
const head = { businessId: z.string(), callId: z.string(), seq: z.number().int().nonnegative(), at: ms };

/** A word and when it was (to be) audible, in milliseconds from the start of what it belongs to. */
export const wordTime = z.object({ text: z.string(), fromMs: ms, toMs: ms });
export type WordTime = z.infer<typeof wordTime>;

/** Who ended a call, and why. The same value is the metric label, the row and the word on screen. */
export const endingBy = z.enum(['caller', 'assistant', 'agent', 'system']);
export const endingReason = z.enum([
  'hung-up', // a party put the phone down
  'cancelled', // the caller gave up before the call was answered
  'goodbye', // the assistant said goodbye
  'idle', // nobody spoke
  'media-lost', // no sound arrived
  'signalling-lost', // the connection that carries the call is gone
  'model-failed', // the assistant could not go on and said so
  'transferred',
  'rejected', // never answered
  'number-unknown',
  'no-common-codec',
  'max-duration',
  'cost-ceiling', // the money set aside for the call or the day is spent
  'shutdown',
  'process-died',
  'error',
]);
export const ending = z.object({ by: endingBy, reason: endingReason });
export type Ending = z.infer<typeof ending>;

/** Marks of one reply, milliseconds on the call's clock; a stage that did not happen is absent. */
export const turnStages = z.object({
  speechEndAt: ms.optional().describe("the caller's last voiced packet arrived on the wire"),
  heardAt: ms.optional().describe('that packet had passed the jitter buffer'),
  eagerAt: ms.optional().describe('an answer was begun in secret, before the turn was committed'),
  endpointAt: ms.optional().describe('decided that the caller has finished'),
  finalAt: ms.optional().describe('the words were final'),
  committedAt: ms.optional(),
  retrievalAt: ms.optional().describe('passages were there'),
  requestAt: ms.optional().describe('the language model was asked'),
  firstTokenAt: ms.optional(),
  firstClauseAt: ms.optional().describe('the first clause went to the synthesizer'),
  firstAudioAt: ms.optional().describe('its first sound came back'),
  fillerAt: ms.optional().describe('the first audible frame of a filler ("One moment.") left on the wire, before the answer'),
  firstPacketAt: ms.optional().describe('the first audible frame of the answer left on the wire'),
});
export type TurnStages = z.infer<typeof turnStages>;

export const usageLine = z.object({
  stage: z.enum(['transcriber', 'language-model', 'synthesizer', 'speech-to-speech', 'embedder']),
  provider: z.string(),
  model: z.string(),
  unit: z.enum([
    'seconds',
    'characters',
    'texts',
    'input-tokens',
    'cached-tokens',
    'output-tokens',
    'input-audio-tokens',
    'output-audio-tokens',
  ]),
  quantity: z.number().nonnegative(),
  costMicros: z.number().nonnegative().describe('millionths of a US dollar by the price table; 0 where it has no price'),
});
export type UsageLine = z.infer<typeof usageLine>;

/** Told to the rules of turn-taking (`server/src/conversation/floor-terms.ts`); its other fields depend on `type`. */
export const decisionInput = z.looseObject({ type: z.string(), at: ms });
/** Decided by them, at the input of that number. */
export const decision = z.object({ input: z.number().int().nonnegative(), action: z.looseObject({ type: z.string() }) });

/** The caller's line since it was last measured: differences of its counters, and the longest time the call's loop stood still. */
export const lineSpan = z.object({
  packetsReceived: z.number(),
  packetsLost: z.number(),
  packetsConcealed: z.number(),
  jitterMs: z.number().describe('at the end of the span'),
  framesSent: z.number(),
  framesLate: z.number().describe('sent more than 5 ms after their deadline'),
  stalledMs: z.number().describe('the longest time between two frames, beyond the 20 ms that are between them'),
  stalledAt: ms.optional().describe('when that was over'),
});
export type LineSpan = z.infer<typeof lineSpan>;

const event = <T extends string, S extends z.ZodRawShape>(type: T, shape: S) => z.object({ ...head, type: z.literal(type), ...shape });

export const callEvent = z.discriminatedUnion('type', [
  event('call-received', {
    startedAt: z.string().describe('RFC 3339 UTC'),
    direction: z.enum(['inbound', 'outbound']),
    gateway: z.string(),
    from: z.string(),
    to: z.string(),
    assistantId: z.string().optional(),
    assistantName: z.string().optional(),
    providerCallId: z.string().optional().describe("the carrier's own id (SIP Call-ID, Twilio CallSid)"),
  }),
  event('call-answered', { ringMs: ms }),
  event('leg-joined', { legId: z.string(), party: z.enum(['caller', 'agent']), gateway: z.string(), codec: z.string() }),
  event('leg-left', { legId: z.string(), party: z.enum(['caller', 'agent']), cause: z.string() }),
  event('line-measured', {
    legId: z.string(),
    packetsReceived: z.number(),
    packetsLost: z.number(),
    packetsConcealed: z.number(),
    jitterMs: z.number(),
    framesSent: z.number(),
    framesLate: z.number().describe('sent more than 5 ms after their deadline'),
  }),
  event('speech-started', { party: z.literal('caller') }),
  event('speech-ended', { party: z.literal('caller'), durationMs: ms }),
  event('transcript-partial', { turn, text: z.string() }),
  event('transcript-final', {
    turn,
    text: z.string(),
    confidence: z.number().min(0).max(1).optional(),
    fromAt: ms,
    toAt: ms,
    words: z.array(wordTime).optional(),
  }),
  event('turn-committed', {
    turn,
    text: z.string(),
    source: z.enum(['speech', 'typed', 'digits']),
    stages: turnStages,
    rule: z.string().optional().describe('which rule decided that the caller had finished'),
    speculation: z.enum(['adopted', 'missed', 'none']).optional().describe('what became of the answer begun in secret'),
    line: lineSpan.optional().describe('since the turn before was completed: while the caller spoke'),
  }),
  event('speculation-started', { turn, text: z.string() }),
  event('speculation-dropped', { turn, cause: z.string() }),
  event('retrieval-done', {
    turn,
    query: z.string(),
    passages: z.array(z.object({ id: z.string(), documentId: z.string(), title: z.string(), score: z.number() })),
    answerable: z.boolean(),
    verdict: verdict.optional(),
    confidence: confidence.optional(),
    cached: z.boolean().optional().describe('the same words were looked up before'),
    tookMs: ms,
  }),
  event('claim-withheld', {
    turn,
    text: z.string().describe('the sentence as the model had it'),
    claims: z.array(z.string()).describe('numbers, dates, prices and names that no passage and no tool result holds'),
  }),
  event('reply-started', { turn, epoch: z.number().int(), kind: z.enum(['greeting', 'answer', 'reprompt', 'apology', 'goodbye']) }),
  event('provider-failed', {
    turn,
    stage: z.enum(['transcriber', 'language-model', 'synthesizer', 'speech-to-speech']),
    provider: z.string(),
    category: z.string(),
    message: z.string(),
    next: z.string().optional().describe('who takes over; absent when nobody is left'),
  }),
  event('tool-called', {
    turn,
    toolCallId: z.string(),
    name: z.string(),
    arguments: z.unknown(),
    idempotencyKey: z.string().optional().describe('in the journal before the request leaves'),
    sideEffect: z.boolean().optional(),
  }),
  event('tool-returned', {
    turn,
    toolCallId: z.string(),
    name: z.string(),
    outcome: z.enum(['ok', 'failed', 'unknown']),
    tookMs: ms,
    result: z.unknown(),
  }),
  event('speech-played', {
    turn,
    text: z.string().describe('exactly what left on the wire'),
    fromAt: ms,
    toAt: ms,
    words: z.array(wordTime),
    filler: z.boolean().optional(),
    waited: z
      .object({ textAt: ms, soundAt: ms })
      .optional()
      .describe('there was silence before it, in the middle of the reply: when its text was there, and its first sound'),
  }),
  event('reply-interrupted', { turn, cause: z.string(), heard: z.string() }),
  event('reply-resumed', { turn }),
  event('turn-completed', {
    turn,
    heard: z.string(),
    interrupted: z.boolean(),
    stages: turnStages,
    voiceToVoiceMs: z.number().optional(),
    sentences: z
      .array(z.object({ text: z.string(), passages: z.array(z.string()) }))
      .optional()
      .describe('each sentence of the answer with the passages (or tool calls) that support it'),
    line: lineSpan.optional().describe('since the turn was committed: while the assistant answered'),
  }),
  event('digit-received', {
    legId: z.string(),
    digit: z.string().describe('* also stands for a digit of a secret entry; then `secret` is true'),
    secret: z.boolean().optional(),
  }),
  event('usage-counted', { turn, lines: z.array(usageLine), callCostMicros: z.number().nonnegative().describe('of the call so far') }),
  event('collection-started', { turn, what: z.string() }),
  event('collection-completed', {
    turn,
    what: z.string(),
    outcome: z.enum(['confirmed', 'given-up', 'abandoned']),
    attempts: z.number().int(),
  }),
  event('message-taken', {
    messageId: z.string(),
    name: z.string(),
    number: z.string(),
    text: z.string(),
    urgent: z.boolean(),
  }),
  event('callback-scheduled', {
    callbackId: z.string(),
    name: z.string(),
    number: z.string(),
    when: z.string().describe("in the caller's words, or RFC 3339 where it was clear"),
    reason: z.string(),
  }),
  event('conversation-began', {
    kind: z.enum(['ordinary', 'direct']).describe('direct: with one model that hears and speaks, which takes the turns itself'),
    policy: z.record(z.string(), z.unknown()).describe('how patient the assistant is, as it was settled for this call'),
    plan: z.looseObject({ greeting: z.string(), goodbye: z.string(), instructions: z.string(), language: z.string(), voice: z.string() }),
    models: z.object({
      transcribers: z.array(z.string()),
      languageModels: z.array(z.string()),
      synthesizers: z.array(z.string()),
      speechToSpeech: z.string().optional(),
    }),
  }),
  event('decisions-taken', {
    from: z.number().int().nonnegative().describe('number of the first input in its conversation'),
    inputs: z.array(decisionInput).describe('what the rules of turn-taking were told, timers and marks of the sound among it'),
    decisions: z.array(decision).describe('what they decided, without the timers that they set'),
    digest: z.string().describe('over all decisions of the conversation so far, the timers among them'),
    hidden: z
      .object({ count: z.number().int().positive(), floor: z.record(z.string(), z.unknown()) })
      .optional()
      .describe('inputs of a secret entry are not kept; `floor` is where it stood after them'),
  }),
  event('transfer-started', { target: z.string() }),
  event('transfer-completed', { target: z.string(), outcome: z.string() }),
  event('recording-started', { channels: z.literal(2), rate: z.number() }),
  event('recording-stopped', { reason: z.string(), durationMs: ms }),
  event('call-summarised', { summary: z.string() }),
  event('call-ended', { by: endingBy, reason: endingReason, durationMs: ms, detail: z.string().optional() }),
]);

export type CallEvent = z.infer<typeof callEvent>;
export type CallEventType = CallEvent['type'];
/** An event before the journal gave it `businessId`, `callId`, `seq` and `at`. */
export type CallFact = CallEvent extends infer E ? (E extends CallEvent ? Omit<E, 'businessId' | 'callId' | 'seq' | 'at'> : never) : never;
