/** What the server would say of the mock's call: one slow turn, and one in which packets were lost. */
import type { Call, CallEvent, CallExplanation, CallTurn, TurnFinding } from '@tandem/contract';

const limits = { firstSoundMs: 1_500, answerMs: 3_000, deadAirMs: 2_000, stopMs: 300, lostShare: 0.04, lateShare: 0.05 };

export function explanationOf(call: Call, turns: readonly CallTurn[], events: readonly CallEvent[]): CallExplanation {
  const seqs = (turn: number) =>
    events.flatMap((event) => ('turn' in event && event.turn === turn && event.type === 'turn-committed' ? [event.seq] : []));
  const slow = turns.find(({ voiceToVoiceMs }) => voiceToVoiceMs !== null && voiceToVoiceMs > limits.firstSoundMs);
  const findings: TurnFinding[] = !slow
    ? []
    : [
        {
          turn: slow.turn - 1,
          problem: 'broken-sound',
          atMs: (slow.stages.speechEndAt ?? 0) - 6_000,
          gapMs: null,
          limitMs: null,
          sentence: 'The caller was hard to hear.',
          causes: [
            {
              code: 'packet-loss',
              shareMs: null,
              confidence: 0.95,
              sentence: "6.2 % of the caller's packets (11 of 178) never arrived.",
              advice: "It is the caller's network or the carrier's; ask the carrier where several calls show it.",
              evidence: { seqs: seqs(slow.turn - 1), figures: { lost: 11, received: 167 } },
            },
          ],
        },
        {
          turn: slow.turn,
          problem: 'slow',
          atMs: slow.stages.speechEndAt ?? 0,
          gapMs: slow.voiceToVoiceMs,
          limitMs: limits.firstSoundMs,
          sentence: 'The caller waited 2.2 s for the first sound of the answer.',
          causes: [
            {
              code: 'model-late',
              shareMs: 580,
              confidence: 0.76,
              stage: 'first-token',
              sentence: 'The language model (openai) needed 0.7 s for its first word; usually 0.1 s.',
              advice: 'Switch hedging on, name a faster fallback, or shorten the instructions.',
              evidence: { seqs: seqs(slow.turn), figures: { ms: 720, usualMs: 140 } },
            },
            {
              code: 'transcriber-late',
              shareMs: 320,
              confidence: 0.58,
              stage: 'transcript',
              sentence: 'The speech recogniser (deepgram) needed 1.0 s for the last words; usually 0.4 s.',
              advice: 'Compare the recognisers in the latency report, and let a faster one or a nearer region come first.',
              evidence: { seqs: seqs(slow.turn), figures: { wordsMs: 980 } },
            },
          ],
        },
      ];
  const badTurns = findings.length;
  const summary = badTurns === 0 ? `All ${call.turns} turns were in order.` : 'The sound broke, 1 slow answer in 5 turns.';
  return { callId: call.id, turns: call.turns, badTurns, summary, limits, findings };
}
