/**
 * Heard-text fidelity: after an interruption the next prompt is to hold the words that had sounded, one more or less. Which
 * request followed an interruption is known by its words (each place is asked for once in a call) and by its time.
 */
import type { BargeInSample } from '../../server/src/simulate/load/tally.ts';
import { heardWords } from '../turns/heard-words.ts';
import type { Utterance } from '../turns/script.ts';
import { longAnswer } from './script.ts';
import type { ProviderLine } from './stack.ts';

export interface HeardText {
  judged: number;
  faithful: number;
}

/** From the caller's first sample of the interruption: it lasts 1.5 s at most, its end of turn comes 250 ms later. */
const ASKED_WITHIN_MS = 4_000;

const plain = (text: string): string => (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).join(' ');

export function heardTextOf(bargeIns: readonly BargeInSample[], log: readonly ProviderLine[], script: readonly Utterance[]): HeardText {
  const answer = longAnswer(script).text;
  const byWords = new Map<string, ProviderLine[]>();
  for (const line of log) {
    if (line.event !== 'request' || line.asked === undefined) continue;
    const words = plain(line.asked);
    const requests = byWords.get(words);
    if (requests) requests.push(line);
    else byWords.set(words, [line]);
  }
  const text: HeardText = { judged: 0, faithful: 0 };
  for (const { index, fromAt, stopAt, heardMs, leftOut } of bargeIns) {
    if (stopAt === undefined || leftOut) continue;
    const requests = (byWords.get(plain(script[index % script.length].text)) ?? []).filter(
      ({ atMs }) => atMs > stopAt && atMs < fromAt + ASKED_WITHIN_MS,
    );
    // Callers who ask for the same place at the same time cannot be told apart: they are left out.
    const prompts = [...new Set(requests.map(({ said = '' }) => said))];
    if (prompts.length !== 1) continue;
    text.judged++;
    if (heardWords([answer], heardMs, prompts[0]).faithful) text.faithful++;
  }
  return text;
}
