/**
 * A recorded call as a scenario: its caller says the same with the same pauses, its assistant answers what it answered, and
 * what happened is what is expected. A test of turn-taking, tools and endings as it stands; without its `answers` a test of
 * the model too.
 */
import type { CallEvent } from '@tandem/contract';
import { type Eagerness, conversationPolicy } from '#conversation/plan.ts';
import { percentile } from '../expectations/manners.ts';
import { callerSteps } from './caller-steps.ts';
import { conversationsOf, type RecordedConversation } from './recorded-conversation.ts';
import { answeredAtOf, type RecordedTool, type RecordedTurn, spokenAnswer, turnsOf } from './recorded-turns.ts';
import type { Expectation, ScenarioInput, ScriptedAnswer } from '../scenario.ts';

/** Tools that every assistant has, with an effect of their own in a simulated call. */
const BUILT_IN = new Set(['end_call', 'transfer_call', 'send_digits', 'take_message', 'schedule_callback', 'collect']);
/** Enough of an answer to know it by. */
const SAID_WORDS = 12;
const MOST_TEXT = 1_900;
const LONGEST_DELAY_MS = 10_000;

export interface ScenarioOptions {
  name?: string;
  /** Texts of passages by their id, where they are known. */
  passages?: ReadonlyMap<string, string>;
  /** Sound files of what the caller said, by turn. */
  sounds?: ReadonlyMap<number, string>;
}

/** Throws `RangeError` when nobody answered the call: then there is nothing to say again. */
export function scenarioOf(events: readonly CallEvent[], options: ScenarioOptions = {}): ScenarioInput {
  const turns = turnsOf(events);
  const received = events.find((event) => event.type === 'call-received');
  const ended = events.find((event) => event.type === 'call-ended');
  const conversation = conversationsOf(events).at(0);
  if (turns.length === 0) throw new RangeError('Nobody said anything in this call');
  const hungUp = ended?.by === 'caller' ? ended.at - answeredAtOf(events) : undefined;
  const tools = ownTools(turns);
  return {
    name: options.name ?? `call of ${received?.startedAt.slice(0, 10) ?? 'yesterday'}`,
    description: 'Made from a recorded call. Take `answers` away to hear what a language model says instead.',
    tags: ['recorded'],
    business: {
      name: 'The business',
      assistant: assistantOf(conversation, received?.assistantName, turns),
      documents: documentsOf(turns, options.passages),
      ...(tools.length > 0 ? { tools } : {}),
    },
    answers: answersOf(turns),
    delays: delaysOf(turns),
    caller: callerSteps(turns, hungUp, options.sounds),
    expect: expectationsOf(turns, ended),
  };
}

type AssistantPart = NonNullable<NonNullable<ScenarioInput['business']>['assistant']>;

function assistantOf(
  conversation: RecordedConversation | undefined,
  name: string | undefined,
  turns: readonly RecordedTurn[],
): AssistantPart {
  const greeting = conversation?.plan.greeting ?? turns.find(({ turn }) => turn === 0)?.heard;
  // What was said was grounded in passages that may be missing here; what is said again must not be withheld.
  const said = { name: name || 'Ada', slug: 'demo', ...(greeting ? { greeting } : {}), grounding: 'off' as const };
  if (!conversation) return said;
  const { plan, policy } = conversation;
  const { speculation, adaptive, fillers, hedging, rules } = policy;
  return {
    ...said,
    goodbye: plan.goodbye,
    language: plan.language,
    eagerness: eagernessOf(policy.minDelayMs),
    idleMs: policy.idleMs,
    turnTaking: { speculation, adaptive, fillers, hedging, greetingProtected: plan.greetingProtected ?? false, rules: { ...rules } },
  };
}

/** The dial's place whose shortest wait is nearest. */
export function eagernessOf(minDelayMs: number): Eagerness {
  const places = ['low', 'medium', 'high'] as const;
  const far = (eagerness: Eagerness) => Math.abs(conversationPolicy({ eagerness }).minDelayMs - minDelayMs);
  return places.toSorted((one, other) => far(one) - far(other))[0];
}

