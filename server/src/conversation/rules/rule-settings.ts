/** The rules that an assistant may switch or tune, by name. */

/** Rules that decide how long to wait for a caller who has gone quiet, in the order in which they are asked. */
export type EndpointRuleName =
  | 'no-words'
  | 'yes-no'
  | 'digits'
  | 'spelling'
  | 'email'
  | 'date'
  | 'name'
  | 'unfinished'
  | 'own-turns'
  | 'judged'
  | 'pauses'
  | 'sentence'
  | 'open-sentence'
  | 'silence';

/** Rules that tell apart what is heard while the assistant speaks. */
export type SenseRuleName = 'echo' | 'stop' | 'backchannel';

export type RuleName = EndpointRuleName | SenseRuleName;

/** `false` switches a rule off. A number is its wait in milliseconds, for rules that wait. Absent: on, with its own wait. */
export type RuleSettings = Readonly<Partial<Record<RuleName, boolean | number>>>;

export function isOn(rules: RuleSettings | undefined, name: RuleName): boolean {
  return rules?.[name] !== false;
}
