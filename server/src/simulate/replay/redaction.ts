/**
 * A call that may be shown to anybody: texts in disguise, ids and addresses replaced, no dates. It still replays: the
 * decisions are taken anew over the disguised inputs, and must be the same ones at the same times.
 */
import type { CallEvent } from '@tandem/contract';
import { nextDigest } from '#conversation/decision-digest.ts';
import type { Decision, DecisionInput } from '#conversation/decision-record.ts';
import type { Floor, FloorAction } from '#conversation/floor-terms.ts';
import { emptyFloor, takeFloor } from '#conversation/floor.ts';
import type { ConversationPolicy } from '#conversation/plan.ts';
import { TandemError } from '#kit/errors.ts';
import { Disguise, type NumberDisguise } from './disguise.ts';
import { conversationsOf } from './recorded-conversation.ts';

export interface Redaction {
  events: CallEvent[];
  numbers: NumberDisguise;
}

/** Of whoever shares a redacted call: what the checks of its words cannot hold for. */
export const REDACTED_CALL = 'call_redacted';

const REDACTED_BUSINESS = 'business_redacted';
const START = '2000-01-01T00:00:00.000Z';

/** Fields that name one of a few known things, and never what somebody said. */
const KEPT = new Set(
  `type kind source rule speculation codec gateway direction party stage provider model next category cause outcome by reason verdict
   level unit state sense what voice voices language otherLanguages policy rules grounding models digest confidence protection line
   epoch`.split(/\s+/),
);
/** Text, where the same field of another event is one of those. */
const SAID: Partial<Record<CallEvent['type'], readonly string[]>> = {
  'callback-scheduled': ['reason'],
  'transfer-completed': ['target'],
};
/** Names of tools and of collected things say what the assistant can do. */
const NAMED: readonly CallEvent['type'][] = ['tool-called', 'tool-returned'];

/** Throws `invalid-input` when the disguise would change a decision: then the call must not be shared as if it were the same. */
export function redact(events: readonly CallEvent[]): Redaction {
  for (const numbers of ['order', 'each'] as const) {
    const redacted = redactWith(events, numbers);
    if (redacted) return { events: redacted, numbers };
  }
  throw new TandemError('invalid-input', 'This call cannot be redacted: without its words other decisions would be taken');
}

function redactWith(events: readonly CallEvent[], numbers: NumberDisguise): CallEvent[] | undefined {
  const disguise = new Disguise(numbers);
  const retaken = retake(events, disguise);
  if (!retaken) return undefined;
  learnJoined(events, disguise);
  const ids = new Stand();
  return events.map((event): CallEvent => {
    const head = { businessId: REDACTED_BUSINESS, callId: REDACTED_CALL, seq: event.seq, at: event.at };
    if (event.type === 'decisions-taken') return { ...event, ...retaken.get(event.seq), ...head };
    const { businessId: _business, callId: _call, seq: _seq, at: _at, ...fact } = event;
    return { ...(hidden(fact, { disguise, ids, event: event.type }) as object), ...head } as CallEvent;
  });
}

type Retaken = Pick<Extract<CallEvent, { type: 'decisions-taken' }>, 'inputs' | 'decisions' | 'digest'>;

/** The decisions over the disguised inputs, by the `seq` of their event; undefined when one of them is another. */
function retake(events: readonly CallEvent[], disguise: Disguise): Map<number, Retaken> | undefined {
  const retaken = new Map<number, Retaken>();
  for (const conversation of conversationsOf(events)) {
    const policy: ConversationPolicy = { ...conversation.policy };
    let [plain, other] = [emptyFloor, emptyFloor];
    let digest = '';
    for (const { seq, from, inputs, hidden: secret } of conversation.batches) {
      if (secret) {
        [plain, other] = [secret.floor, secret.floor];
        digest = nextDigest(digest, secret.floor);
      }
      const disguised = inputs.map((input) => disguiseInput(input, disguise));
      const decisions: Decision[] = [];
      for (const [index, input] of inputs.entries()) {
        const [then, now] = [step(plain, input, policy), step(other, disguised[index], policy)];
        [plain, other] = [then.floor, now.floor];
        if (!alike(then.actions, now.actions)) return undefined;
        learnTexts(then.actions, now.actions, disguise);
        for (const action of now.actions) decisions.push({ input: from + index, action });
      }
      if (!secret) digest = nextDigest(digest, decisions);
      const shown = decisions.filter(({ action }) => action.type !== 'wake');
      retaken.set(seq, { inputs: disguised, decisions: shown, digest });
    }
  }
  return retaken;
}

