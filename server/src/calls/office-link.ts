/** What passes between the call thread and the office: commands and CallEvents, nothing else. Either side could be another process. */
import type { MessagePort } from 'node:worker_threads';
import type { CallEvent, ErrorCode } from '@tandem/contract';
import type { KeptSpeechCounters } from '#conversation/kept-speech.ts';
import type { MachineLoad } from '#kit/machine-load.ts';
import type { GatewayRequest, GatewayResponse } from '#telephony/gateway.ts';
import type { Denial } from './admission.ts';
import type { BusinessEntry } from './directory.ts';
import type { JournalPosition } from './journal.ts';

export interface PlaceCall {
  businessId: string;
  assistantId: string;
  to: string;
  gateway: string | undefined;
}

/** Commands and what each answers. */
export interface Commands {
  /** Opens the gateways' ports and takes calls, once the directory has been published. Refused with `port-taken`. */
  open: { input: Record<string, never>; output: Record<string, never> };
  'place-call': { input: PlaceCall; output: { callId: string } };
  'hang-up': { input: { businessId: string; callId: string }; output: { found: boolean } };
  'gateway-request': { input: { gateway: string; request: GatewayRequest }; output: GatewayResponse };
  /** Refuse new calls from now on; answers when no call is left or `withinMs` passed. */
  drain: { input: { withinMs: number }; output: { left: number } };
  /** Ends every call, flushes journal and recordings, closes every port. */
  stop: { input: Record<string, never>; output: Record<string, never> };
}
export type CommandName = keyof Commands;

export type ToCallThread =
  /** The desk of the knowledge thread answers on this port; a later one takes its place. */
  | { type: 'library'; port: MessagePort }
  /** Whoever lists the address has been published. */
  | { type: 'resolved'; id: number }
  | { type: 'publish'; entries: BusinessEntry[]; removed: string[] }
  /** Everything before `position` is in the database: journal files before it may go. */
  | { type: 'stored'; position: JournalPosition }
  | { [N in CommandName]: { type: 'command'; id: number; name: N; input: Commands[N]['input'] } }[CommandName];

/** What the call thread measures about itself, once a second. Counters only grow. */
export interface Vitals extends MachineLoad {
  liveCalls: number;
  gateways: Record<string, Record<string, number>>;
  pacer: Record<string, number>;
  journalDegraded: boolean;
  journalLost: number;
  /** Exceptions that nobody caught; each ended its call, where it had one. */
  faults: number;
  heapUsedBytes: number;
  keptSpeech: KeptSpeechCounters;
  /** What a call would be refused for now; absent: nothing. */
  refusing?: Denial;
  /** Calls at each provider that has a bound. */
  providerPlaces: Record<string, number>;
  models: { transcribers: string[]; languageModels: string[]; synthesizers: string[]; speechToSpeech?: string[] };
}

export type FromCallThread =
  /** A call rings for an address that the directory does not have. */
  | { type: 'resolve'; id: number; address: string }
  /** `journal` names the journal that positions belong to, `end` is where its durable part ends. */
  | { type: 'ready'; journal: string; end: JournalPosition }
  | { type: 'failed'; code: ErrorCode; message: string }
  /** Durable in the journal, in order. */
  | { type: 'events'; events: CallEvent[]; position: JournalPosition }
  | { type: 'vitals'; vitals: Vitals }
  | { type: 'answer'; id: number; output: unknown }
  | { type: 'refusal'; id: number; code: ErrorCode; message: string };
