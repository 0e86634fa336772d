/** What an answer to the assistant's last words will be like: "And your phone number?" asks for digits. */
import type { Expectation } from '../floor-terms.ts';
import { inLanguage, wordsOf } from './words.ts';

interface Asking {
  /** Things that are asked for, the most particular first. */
  things: readonly (readonly [Expectation, RegExp])[];
  /** A request without a question mark: "Please tell me your name." */
  requests: RegExp;
  /** Wants to know what, not whether. */
  open: RegExp;
}

/** Patterns are matched against `wordsOf(...)` joined by blanks: lower case, without accents and punctuation. */
const languages: Record<string, Asking> = {
  en: {
    things: [
      ['email', /\be ?mail\b/],
      ['spelling', /\bspell(?:ing)?\b|\bletter by letter\b/],
      [
        'digits',
        /\b(?:(?:phone|mobile|cell|telephone|order|account|card|customer|reference|tracking|policy|confirmation|booking|contact|callback|id|member|invoice|ticket|case|room|house) (?:number|code)|(?:what|which|your|the) number|pin|zip ?code|post ?code|postal code|area code|(?:last|first) (?:four|three|two|six) digits|digits)\b/,
      ],
      ['date', /\b(?:what|which) (?:day|date|month)\b|\bdate of birth\b|\bbirth ?(?:day|date)\b|\bborn\b|\bthe date\b|^(?:and )?when\b/],
      [
        'name',
        /\b(?:your|whose|the|full|first|last|family) (?:full |first |last |family )?name\b|\bwho am i (?:speaking|talking)\b|\bwho is (?:calling|speaking)\b/,
      ],
    ],
    requests: /\b(?:please|tell me|give me|say|spell|enter|repeat|i (?:just )?need|could i (?:get|have)|may i (?:get|have|ask))\b/,
    open: /\b(?:what|whats|when|where|which|who|whose|how|why)\b|\b(?:can|could|would|will) you (?:please )?(?:tell|describe|explain|say|give|repeat|spell|share)\b/,
  },
  de: {
    things: [
      ['email', /\be ?mail\b/],
      ['spelling', /\bbuchstabier/],
      ['digits', /\b\w*nummer\b|\bpin\b|\bpostleitzahl\b|\bplz\b|\bziffern\b|\bvorwahl\b/],
      ['date', /\b(?:welche[rmns]?|was fur ein) (?:tag|datum|monat)\b|\bgeburts(?:datum|tag)\b|\bgeboren\b|\bdatum\b|^(?:und )?wann\b/],
      ['name', /\b\w*name\b|\bwie hei(?:ss|ß)en\b|\bmit wem spreche\b/],
    ],
    requests: /\b(?:bitte|sagen sie|nennen sie|geben sie|buchstabieren sie|ich brauche|ich benotige)\b/,
    open: /\b(?:was|wann|wo|welche[rmns]?|wer|wem|wen|wie|wieviele?|warum|wieso|wohin|woher|womit|worum)\b|\bkonnen sie (?:mir |das )?(?:\w+ )?(?:sagen|beschreiben|erklaren|nennen|buchstabieren|wiederholen)\b/,
  },
  es: {
    things: [
      ['email', /\bcorreo\b|\be ?mail\b/],
      ['spelling', /\bdeletre/],
      ['digits', /\bnumero\b|\btelefono\b|\bpin\b|\bcodigo\b|\bdigitos\b|\bcifras\b/],
      ['date', /\b(?:que|cual) (?:dia|fecha|mes)\b|\bfecha\b|\bnacimiento\b|^(?:y )?(?:para )?cuando\b/],
      ['name', /\bnombre\b|\bcomo se llama\b|\bapellidos?\b|\bcon quien hablo\b/],
    ],
    requests: /\b(?:por favor|digame|dime|deme|dame|deletree|necesito|me (?:puede|podria) (?:dar|decir))\b/,
    open: /^(?:(?:y|en|a|de|por|para|con) )*que\b|\b(?:cuando|donde|cual|cuales|quien|como|cuant[oa]s?|por que)\b|\bpuede (?:decirme|explicar|describir|repetir|darme)\b/,
  },
  fr: {
    things: [
      ['email', /\be ?mail\b|\bcourriel\b|\badresse electronique\b/],
      ['spelling', /\bepel/],
      ['digits', /\bnumero\b|\bcode\b|\bchiffres\b/],
      ['date', /\bquel(?:le)? (?:jour|date|mois)\b|\bdate\b|\bnaissance\b|\bnee?\b|^(?:et )?(?:pour )?quand\b/],
      ['name', /\b(?:votre|le|quel) (?:pre)?nom\b|\bprenom\b|\bcomment vous appelez\b|\bqui est a lappareil\b/],
    ],
    requests: /\b(?:sil vous plait|dites|donnez|epelez|indiquez|jai besoin)\b/,
    open: /\b(?:quoi|quand|quel(?:le)?s?|qui|comment|combien|pourquoi|quest)\b|^(?:et )?(?:ou|que)\b|\bpouvez vous (?:me )?(?:dire|expliquer|decrire|repeter|donner)\b/,
  },
};

/**
 * `text`: what the assistant said in this turn. Only its last question or request counts, and nothing said before it:
 * "I have your number. Shall I call you back?" is a yes-no question.
 */
export function expectationOf(text: string, language: string): Expectation {
  const asking = inLanguage(languages, language);
  const sentences = text.match(/[^.!?。？！]+[.!?。？！]*/g) ?? [];
  // "What is your number? Take your time." still asks for the number.
  for (const sentence of sentences.slice(-2).toReversed()) {
    const words = wordsOf(sentence).join(' ');
    const question = /[?？]\s*$/.test(sentence);
    if (words === '' || (!question && !asking.requests.test(words))) continue;
    const open = asking.open.test(words);
    const thing = asking.things.find(([, pattern]) => pattern.test(words))?.[0];
    // "Is that your number?" and "Shall I send an e-mail?" want a yes or no; "Could I have your number?" does not.
    if (thing !== undefined && (open || !question || asksToHand(words, asking))) return thing;
    if (!question) continue;
    return open ? 'free' : 'yes-no';
  }
  return 'free';
}

/** "Could I have …?", "And your phone number?": a question by form, a request by meaning. */
function asksToHand(words: string, { requests }: Asking): boolean {
  return (
    requests.test(words) || /^(?:(?:and|okay|great|und|y|et|thanks|danke) )*(?:your|ihr|ihre|su|votre|the|la|le|die|der|el)\b/.test(words)
  );
}
