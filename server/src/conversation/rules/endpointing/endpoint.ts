/**
 * When has a caller who went quiet finished? Small rules in a list; the first that knows decides. A new rule is a new
 * file and a line here.
 */
import { type EndpointRuleName, isOn } from '../rule-settings.ts';
import { date } from './date.ts';
import { digits } from './digits.ts';
import { email } from './email.ts';
import { judged } from './judged.ts';
import { name } from './name.ts';
import { noWords } from './no-words.ts';
import { ownTurns } from './own-turns.ts';
import { pauses } from './pauses.ts';
import { openSentence, sentence } from './sentence.ts';
import { silence } from './silence.ts';
import type { EndpointRule, RuleChoice, Situation } from './situation.ts';
import { spelling } from './spelling.ts';
import { unfinished } from './unfinished.ts';
import { yesNo } from './yes-no.ts';

const list: readonly EndpointRule[] = [
  noWords,
  // What was asked says how its answer sounds.
  yesNo,
  digits,
  spelling,
  email,
  date,
  name,
  unfinished,
  ownTurns,
  judged,
  pauses,
  sentence,
  openSentence,
];

export interface Wait {
  /** After the last voiced frame. */
  waitMs: number;
  /** The rule that decided. */
  rule: EndpointRuleName;
}

/** Always an answer: `silence` decides when no other rule does. */
export function waitFor(situation: Situation, { adaptive, rules }: RuleChoice): Wait {
  for (const rule of list) {
    if (!isOn(rules, rule.name) || !(adaptive || rule.always)) continue;
    const waitMs = rule.wait(situation);
    if (waitMs !== undefined) return { waitMs: tuned(rules?.[rule.name], waitMs), rule: rule.name };
  }
  return { waitMs: tuned(rules?.silence, silence.wait(situation) ?? situation.waits.minMs), rule: 'silence' };
}

function tuned(setting: boolean | number | undefined, waitMs: number): number {
  return typeof setting === 'number' && setting >= 0 ? setting : waitMs;
}