/** What was found, with its text where that is known, else with what was said on its ground. */
export function documentsOf(turns: readonly RecordedTurn[], texts: ReadonlyMap<string, string> = new Map()) {
  const documents = new Map<string, { title: string; parts: Set<string> }>();
  for (const { passages, sentences } of turns) {
    for (const { id, title } of passages) {
      const text = texts.get(id);
      const said = sentences.filter(({ passages: rests }) => rests.includes(id)).map((sentence) => sentence.text);
      const parts = text === undefined ? said : [text];
      if (parts.length === 0) continue;
      const document = documents.get(title) ?? { title, parts: new Set<string>() };
      for (const part of parts) document.parts.add(part);
      documents.set(title, document);
    }
  }
  return [...documents.values()].map(({ title, parts }) => ({ title: title || 'Untitled', text: [...parts].join('\n\n') }));
}

/** The business's own tools: each answers what it answered, to the same arguments. */
export function ownTools(turns: readonly RecordedTurn[]) {
  const tools = new Map<string, RecordedTool[]>();
  for (const tool of turns.flatMap((turn) => turn.tools)) {
    if (!BUILT_IN.has(tool.name)) tools.set(tool.name, [...(tools.get(tool.name) ?? []), tool]);
  }
  return [...tools].map(([name, calls]) => ({
    name,
    description: `As in the recorded call: ${calls.length === 1 ? 'one answer' : `${calls.length} answers`}`,
    sideEffect: calls.some(({ sideEffect }) => sideEffect),
    answers: calls.map(({ arguments: given, result, outcome, tookMs }) => ({
      with: isRecord(given) ? given : {},
      result: result ?? null,
      fails: outcome !== 'ok',
      tookMs: Math.round(tookMs),
    })),
  }));
}

/** The assistant's own words, by what they answered. An answer that was cut goes on as far as it was heard. */
function answersOf(turns: readonly RecordedTurn[]): ScriptedAnswer[] {
  return turns.flatMap((one): ScriptedAnswer[] => {
    const { turn, said, tools, goodbye } = one;
    const say = spokenAnswer(one);
    if (turn === 0 || said === '') return [];
    const when = `^\\W*${wordPattern(said)}\\W*$`;
    const own = tools.find(({ name }) => name !== 'collect');
    if (!own && goodbye) return [{ when, say, call: { tool: 'end_call', with: {} } }];
    if (!own) return [{ when, say }];
    const call = { tool: own.name, with: isRecord(own.arguments) ? own.arguments : {} };
    return [{ when, call, thenSay: say.replace(/\{/g, '(') }];
  });
}

/** The words of a text, whatever stands between them. */
function wordPattern(text: string): string {
  const words = text.slice(0, MOST_TEXT / 2).match(/[\p{L}\p{N}'’]+/gu) ?? [];
  return words.join('\\W+');
}

/** As this call had them: the middle of what was measured. */
function delaysOf(turns: readonly RecordedTurn[]): NonNullable<ScenarioInput['delays']> {
  const waits = (from: keyof RecordedTurn['stages'], to: keyof RecordedTurn['stages']) =>
    percentile(
      turns.flatMap(({ stages }) => {
        const [begun, ended] = [stages[from], stages[to]];
        return begun === undefined || ended === undefined || ended < begun ? [] : [ended - begun];
      }),
      0.5,
    );
  const delays = {
    transcriberMs: waits('speechEndAt', 'finalAt'),
    firstTokenMs: waits('requestAt', 'firstTokenAt'),
    firstSoundMs: waits('firstClauseAt', 'firstAudioAt'),
  };
  return Object.fromEntries(
    Object.entries(delays).flatMap(([name, ms]) => (ms === undefined ? [] : [[name, Math.min(LONGEST_DELAY_MS, Math.round(ms))]])),
  );
}

function expectationsOf(turns: readonly RecordedTurn[], ended: Extract<CallEvent, { type: 'call-ended' }> | undefined): Expectation[] {
  const expected: Expectation[] = [];
  const said = turns.filter(({ turn }) => turn > 0);
  for (const { turn, heard, interrupted } of said) {
    if (heard !== '' && !interrupted) expected.push({ says: heard.split(/\s+/).slice(0, SAID_WORDS).join(' '), turn });
  }
  for (const { name, arguments: given, outcome } of said.flatMap(({ tools }) => tools)) {
    expected.push({ calls: name, ...(isRecord(given) ? { with: given } : {}), ...(outcome === undefined ? {} : { outcome }) });
  }
  if (said.length > 0) expected.push({ turns: { min: said.length, max: said.length } });
  if (ended && ended.by !== 'system') expected.push({ ends: { by: ended.by, reason: ended.reason } });
  return expected;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
