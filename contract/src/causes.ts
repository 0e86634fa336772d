/**
 * Why a turn was bad: what `server/src/calls/explain` reads out of a call's events, as the API, the console and
 * `npx tandem explain` show it. Codes are stable; sentences are for people and may be worded anew.
 */
import { z } from 'zod';

/**
 * What was bad. `slow`: the caller waited too long for a first sound or for the answer. `dead-air`: a silence inside the
 * answer. `cut-off`: the assistant spoke into a pause of the caller's. `false-interruption`: something that was no
 * interruption stopped the assistant. `unanswered`: the question was not answered. `broken-sound`: sound was lost or late.
 */
export const turnProblem = z.enum(['slow', 'dead-air', 'cut-off', 'false-interruption', 'unanswered', 'broken-sound']);
export type TurnProblem = z.infer<typeof turnProblem>;

/** Turns of a call by what was bad about them. */
export const turnProblems = z.partialRecord(turnProblem, z.number().int().positive());
export type TurnProblems = z.infer<typeof turnProblems>;

export const causeCode = z.enum([
  'transcriber-late', // the words came late, or never
  'voice-held', // noise on the line kept the voice activity up after the last word
  'endpoint-waited', // a rule of turn-taking waited to be sure that the caller had finished
  'endpoint-early', // it took a pause for the end
  'caller-paused', // the caller's own long pause, or the patience that it has taught
  'retrieval-late', // the knowledge was slow
  'model-late', // the language model's first word
  'model-slow', // from its first word to a clause that can be spoken
  'tool-stalled',
  'synthesizer-late', // the voice
  'provider-failed', // somebody failed, and another (or nobody) took over
  'speculation-missed', // the answer that was prepared ahead did not fit the final words
  'filler-covered', // a few words bridged a part of the wait
  'machine-late', // this machine stood still or sent late
  'packet-loss', // on the way from the caller
  'jitter', // sound arrived too unevenly to be played
  'wrong-passage', // something was found, and it does not answer the question
  'knowledge-gap', // nothing is known about it
  'words-missed', // somebody spoke and no words came
  'noise', // a sound without words
  'backchannel', // "mm-hm", "okay"
  'unknown', // the events do not tell
]);
export type CauseCode = z.infer<typeof causeCode>;

export const turnCause = z.object({
  code: causeCode,
  shareMs: z.number().nonnegative().nullable().describe('of the gap, beyond what is usual; null where it is no matter of time'),
  confidence: z.number().min(0).max(1),
  stage: z.string().optional().describe('stage of the waterfall that is at fault'),
  sentence: z.string().describe('what happened, with the figures'),
  advice: z.string().describe('what to do about it'),
  evidence: z.object({
    seqs: z.array(z.number().int().nonnegative()).describe('events of the call that say so'),
    figures: z.record(z.string(), z.union([z.number(), z.string()])),
  }),
});
export type TurnCause = z.infer<typeof turnCause>;

export const turnFinding = z.object({
  turn: z.number().int().nonnegative(),
  problem: turnProblem,
  atMs: z.number().nonnegative().describe("on the call's clock, as in its events"),
  gapMs: z.number().nonnegative().nullable().describe('how long the wait, the silence or the pause was'),
  limitMs: z.number().nonnegative().nullable().describe('what it should have stayed below'),
  sentence: z.string(),
  causes: z.array(turnCause).min(1).describe('the main cause first'),
});
export type TurnFinding = z.infer<typeof turnFinding>;

/** From where on a turn counts as bad. */
export const explanationLimits = z.object({
  firstSoundMs: z.number().describe("from the caller's last word to the first sound, a filler's counted"),
  answerMs: z.number().describe('to the answer itself, where a filler bridged the wait'),
  deadAirMs: z.number().describe('silence inside an answer'),
  stopMs: z.number().describe('the assistant stood still for what was no interruption'),
  lostShare: z.number().describe("of the caller's packets in a turn"),
  lateShare: z.number().describe('of the frames that we sent in a turn'),
});
export type ExplanationLimits = z.infer<typeof explanationLimits>;

/** Answer of `/api/v1/calls/:id/explanation`. */
export const callExplanation = z.object({
  callId: z.string(),
  turns: z.number().int().nonnegative().describe('committed turns of the caller'),
  badTurns: z.number().int().nonnegative(),
  summary: z.string(),
  limits: explanationLimits,
  findings: z.array(turnFinding),
  partial: z.boolean().optional().describe('the call has more events than were read'),
});
export type CallExplanation = z.infer<typeof callExplanation>;
