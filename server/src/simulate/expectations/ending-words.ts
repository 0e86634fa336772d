/** Endings in words: "the caller hung up". */
import type { Ending } from '@tandem/contract';

const WHO: Record<Ending['by'], string> = {
  caller: 'the caller',
  assistant: 'the assistant',
  agent: 'the agent',
  system: 'the system',
};

const WHAT: Record<Ending['reason'], string> = {
  'hung-up': 'hung up',
  cancelled: 'gave up before an answer',
  goodbye: 'said goodbye and hung up',
  idle: 'ended it: nobody spoke',
  'media-lost': 'ended it: no sound arrived',
  'signalling-lost': 'ended it: the connection was lost',
  'model-failed': 'ended it: the assistant could not go on',
  transferred: 'handed it over',
  rejected: 'did not answer it',
  'number-unknown': 'refused it: nobody answers this number',
  'no-common-codec': 'refused it: no sound format in common',
  'max-duration': 'ended it: the longest time was reached',
  'cost-ceiling': 'ended it: the money set aside was spent',
  shutdown: 'ended it: the server was stopped',
  'process-died': 'ended it: the server died',
  error: 'ended it: an error',
};

export const partyWords = (by: Ending['by']): string => WHO[by];
export const reasonWords = (reason: Ending['reason']): string => WHAT[reason] ?? reason;

/** `{caller, hung-up}` is "the caller hung up". */
export const endingWords = ({ by, reason }: Ending): string => `${WHO[by] ?? by} ${reasonWords(reason)}`;
