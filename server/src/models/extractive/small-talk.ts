/** What a caller says that is not a question of knowledge: greetings, thanks, goodbye, "say that again", a plain yes or no. */

export type SmallTalk =
  | 'greeting'
  | 'how-are-you'
  | 'thanks'
  | 'goodbye'
  | 'repeat'
  | 'yes'
  | 'no'
  | 'wait'
  | 'who-are-you'
  | 'human'
  | 'nothing-heard';

/** Words around the point: they change nothing about what is meant. */
const FILLER =
  '(?:well|oh|ok|okay|alright|all right|so|and|um|uh|er|hey|please|sorry|great|perfect|good|fine|very much|so much|a lot|then|now|again|there|' +
  'thanks|thank you|for that|for your help|for the help|for everything|you too|have a (?:nice|good|great) (?:day|one|evening|weekend)|today)';
const only = (...phrases: string[]): RegExp => new RegExp(`^(?:${FILLER} )*(?:${phrases.join('|')})(?: ${FILLER})*$`);
const SMALL_TALK_LENGTH = 90; // characters; whoever says more has something to say

/** On lower-case words without punctuation. In order: the first that matches the whole utterance wins. */
const KINDS: [SmallTalk, RegExp][] = [
  [
    'repeat',
    only(
      '(?:(?:can|could|would|will) you )?(?:please )?(?:repeat|say) (?:that|it|this)(?: once more)?',
      "i (?:didn't|did not|couldn't|don't) (?:hear|catch|get|understand) (?:that|you|it)",
      "(?:didn't|did not) (?:hear|catch|get) (?:that|you|it)",
      'what did you (?:just )?say',
      'what was that',
      'come again',
      'pardon(?: me)?',
      'once more',
      'repeat',
      'sorry what',
    ),
  ],
  [
    'goodbye',
    only(
      '(?:(?:no|yes|yeah) )?(?:good ?)?bye(?: bye)?',
      'good night',
      '(?:see|talk to) you(?: later| soon)?',
      "(?:(?:no|yes|yeah) )?(?:i think )?that(?:'s| is| will be| would be|'ll be) (?:all|it|everything)(?: (?:i needed|i wanted(?: to know)?|for (?:now|today)))?",
      '(?:no )?(?:nothing|no more) ?(?:else|more|questions)?',
      "(?:no )?i(?:'m| am) (?:done|all set)",
      '(?:you can )?(?:hang up|end the call)',
    ),
  ],
  ['no', only('no+', 'nope', 'nah', 'not really', 'not at the moment', "no i don't", "no that's (?:ok|okay|fine)", "no i'm good")],
  [
    'yes',
    only(
      'yes+',
      'yeah',
      'yep',
      'yup',
      'sure',
      'of course',
      'correct',
      'right',
      "that's right",
      'absolutely',
      'go ahead',
      'yes i (?:do|would)',
    ),
  ],
  ['how-are-you', only('(?:(?:hi|hello) )?how (?:are you(?: doing)?|is it going|do you do)', "how's it going")],
  [
    'greeting',
    only(
      'hi',
      'hello(?: hello)?',
      'hey',
      'good (?:morning|afternoon|evening|day)',
      'greetings',
      '(?:is )?(?:anybody|anyone|somebody) there',
      'are you (?:still )?there',
    ),
  ],
  [
    'wait',
    only(
      'wait(?: a (?:moment|second|minute))?',
      'hold on',
      'hang on',
      '(?:just )?(?:one|a) (?:moment|second|minute)',
      'give me a (?:moment|second|minute)',
    ),
  ],
  [
    'who-are-you',
    only(
      'who are you',
      'who is this',
      'who am i (?:speaking|talking) (?:to|with)',
      'are you (?:a |an )?(?:robot|machine|human|real person|person|computer|ai|bot)',
      "what(?:'s| is) your name",
    ),
  ],
  [
    'human',
    /\b(?:speak|talk|connect me|put me through|transfer me)\b.{0,16}\b(?:human|person|agent|operator|representative|somebody|someone|manager)\b|^(?:a )?(?:human|agent|operator|representative)(?: please)?$/,
  ],
  ['thanks', only('thanks', 'thank you', 'i appreciate (?:it|that)', 'cheers')],
  // Nothing but filler: agreement.
  ['yes', new RegExp(`^${FILLER}(?: ${FILLER})*$`)],
];

/** The kind of small talk an utterance is, or undefined when there is something in it to be answered. */
export function smallTalkOf(text: string): SmallTalk | undefined {
  const words = text
    .toLowerCase()
    .replace(/’/g, "'")
    .replace(/[^\p{L}\p{N}']+/gu, ' ')
    .trim();
  if (words === '') return 'nothing-heard';
  if (words.length > SMALL_TALK_LENGTH) return undefined;
  for (const [kind, pattern] of KINDS) if (pattern.test(words)) return kind;
  return undefined;
}
