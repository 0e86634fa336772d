/** What words heard while the assistant speaks amount to. The first rule that knows wins; a new rule is a new line here. */
import { isBackchannel } from './backchannel.ts';
import { isEchoOf } from './echo-text.ts';
import { asksForTheFloor } from './interrupt-phrase.ts';
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
  /** What the assistant said in the last 8 s. */
  spoken: string;
}

type Rule = (heard: Heard) => Sense | undefined;

const rules: readonly Rule[] = [
  ({ text }) => (wordsOf(text).length === 0 ? 'nothing' : undefined),
  ({ text, spoken, final }) => (isEchoOf(text, spoken, final) ? 'echo' : undefined),
  ({ text, language }) => (asksForTheFloor(text, language) ? 'stop' : undefined),
  ({ text, language }) => (isBackchannel(text, language) ? 'backchannel' : undefined),
];

export function senseOf(heard: Heard): Sense {
  for (const rule of rules) {
    const sense = rule(heard);
    if (sense) return sense;
  }
  return 'words';
}
