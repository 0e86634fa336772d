/** What the extractive model says of its own. Another language is another value of this shape. */
import type { SmallTalk } from './small-talk.ts';

export interface Phrases {
  smallTalk: Record<Exclude<SmallTalk, 'repeat'>, readonly string[]>;
  nothingToRepeat: readonly string[];
  /** First time there is no answer: ask for other words. */
  unknownFirst: readonly string[];
  /** After that: offer to take the question. */
  unknownAgain: readonly string[];
  /** One of several questions was answered, and another could not be. */
  restUnknown: string;
  /** The caller accepted that offer. */
  questionTaken: readonly string[];
  /** The message could not be taken. */
  notTaken: readonly string[];
  /** Nobody could be connected. */
  nobodyThere: readonly string[];
  /** The caller declined; or said no to "anything else?". */
  anythingElse: readonly string[];
}

const english: Phrases = {
  smallTalk: {
    greeting: ['Hello! How can I help you?', 'Hi there. What can I do for you?', 'Yes, I am here. How can I help?'],
    'how-are-you': ['I am doing well, thank you for asking. How can I help you?', 'Very well, thank you. What can I do for you?'],
    thanks: ["You're welcome. Is there anything else?", 'My pleasure. Can I help with anything else?'],
    goodbye: ['Thank you for calling. Goodbye.', 'Thanks for your call. Have a good day. Goodbye.'],
    yes: ['All right. What would you like to know?', 'Good. Go ahead, please.'],
    no: ['All right. Is there anything else I can do for you?', 'Okay. Can I help with something else?'],
    wait: ['Of course, take your time.', 'Sure, I will wait.'],
    'who-are-you': ['I am the automated assistant of this line. I can answer questions about our services.'],
    human: [
      'I am an automated assistant and I cannot connect you right now, but I can take your question for a colleague. What is it about?',
    ],
    'nothing-heard': ["I'm sorry, I didn't catch that. Could you say it again?", 'Sorry, I could not hear that well. Could you repeat it?'],
  },
  nothingToRepeat: ['I have not said anything yet. How can I help you?'],
  unknownFirst: [
    "I'm sorry, I'm not sure I understood. Could you put that another way?",
    "I'm not certain about that one. Could you say it in other words?",
  ],
  unknownAgain: [
    "I'm sorry, I don't know the answer to that. Shall I take your question so that a colleague can call you back?",
    "I don't have information about that, I'm afraid. Would you like me to note your question for a colleague?",
  ],
  restUnknown: "I'm sorry, I don't know the answer to your other question.",
  questionTaken: ['Thank you, I have noted your question. A colleague will look into it. Is there anything else?'],
  notTaken: ['I am sorry, I could not note it down. Please call again later. Is there anything else?'],
  nobodyThere: ['I am sorry, nobody can take the call right now. Is there anything else I can do for you?'],
  anythingElse: ['All right. Is there anything else I can do for you?', 'Okay. What else can I help you with?'],
};

const languages: Record<string, Phrases> = { en: english };

/** Phrases of a BCP 47 language; English where there are none yet. */
export const phrasesFor = (language: string): Phrases => languages[language.toLowerCase().split('-')[0]] ?? english;
