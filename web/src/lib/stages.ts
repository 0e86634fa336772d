/** The stages of the wait, as a manager would call them. */
import type { WaterfallStage } from '@tandem/contract';

export const stageTitle: Record<WaterfallStage, string> = {
  line: 'Line',
  endpoint: 'Being sure',
  transcript: 'Last words',
  commit: 'Taking the turn',
  retrieval: 'Looking up',
  request: 'Asking',
  'first-token': 'Thinking',
  'first-clause': 'First clause',
  'first-audio': 'Voice',
  'first-packet': 'Sending',
  filler: 'Filler',
};

export const stageInWords: Record<WaterfallStage, string> = {
  line: 'until the caller’s last sound had come through the line',
  endpoint: 'waiting to be sure that the caller had finished',
  transcript: 'waiting for the final words',
  commit: 'taking the turn',
  retrieval: 'looking up what the business knows about it',
  request: 'putting the question to the language model',
  'first-token': 'the language model beginning its answer',
  'first-clause': 'until there was enough text to speak',
  'first-audio': 'the voice beginning to sound',
  'first-packet': 'until the sound left for the caller',
  filler: 'until a few words filled the pause',
};