function step(floor: Floor, input: DecisionInput, policy: ConversationPolicy): { floor: Floor; actions: FloorAction[] } {
  if (input.type !== 'policy-changed') {
    const [next, actions] = takeFloor(floor, input, policy);
    return { floor: next, actions };
  }
  policy.transcriberEndsTurns = input.transcriberEndsTurns;
  return { floor, actions: [] };
}

function disguiseInput(input: DecisionInput, disguise: Disguise): DecisionInput {
  if ('text' in input) return { ...input, text: disguise.text(input.text) };
  if (input.type === 'digit' && input.digit !== '#') return { ...input, digit: '0' };
  return input;
}

const wordless = (action: FloorAction): string => JSON.stringify('text' in action ? { ...action, text: '' } : action);

function alike(one: readonly FloorAction[], other: readonly FloorAction[]): boolean {
  return one.length === other.length && one.every((action, i) => wordless(action) === wordless(other[i]));
}

/** A turn is shown with the very words that were decided on. */
function learnTexts(then: readonly FloorAction[], now: readonly FloorAction[], disguise: Disguise): void {
  then.forEach((action, i) => {
    const other = now[i];
    if ('text' in action && 'text' in other) disguise.learn(action.text, other.text);
  });
}

/** What was heard of a turn is what was played of it, also in disguise. */
function learnJoined(events: readonly CallEvent[], disguise: Disguise): void {
  const played = new Map<number, string[]>();
  for (const event of events) {
    if (event.type === 'speech-played' && !event.filler) played.set(event.turn, [...(played.get(event.turn) ?? []), event.text]);
    if (event.type !== 'turn-completed') continue;
    const clauses = played.get(event.turn) ?? [];
    if (clauses.join(' ') === event.heard) disguise.learn(event.heard, clauses.map((clause) => disguise.text(clause)).join(' '));
  }
}

/** Ids and addresses: the same stand-in for the same one. */
class Stand {
  readonly #ids = new Map<string, string>();

  id(id: string): string {
    const kind = /^([a-z]+)_/.exec(id)?.[1] ?? 'id';
    return this.#as(id, (count) => `${kind}_${count}`);
  }

  /** A telephone number of the range that is kept for examples, or a SIP address of nobody. */
  address(address: string): string {
    return this.#as(address, (count) =>
      /^sips?:/i.test(address) ? `sip:party${count}@example.invalid` : `+1555${String(100 + count).padStart(7, '0')}`,
    );
  }

  #as(key: string, make: (count: number) => string): string {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const made = make(this.#ids.size + 1);
    this.#ids.set(key, made);
    return made;
  }
}

interface Hiding {
  disguise: Disguise;
  ids: Stand;
  event: CallEvent['type'];
}

/** Whatever is not known to be harmless is disguised, a field that did not exist when this was written among it. */
function hidden(value: unknown, hiding: Hiding, key = ''): unknown {
  const { disguise, ids, event } = hiding;
  if (Array.isArray(value)) return hiddenList(value, hiding, key);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, keeps(name, event) ? inner : hidden(inner, hiding, name)]),
    );
  }
  if (typeof value === 'number')
    return hiding.event.startsWith('tool-') && key !== 'turn' && key !== 'tookMs' ? digitsOf(value, disguise) : value;
  if (typeof value !== 'string' || value === '') return value;
  if (key === 'startedAt') return START;
  if (key === 'digit') return value === '#' ? value : '0';
  if (key === 'id' || key.endsWith('Id') || key === 'idempotencyKey' || key === 'passages') return ids.id(value);
  if (key === 'from' || key === 'to') return ids.address(value);
  return disguise.text(value);
}

function hiddenList(list: readonly unknown[], hiding: Hiding, key: string): unknown[] {
  if (key === 'words' && list.every(isWord)) {
    const texts = hiding.disguise.words(list.map(({ text }) => text));
    return list.map((word, i) => ({ ...word, text: texts[i] }));
  }
  return list.map((item) => hidden(item, hiding, key));
}

function keeps(name: string, event: CallEvent['type']): boolean {
  if (name === 'name' && NAMED.includes(event)) return true;
  return KEPT.has(name) && !SAID[event]?.includes(name);
}

const isWord = (item: unknown): item is { text: string } => typeof (item as { text?: unknown } | null)?.text === 'string';

function digitsOf(value: number, disguise: Disguise): number {
  const shown = Number(disguise.text(String(value)));
  return Number.isFinite(shown) ? shown : 0;
}
