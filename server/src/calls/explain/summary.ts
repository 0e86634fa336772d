/** A call's bad turns in a sentence or two. */
import type { CauseCode, TurnFinding, TurnProblem } from '@tandem/contract';
import { plural } from './durations-in-words.ts';

const problemWords: Readonly<Record<TurnProblem, (count: number) => string>> = {
  slow: (count) => plural(count, 'slow answer'),
  'dead-air': (count) => plural(count, 'silence inside an answer', 'silences inside answers'),
  'cut-off': (count) => `the caller was cut off${times(count)}`,
  'false-interruption': (count) => `the assistant was stopped for nothing${times(count)}`,
  unanswered: (count) => plural(count, 'question without an answer', 'questions without an answer'),
  'broken-sound': (count) => `the sound broke${times(count)}`,
};

const causeNames: Readonly<Record<CauseCode, string>> = {
  'transcriber-late': 'the speech recogniser',
  'voice-held': "noise on the caller's line",
  'endpoint-waited': 'waiting to be sure that the caller had finished',
  'endpoint-early': 'taking a pause for the end',
  'caller-paused': "the caller's own pauses",
  'retrieval-late': 'looking things up',
  'model-late': 'the language model',
  'model-slow': 'the language model',
  'tool-stalled': 'a tool',
  'synthesizer-late': 'the voice',
  'provider-failed': 'a provider that failed',
  'speculation-missed': 'answers prepared ahead that did not fit',
  'filler-covered': 'a wait that was bridged',
  'machine-late': 'this machine',
  'packet-loss': "loss on the caller's line",
  jitter: "the caller's line",
  'wrong-passage': 'knowledge that does not fit the question',
  'knowledge-gap': 'a gap in the knowledge',
  'words-missed': 'words that were not understood',
  noise: 'noise',
  backchannel: 'words that only meant "go on"',
  unknown: 'nothing that was recorded',
};

const times = (count: number): string => (count === 1 ? '' : count === 2 ? ' twice' : ` ${count} times`);

/** In this order of importance: by how often, then as listed. */
export function summaryOf(findings: readonly TurnFinding[], turns: number, answered: boolean): string {
  if (!answered) return 'The call was never answered.';
  if (turns === 0 && findings.length === 0) return 'The caller said nothing that could be answered.';
  if (findings.length === 0) return turns === 1 ? 'The turn was in order.' : `All ${turns} turns were in order.`;
  const byProblem = [...Map.groupBy(findings, ({ problem }) => problem)].sort(([, a], [, b]) => b.length - a.length);
  const what = byProblem.map(([problem, of]) => problemWords[problem](of.length)).join(', ');
  const byCause = [...Map.groupBy(findings, ({ causes }) => causeNames[causes[0].code])].sort(([, a], [, b]) => b.length - a.length);
  const [[why, of]] = byCause;
  const mainly =
    byCause.length === 1 || of.length * 2 > findings.length ? ` The cause was ${byCause.length === 1 ? '' : 'mostly '}${why}.` : '';
  return `${what.charAt(0).toUpperCase()}${what.slice(1)} in ${plural(turns, 'turn')}.${mainly}`;
}
