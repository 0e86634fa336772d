/** Phrases that ask for the floor at once: no further proof is needed that the caller interrupts. */
import { inLanguage, wordsOf } from './words.ts';

const phrases: Record<string, readonly string[]> = {
  en: [
    'stop',
    'wait',
    'hold on',
    'hang on',
    'excuse me',
    'one moment',
    'one second',
    'just a moment',
    'just a second',
    'no no',
    'be quiet',
    'shut up',
    'sorry but',
    'let me speak',
  ],
  de: ['stopp', 'stop', 'halt', 'warte', 'warten sie', 'moment', 'einen moment', 'entschuldigung', 'nein nein'],
  es: ['para', 'pare', 'espera', 'espere', 'un momento', 'perdone', 'disculpe', 'no no'],
  fr: ['stop', 'attendez', 'attends', 'un moment', 'un instant', 'excusez moi', 'non non'],
};

/** "Wait there is more" asks for the floor, "I cannot wait" does not: the phrase must come first or be everything. */
export function asksForTheFloor(text: string, language: string): boolean {
  const said = ` ${wordsOf(text).join(' ')} `;
  return inLanguage(phrases, language).some((phrase) => said.startsWith(` ${phrase} `));
}
