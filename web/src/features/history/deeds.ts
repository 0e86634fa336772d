/** What was done in a call besides talking: tools, messages, transfers, providers that failed, claims held back. Pure, from its events. */
import type { CallEvent, UsageLine } from '@tandem/contract';
import { latencyOf, vendorOf } from '../../lib/format.ts';

export type DeedTone = 'neutral' | 'good' | 'slow' | 'bad';

/** A line between the lines of the transcript. */
export type Deed = {
  key: string;
  kind: 'tool' | 'message' | 'callback' | 'transfer' | 'failure' | 'collection' | 'withheld';
  /** Milliseconds from answer, as in the recording. */
  atMs: number;
  title: string;
  outcome: string | undefined;
  tone: DeedTone;
  /** Name and value, as they are shown when somebody looks closer. */
  details: [name: string, value: string][];
  /** The id by which a message or callback links to it. */
  moment: string | undefined;
};

/** When a filler ("One moment.") was heard, from answer. */
export type FillerTime = { fromMs: number; toMs: number };

export type CallStory = { deeds: Deed[]; fillers: FillerTime[] };

type Event<Type extends CallEvent['type']> = Extract<CallEvent, { type: Type }>;

const stageNouns: Record<UsageLine['stage'], string> = {
  transcriber: 'Listening',
  'language-model': 'Thinking',
  synthesizer: 'Speaking',
  'speech-to-speech': 'The speech model',
  embedder: 'Finding by meaning',
};

const outcomes: Record<Event<'tool-returned'>['outcome'], [words: string, tone: DeedTone]> = {
  ok: ['Done', 'good'],
  failed: ['Failed', 'bad'],
  unknown: ['Nobody knows whether it happened', 'slow'],
};

const textOf = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

function detailsOf(value: unknown): [string, string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value === undefined ? [] : [['', textOf(value)]];
  return Object.entries(value).map(([name, each]) => [name, textOf(each)]);
}

export function storyOf(events: readonly CallEvent[]): CallStory {
  const answeredAt = events.find(({ type }) => type === 'call-answered')?.at ?? 0;
  const fillers: FillerTime[] = [];
  const deeds: Deed[] = [];
  const add = (event: CallEvent, deed: Omit<Deed, 'key' | 'atMs' | 'outcome' | 'tone' | 'details' | 'moment'> & Partial<Deed>) =>
    deeds.push({
      key: `${event.seq}`,
      atMs: Math.max(0, event.at - answeredAt),
      outcome: undefined,
      tone: 'neutral',
      details: [],
      moment: undefined,
      ...deed,
    });
  for (const event of events) {
    switch (event.type) {
      case 'speech-played':
        if (event.filler) fillers.push({ fromMs: Math.max(0, event.fromAt - answeredAt), toMs: Math.max(0, event.toAt - answeredAt) });
        break;
      case 'tool-called':
        add(event, {
          key: event.toolCallId,
          kind: 'tool',
          title: event.name,
          outcome: 'No answer',
          tone: 'slow',
          details: detailsOf(event.arguments),
        });
        break;
      case 'tool-returned':
        finish(deeds, event);
        break;
      case 'provider-failed':
        add(event, {
          kind: 'failure',
          title: `${stageNouns[event.stage]}: ${vendorOf(event.provider)} failed`,
          outcome: event.next ? `${vendorOf(event.next)} took over` : 'Nobody was left',
          tone: event.next ? 'slow' : 'bad',
          details: [
            ['Kind', event.category],
            ['Said', event.message],
          ],
        });
        break;
      case 'claim-withheld':
        add(event, {
          kind: 'withheld',
          title: 'Held back before it was spoken',
          outcome: 'No source for it',
          tone: 'slow',
          details: [
            ['It was about to say', event.text],
            ['Caught', event.claims.join(', ')],
          ],
        });
        break;
      case 'message-taken':
        add(event, {
          kind: 'message',
          title: `${event.urgent ? 'Urgent message' : 'Message'} from ${event.name || event.number || 'the caller'}`,
          tone: 'good',
          details: [['', event.text]],
          moment: event.messageId,
        });
        break;
      case 'callback-scheduled':
        add(event, {
          kind: 'callback',
          title: `Callback for ${event.name || event.number || 'the caller'}`,
          outcome: event.when,
          tone: 'good',
          details: [['Reason', event.reason]],
          moment: event.callbackId,
        });
        break;
      case 'transfer-completed':
        add(event, { kind: 'transfer', title: `Transfer to ${event.target}`, outcome: event.outcome });
        break;
      case 'collection-completed':
        add(event, {
          kind: 'collection',
          title: `Asked for ${event.what}`,
          outcome: { confirmed: 'Confirmed', 'given-up': 'Given up', abandoned: 'Left open' }[event.outcome],
          tone: event.outcome === 'confirmed' ? 'good' : 'slow',
          details: event.attempts > 1 ? [['Attempts', `${event.attempts}`]] : [],
        });
        break;
      default:
    }
  }
  return { deeds, fillers };
}

/** A result is shown in full only in the events: here, as much as a line holds. */
const RESULT_AT_MOST = 400;

function finish(deeds: Deed[], { toolCallId, outcome, result, tookMs }: Event<'tool-returned'>): void {
  const deed = deeds.findLast(({ key }) => key === toolCallId);
  if (!deed) return;
  const [words, tone] = outcomes[outcome];
  const text = textOf(result);
  const shown = text.length > RESULT_AT_MOST ? `${text.slice(0, RESULT_AT_MOST)}…` : text;
  Object.assign(deed, {
    outcome: outcome === 'unknown' ? words : `${words} in ${latencyOf(tookMs)}`,
    tone,
    details: [...deed.details, ...(shown ? [['Answer', shown] as [string, string]] : [])],
  });
}
