/** Stock lines of an assistant, by language: what it says when there is nothing to answer. */

export interface SpokenLines {
  /** Nobody spoke: the first, the second, … time (the last one repeats). */
  idle: readonly string[];
  /** Somebody spoke and no words were understood. */
  missed: readonly string[];
  /** A model failed; the call ends after it. */
  apology: string;
}

const lines: Record<string, SpokenLines> = {
  en: {
    idle: ['Are you still there?', 'I cannot hear you. Is there anything else I can help you with?'],
    missed: [
      'Sorry, I did not catch that. Could you say it again?',
      'I am sorry, I still did not understand. Could you put it another way?',
    ],
    apology: 'I am sorry, I have a technical problem and cannot go on. Please call again later. Goodbye.',
  },
  de: {
    idle: ['Sind Sie noch da?', 'Ich kann Sie nicht hören. Kann ich noch etwas für Sie tun?'],
    missed: [
      'Das habe ich leider nicht verstanden. Sagen Sie es bitte noch einmal?',
      'Entschuldigung, ich habe Sie noch nicht verstanden.',
    ],
    apology: 'Es tut mir leid, ich habe ein technisches Problem. Bitte rufen Sie später noch einmal an. Auf Wiederhören.',
  },
  es: {
    idle: ['¿Sigue ahí?', 'No le oigo. ¿Puedo ayudarle en algo más?'],
    missed: ['Perdone, no le he entendido. ¿Puede repetirlo?', 'Lo siento, sigo sin entenderle. ¿Puede decirlo de otra manera?'],
    apology: 'Lo siento, tengo un problema técnico y no puedo continuar. Llame más tarde, por favor. Adiós.',
  },
  fr: {
    idle: ['Êtes-vous toujours là ?', 'Je ne vous entends pas. Puis-je encore vous aider ?'],
    missed: ["Pardon, je n'ai pas compris. Pouvez-vous répéter ?", "Désolé, je n'ai toujours pas compris. Pouvez-vous le dire autrement ?"],
    apology: "Je suis désolé, j'ai un problème technique. Merci de rappeler plus tard. Au revoir.",
  },
};

/** English where a language has no lines of its own. */
export function defaultLines(language: string): SpokenLines {
  return lines[language.slice(0, 2).toLowerCase()] ?? lines.en;
}
