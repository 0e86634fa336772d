/** Stock lines of an assistant, by language: what it says when there is nothing to answer. */

export interface SpokenLines {
  /** Nobody spoke: the first, the second, … time (the last one repeats). */
  idle: readonly string[];
  /** Somebody spoke and no words were understood. */
  missed: readonly string[];
  /** A model failed; the call ends after it. */
  apology: string;
  /** The answer is very late, and fillers have been said already. */
  stall: string;
  /** Something broke while the caller waits, and somebody else goes on. */
  moment: string;
  /** What was asked for cannot be done. */
  unable: string;
  /** The same where the caller can be connected to a person, or leave a message. */
  unablePerson: string;
  unableMessage: string;
  /** Nothing is known for certain about what was asked: what is meant? The first, the second, … time. */
  clarify: readonly string[];
  /** It is not known; and what is offered instead. */
  unknown: string;
  unknownPerson: string;
  unknownMessage: string;
  /** The money set aside for the call is spent; the call ends after it. */
  spent: string;
}

const lines: Record<string, SpokenLines> = {
  en: {
    idle: ['Are you still there?', 'I cannot hear you. Is there anything else I can help you with?'],
    missed: [
      'Sorry, I did not catch that. Could you say it again?',
      'I am sorry, I still did not understand. Could you put it another way?',
    ],
    apology: 'I am sorry, I have a technical problem and cannot go on. Please call again later. Goodbye.',
    stall: 'I am sorry, this takes longer than usual. Please stay on the line.',
    moment: 'I am sorry, one moment please.',
    unable: 'I am sorry, I cannot do that. Is there anything else I can help you with?',
    unablePerson: 'I am sorry, I cannot do that. Shall I connect you to a person?',
    unableMessage: 'I am sorry, I cannot do that. May I take a message?',
    clarify: [
      'I am not sure what you mean. Could you tell me a little more?',
      'I am not certain about that one. Could you say it in other words?',
    ],
    unknown: 'I am sorry, I do not know that for certain. Is there anything else I can help you with?',
    unknownPerson: 'I am sorry, I do not know that for certain. Shall I connect you to a person?',
    unknownMessage: 'I am sorry, I do not know that for certain. May I take a message, so that somebody can call you back?',
    spent: 'I am sorry, we have come to the end of the time that I have for this call. Please call again later. Goodbye.',
  },
  de: {
    idle: ['Sind Sie noch da?', 'Ich kann Sie nicht hören. Kann ich noch etwas für Sie tun?'],
    missed: [
      'Das habe ich leider nicht verstanden. Sagen Sie es bitte noch einmal?',
      'Entschuldigung, ich habe Sie noch nicht verstanden.',
    ],
    apology: 'Es tut mir leid, ich habe ein technisches Problem. Bitte rufen Sie später noch einmal an. Auf Wiederhören.',
    stall: 'Entschuldigung, das dauert länger als sonst. Bitte bleiben Sie dran.',
    moment: 'Entschuldigung, einen Moment bitte.',
    unable: 'Das kann ich leider nicht. Kann ich sonst etwas für Sie tun?',
    unablePerson: 'Das kann ich leider nicht. Soll ich Sie mit jemandem verbinden?',
    unableMessage: 'Das kann ich leider nicht. Darf ich eine Nachricht aufnehmen?',
    clarify: ['Ich bin nicht sicher, was Sie meinen. Können Sie mir etwas mehr sagen?', 'Können Sie das bitte anders sagen?'],
    unknown: 'Das weiß ich leider nicht sicher. Kann ich sonst etwas für Sie tun?',
    unknownPerson: 'Das weiß ich leider nicht sicher. Soll ich Sie mit jemandem verbinden?',
    unknownMessage: 'Das weiß ich leider nicht sicher. Darf ich eine Nachricht aufnehmen, damit Sie zurückgerufen werden?',
    spent: 'Leider ist die Zeit für dieses Gespräch um. Bitte rufen Sie später noch einmal an. Auf Wiederhören.',
  },
  es: {
    idle: ['¿Sigue ahí?', 'No le oigo. ¿Puedo ayudarle en algo más?'],
    missed: ['Perdone, no le he entendido. ¿Puede repetirlo?', 'Lo siento, sigo sin entenderle. ¿Puede decirlo de otra manera?'],
    apology: 'Lo siento, tengo un problema técnico y no puedo continuar. Llame más tarde, por favor. Adiós.',
    stall: 'Perdone, esto tarda más de lo normal. No cuelgue, por favor.',
    moment: 'Perdone, un momento, por favor.',
    unable: 'Lo siento, eso no puedo hacerlo. ¿Puedo ayudarle en algo más?',
    unablePerson: 'Lo siento, eso no puedo hacerlo. ¿Le paso con una persona?',
    unableMessage: 'Lo siento, eso no puedo hacerlo. ¿Quiere dejar un mensaje?',
    clarify: ['No estoy seguro de qué quiere decir. ¿Puede contarme un poco más?', '¿Puede decirlo con otras palabras?'],
    unknown: 'Lo siento, eso no lo sé con certeza. ¿Puedo ayudarle en algo más?',
    unknownPerson: 'Lo siento, eso no lo sé con certeza. ¿Le paso con una persona?',
    unknownMessage: 'Lo siento, eso no lo sé con certeza. ¿Quiere dejar un mensaje para que le llamen?',
    spent: 'Lo siento, se ha acabado el tiempo de esta llamada. Llame más tarde, por favor. Adiós.',
  },
  fr: {
    idle: ['Êtes-vous toujours là ?', 'Je ne vous entends pas. Puis-je encore vous aider ?'],
    missed: ["Pardon, je n'ai pas compris. Pouvez-vous répéter ?", "Désolé, je n'ai toujours pas compris. Pouvez-vous le dire autrement ?"],
    apology: "Je suis désolé, j'ai un problème technique. Merci de rappeler plus tard. Au revoir.",
    stall: "Pardon, cela prend plus de temps que d'habitude. Restez en ligne, s'il vous plaît.",
    moment: 'Pardon, un instant, je vous prie.',
    unable: 'Je suis désolé, je ne peux pas le faire. Puis-je vous aider autrement ?',
    unablePerson: 'Je suis désolé, je ne peux pas le faire. Voulez-vous parler à quelqu’un ?',
    unableMessage: 'Je suis désolé, je ne peux pas le faire. Voulez-vous laisser un message ?',
    clarify: ['Je ne suis pas sûr de comprendre. Pouvez-vous m’en dire un peu plus ?', 'Pouvez-vous le dire avec d’autres mots ?'],
    unknown: 'Je suis désolé, je ne le sais pas avec certitude. Puis-je vous aider autrement ?',
    unknownPerson: 'Je suis désolé, je ne le sais pas avec certitude. Voulez-vous parler à quelqu’un ?',
    unknownMessage: 'Je suis désolé, je ne le sais pas avec certitude. Voulez-vous laisser un message pour être rappelé ?',
    spent: 'Je suis désolé, le temps prévu pour cet appel est écoulé. Merci de rappeler plus tard. Au revoir.',
  },
};

/** English where a language has no lines of its own. */
export function defaultLines(language: string): SpokenLines {
  return lines[language.slice(0, 2).toLowerCase()] ?? lines.en;
}
