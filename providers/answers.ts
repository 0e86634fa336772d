/**
 * What the language models say: the first `AnswerRule` that fits the caller's last words. Behind the results of its calls it goes on
 * with `then` (`{{result}}` is the last of them); a rule with calls and no `then` calls again, which is how a runaway is scripted.
 */
import type { Scenario } from './scenario.ts';

export interface AskedCall {
  name: string;
  arguments: unknown;
}

/** What a request says about the conversation so far. */
export interface Asked {
  /** The caller's last words. */
  words: string;
  /** Results of tools that came behind these words, oldest first. */
  results: readonly string[];
  /** What the assistant has said behind these words already: the answer goes on from there. */
  said: string;
  /** False: no tool may be called (`tool_choice: "none"`). */
  mayCall: boolean;
}

export interface Answer {
  say: string;
  calls: readonly AskedCall[];
}

export function answerTo(scenario: Scenario, asked: Asked): Answer {
  const rule = scenario.answers.find(({ when }) => when === undefined || new RegExp(when, 'i').test(asked.words));
  if (!rule) return { say: 'I am sorry, I did not understand that.', calls: [] };
  const filled = (text = ''): string => {
    const words = text.replaceAll('{{words}}', () => asked.words);
    return words.replaceAll('{{result}}', () => asked.results.at(-1) ?? '');
  };
  if (asked.results.length > 0 && rule.then !== undefined) return { say: unsaid(filled(rule.then), asked.said), calls: [] };
  return { say: unsaid(filled(rule.say), asked.said), calls: asked.mayCall ? (rule.call ?? []) : [] };
}

/** The rest of an answer that was begun; the whole of it when something else was said. */
function unsaid(answer: string, said: string): string {
  const begun = said.trim();
  return begun !== '' && answer.startsWith(begun) ? answer.slice(begun.length) : answer;
}

/** A remark to the model in square brackets is none of the caller's words. */
export function isRemark(text: string): boolean {
  return /^\s*\[.*\]\s*$/s.test(text);
}

/** One thing that happened in a conversation, in whatever words a protocol has for it. */
export type Said = { by: 'caller' | 'assistant'; text: string } | { by: 'tool'; text: string };

/** Reads a conversation from its end. */
export function askedOf(conversation: readonly Said[], mayCall: boolean): Asked {
  const last = conversation.findLastIndex(({ by, text }) => by === 'caller' && text.trim() !== '' && !isRemark(text));
  const behind = conversation.slice(last + 1);
  const textsBy = (who: Said['by']): string[] => behind.flatMap(({ by, text }) => (by === who ? [text] : []));
  return { words: conversation[last]?.text ?? '', results: textsBy('tool'), said: textsBy('assistant').join(' '), mayCall };
}
