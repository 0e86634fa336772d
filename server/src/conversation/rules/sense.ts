/** What words heard while the assistant speaks amount to. The first rule that knows wins; a new rule is a new line here. */
import { isBackchannel } from './backchannel.ts';
import { isEchoOf } from './echo-text.ts';
import { asksForTheFloor } from './interrupt-phrase.ts';
import { isOn, type RuleSettings, type SenseRuleName } from './rule-settings.ts';
import { wordsOf } from './words.ts';

/**
 * `nothing`: no words. `echo`: our own words come back. `stop`: asks for the floor. `backchannel`: go on, I am
 * listening. `words`: the caller says something.
 */
export type Sense = 'nothing' | 'echo' | 'stop' | 'backchannel' | 'words';

export interface Heard {
  text: string;
  /** Nothing more comes to this text. */
  final: boolean;
  language: string;
  /** What the assistant said in the last 8 s, as text or as its words. */
  spoken: string | readonly string[];
  /** Rules that the assistant switches off. */
  rules?: RuleSettings;
}

interface SenseRule {
  /** Without a name: cannot be switched off. */
  name?: SenseRuleName;
  sense: (heard: Heard) => Sense | undefined;
}

const list: readonly SenseRule[] = [
  { sense: ({ text }) => (wordsOf(text).length === 0 ? 'nothing' : undefined) },
  { name: 'echo', sense: ({ text, spoken, final }) => (isEchoOf(text, spoken, final) ? 'echo' : undefined) },
  { name: 'stop', sense: ({ text, language }) => (asksForTheFloor(text, language) ? 'stop' : undefined) },
  { name: 'backchannel', sense: ({ text, language }) => (isBackchannel(text, language) ? 'backchannel' : undefined) },
];

export function senseOf(heard: Heard): Sense {
  for (const { name, sense } of list) {
    const known = name === undefined || isOn(heard.rules, name) ? sense(heard) : undefined;
    if (known) return known;
  }
  return 'words';
}
