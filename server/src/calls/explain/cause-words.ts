/** What each cause of a wait is called in front of a manager, and what to do about it. */
import type { TimedCause } from './limits.ts';
import { seconds } from './durations-in-words.ts';

/** One cause of a wait, all its stretches together. */
export interface CauseFigures {
  ms: number;
  /** In this call's other turns; undefined where they do not tell. */
  usualMs: number | undefined;
  /** Provider of the stage, where it is known. */
  provider: string | undefined;
  figures: Readonly<Record<string, number | string>>;
}

interface Words {
  sentence: (cause: CauseFigures) => string;
  advice: (cause: CauseFigures) => string;
}

const rules: Readonly<Record<string, string>> = {
  'yes-no': 'the rule for a yes or no',
  digits: 'the rule for numbers, which waits for the rest of one',
  spelling: 'the rule for spelled words',
  email: 'the rule for e-mail addresses',
  date: 'the rule for dates, which waits for the rest of one',
  name: 'the rule for names',
  unfinished: 'the rule for unfinished sentences ("I would like to …")',
  'own-turns': "the rule that waits for the recogniser's own end of turn",
  judged: 'the model of the voice, to which it sounded unfinished',
  pauses: "the rule that learns the caller's own pauses",
  sentence: 'the rule for finished sentences',
  'open-sentence': 'the rule for sentences without a full stop',
  silence: 'the rule for silence',
  transcriber: "the recogniser's own end of turn",
};

export const ruleInWords = (rule: number | string | undefined): string => rules[String(rule)] ?? 'the rule of turn-taking';

const named = (what: string, { provider }: CauseFigures): string => (provider === undefined ? what : `${what} (${provider})`);

function usually({ ms, usualMs }: CauseFigures): string {
  return usualMs === undefined || usualMs > ms / 1.5 ? '' : `; usually ${seconds(usualMs)}`;
}

const stages: Readonly<Record<string, string>> = {
  transcriber: 'speech recogniser',
  'language-model': 'language model',
  synthesizer: 'voice',
  'speech-to-speech': 'speech model',
};

export const stageName = (stage: number | string | undefined): string => stages[String(stage)] ?? 'provider';

export const causeWords: Readonly<Record<TimedCause, Words>> = {
  'transcriber-late': {
    sentence: (cause) => {
      const { final, wordsMs } = cause.figures;
      const ms = typeof wordsMs === 'number' ? wordsMs : cause.ms;
      const who = named('The speech recogniser', cause);
      if (final === 'never') return `${who} never said that its words were final; after ${seconds(ms)} they were taken as they were.`;
      return `${who} needed ${seconds(ms)} for the last words${usually({ ...cause, ms })}.`;
    },
    advice: () => 'Compare the recognisers in the latency report, and let a faster one or a nearer region come first.',
  },
  'voice-held': {
    sentence: ({ ms, figures }) =>
      figures.rule === 'stuck-voice'
        ? `A sound on the line never ended, so that the caller seemed to go on speaking; after ${seconds(ms)} their words were taken as they were.`
        : `Noise on the caller's line looked like speech for ${seconds(ms)} after their last word.`,
    advice: () => 'Install a voice detector that knows noise from speech (Silero), or let a recogniser that ends turns itself decide.',
  },
  'endpoint-waited': {
    sentence: ({ ms, figures }) =>
      `The assistant waited ${seconds(ms)} to be sure that the caller had finished: ${ruleInWords(figures.rule)}.`,
    advice: ({ figures }) =>
      `Raise the assistant's eagerness, or shorten the wait of the rule "${String(figures.rule ?? 'silence')}" in its turn-taking settings.`,
  },
  'caller-paused': {
    sentence: ({ ms }) => `The assistant waited ${seconds(ms)} because this caller has made long pauses in mid-sentence before.`,
    advice: () => 'Nothing needs to be done; where it happens often, set the rule "pauses" to a shorter time.',
  },
  'retrieval-late': {
    sentence: (cause) => `Looking it up in the knowledge took ${seconds(cause.ms)}${usually(cause)}.`,
    advice: () => 'See how busy the knowledge thread and the embedder are; a vector server far away costs its round trip in every turn.',
  },
  'model-late': {
    sentence: (cause) =>
      `${named('The language model', cause)} needed ${seconds(cause.ms)} for its first word${cause.figures.after === 'tool' ? " after the tool's answer" : ''}${usually(cause)}.`,
    advice: () => 'Switch hedging on, name a faster fallback, or shorten the instructions.',
  },
  'model-slow': {
    sentence: (cause) =>
      `${named('The language model', cause)} needed ${seconds(cause.ms)} from its first word to a clause that could be spoken${usually(cause)}.`,
    advice: () => 'Ask for a short first sentence in the instructions, or use a model that writes faster.',
  },
  'tool-stalled': {
    sentence: (cause) => {
      const { tool, toolMs, outcome } = cause.figures;
      const ms = typeof toolMs === 'number' ? toolMs : cause.ms;
      return `The tool ${String(tool)} took ${seconds(ms)}${outcome === 'failed' ? ' and failed' : outcome === 'unknown' ? ', and nobody knows whether it was done' : ''}${usually({ ...cause, ms })}.`;
    },
    advice: ({ figures }) =>
      `Make ${String(figures.tool)} faster or give it a shorter time limit, and a line to say meanwhile ("One moment, I am checking").`,
  },
  'synthesizer-late': {
    sentence: (cause) => `${named('The voice', cause)} needed ${seconds(cause.ms)} for its first sound${usually(cause)}.`,
    advice: () => 'Compare the voices in the latency report, and let a faster one come first.',
  },
  'provider-failed': {
    sentence: ({ ms, figures }) => {
      const { failedStage, provider, next, category, message } = figures;
      const who = `The ${stageName(failedStage)} ${String(provider)} failed (${String(message ?? category)})`;
      const after = ms >= 50 ? ` after ${seconds(ms)}` : '';
      if (next === undefined) return `${who}${after}, and nobody was left to take over.`;
      return next === provider ? `${who}${after} and was asked again.` : `${who}${after}; ${String(next)} took over.`;
    },
    advice: ({ figures }) =>
      `Look at the failures of ${String(figures.provider)} in the metrics; a fallback that is well can be put first.`,
  },
  'filler-covered': {
    sentence: ({ ms }) => `A few words ("One moment") bridged ${seconds(ms)} of the wait.`,
    advice: () => 'It did its work; what had to be bridged is named beside it.',
  },
  'machine-late': {
    sentence: ({ ms, figures }) =>
      'stalledMs' in figures
        ? `This machine stood still for ${seconds(ms)}: nothing was heard, thought or sent.`
        : `What was ready waited ${seconds(ms)} for this machine.`,
    advice: () => 'See its CPU and event-loop delay at that moment; it may carry too many calls, or share its cores with something else.',
  },
  jitter: {
    sentence: ({ ms }) => `The caller's last sound needed ${seconds(ms)} through the line: packets came too unevenly.`,
    advice: () => "It is the caller's network or the carrier's; ask the carrier where several calls show it.",
  },
};
