/** The tables as Drizzle sees them. `migrations/` is what makes them; a test holds the two together. */
import type {
  Assistant,
  CallEvent,
  CallTurn,
  DocumentFault,
  DocumentFormat,
  DocumentState,
  ToolInput,
  TurnProblems,
  TurnStages,
  UsageLine,
  WordTime,
} from '@tandem/contract';
import { bigint, boolean, doublePrecision, foreignKey, integer, jsonb, pgTable, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

export * from './library-schema.ts';

const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
const businessId = () => text('business_id').notNull();
const createdAt = () => instant('created_at').notNull();
const updatedAt = () => instant('updated_at').notNull();

export const businesses = pgTable('businesses', {
  id: text('id').primaryKey(),
  name: text('name').notNull(),
  language: text('language').notNull(),
  timeZone: text('time_zone').notNull(),
  dailyCostCeiling: doublePrecision('daily_cost_ceiling'),
  maxCalls: integer('max_calls'),
  overflowNumber: text('overflow_number'),
  createdAt: createdAt(),
});

export const assistants = pgTable(
  'assistants',
  {
    businessId: businessId().references(() => businesses.id, { onDelete: 'cascade' }),
    id: text('id').notNull(),
    name: text('name').notNull(),
    slug: text('slug').notNull(),
    greeting: text('greeting').notNull(),
    instructions: text('instructions').notNull(),
    goodbye: text('goodbye').notNull(),
    language: text('language').notNull(),
    voice: text('voice').notNull(),
    transcriber: text('transcriber'),
    languageModel: text('language_model'),
    synthesizer: text('synthesizer'),
    speechToSpeech: text('speech_to_speech'),
    fallbacks: jsonb('fallbacks').$type<Assistant['fallbacks']>().notNull(),
    otherLanguages: jsonb('other_languages').$type<Assistant['otherLanguages']>().notNull(),
    voices: jsonb('voices').$type<Assistant['voices']>().notNull(),
    turnTaking: jsonb('turn_taking').$type<Assistant['turnTaking']>().notNull(),
    knowledge: jsonb('knowledge').$type<Assistant['knowledge']>().notNull(),
    grounding: text('grounding').$type<Assistant['grounding']>().notNull(),
    builtInTools: jsonb('built_in_tools').$type<Assistant['builtInTools']>().notNull(),
    transferTargets: jsonb('transfer_targets').$type<Assistant['transferTargets']>().notNull(),
    costCeiling: doublePrecision('cost_ceiling'),
    eagerness: text('eagerness').$type<'low' | 'medium' | 'high'>().notNull(),
    idleMs: integer('idle_ms').notNull(),
    maxDurationMs: integer('max_duration_ms').notNull(),
    recording: boolean('recording').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.id] })],
);

export const numbers = pgTable(
  'numbers',
  {
    businessId: businessId().references(() => businesses.id, { onDelete: 'cascade' }),
    id: text('id').notNull(),
    address: text('address').notNull(),
    assistantId: text('assistant_id').notNull(),
    label: text('label').notNull(),
    createdAt: createdAt(),
  },
  (table) => [
    primaryKey({ columns: [table.businessId, table.id] }),
    foreignKey({ columns: [table.businessId, table.assistantId], foreignColumns: [assistants.businessId, assistants.id] }),
  ],
);

export const trunks = pgTable(
  'trunks',
  {
    businessId: businessId().references(() => businesses.id, { onDelete: 'cascade' }),
    id: text('id').notNull(),
    name: text('name').notNull(),
    sources: jsonb('sources').$type<string[]>().notNull(),
    username: text('username'),
    password: text('password'),
    registrar: text('registrar'),
    registerUser: text('register_user'),
    registerPassword: text('register_password'),
    outboundProxy: text('outbound_proxy'),
    createdAt: createdAt(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.id] })],
);

export const apiKeys = pgTable('api_keys', {
  id: text('id').primaryKey(),
  businessId: text('business_id').references(() => businesses.id, { onDelete: 'cascade' }),
  name: text('name').notNull(),
  prefix: text('prefix').notNull(),
  hash: text('hash').notNull(),
  scopes: jsonb('scopes').$type<string[]>().notNull(),
  createdAt: createdAt(),
});

export const documents = pgTable(
  'documents',
  {
    businessId: businessId().references(() => businesses.id, { onDelete: 'cascade' }),
    id: text('id').notNull(),
    title: text('title').notNull(),
    text: text('text').notNull(),
    language: text('language').notNull(),
    tags: jsonb('tags').$type<string[]>().notNull(),
    base: text('base').notNull(),
    audience: text('audience').notNull(),
    format: text('format').$type<DocumentFormat>().notNull(),
    state: text('state').$type<DocumentState>().notNull(),
    fault: text('fault').$type<DocumentFault>(),
    detail: text('detail'),
    /** Of the present state, 0…1. */
    progress: doublePrecision('progress').notNull(),
    /** Counts uploads. */
    version: integer('version').notNull(),
    /** The version whose passages are searched; 0 before the first. */
    liveVersion: integer('live_version').notNull(),
    passages: integer('passages').notNull(),
    pages: integer('pages'),
    bytes: integer('bytes').notNull(),
    fileName: text('file_name'),
    sourceId: text('source_id'),
    url: text('url'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.id] })],
);

export const questions = pgTable(
  'questions',
  {
    businessId: businessId().references(() => businesses.id, { onDelete: 'cascade' }),
    id: text('id').notNull(),
    phrasings: jsonb('phrasings').$type<string[]>().notNull(),
    answer: text('answer').notNull(),
    base: text('base').notNull(),
    language: text('language').notNull(),
    tags: jsonb('tags').$type<string[]>().notNull(),
    audience: text('audience').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.id] })],
);

export const calls = pgTable('calls', {
  id: text('id').primaryKey(),
  businessId: businessId(),
  direction: text('direction').$type<'inbound' | 'outbound'>().notNull(),
  gateway: text('gateway').notNull(),
  from: text('from_address').notNull(),
  to: text('to_address').notNull(),
  assistantId: text('assistant_id'),
  assistantName: text('assistant_name'),
  providerCallId: text('provider_call_id'),
  startedAt: instant('started_at').notNull(),
  answeredAt: instant('answered_at'),
  endedAt: instant('ended_at'),
  durationMs: doublePrecision('duration_ms'),
  endedBy: text('ended_by'),
  endedReason: text('ended_reason'),
  turns: integer('turns').notNull(),
  hasRecording: boolean('has_recording').notNull(),
  summary: text('summary'),
  voiceToVoiceP50Ms: doublePrecision('voice_to_voice_p50_ms'),
  costMicros: doublePrecision('cost_micros'),
  usage: jsonb('usage').$type<UsageLine[]>().notNull(),
  turnProblems: jsonb('turn_problems').$type<TurnProblems>(),
});

export const callEvents = pgTable(
  'call_events',
  {
    callId: text('call_id').notNull(),
    seq: integer('seq').notNull(),
    businessId: businessId(),
    type: text('type').$type<CallEvent['type']>().notNull(),
    at: doublePrecision('at').notNull(),
    body: jsonb('body').$type<Record<string, unknown>>().notNull(),
  },
  (table) => [primaryKey({ columns: [table.callId, table.seq] })],
);

export const callTurns = pgTable(
  'call_turns',
  {
    callId: text('call_id').notNull(),
    turn: integer('turn').notNull(),
    businessId: businessId(),
    callerText: text('caller_text'),
    assistantText: text('assistant_text'),
    interrupted: boolean('interrupted').notNull(),
    stages: jsonb('stages').$type<TurnStages>().notNull(),
    voiceToVoiceMs: doublePrecision('voice_to_voice_ms'),
    passages: jsonb('passages').$type<CallTurn['passages']>().notNull(),
    usage: jsonb('usage').$type<UsageLine[]>().notNull(),
    waterfall: jsonb('waterfall').$type<Record<string, number>>(),
  },
  (table) => [primaryKey({ columns: [table.callId, table.turn] })],
);

export const transcriptLines = pgTable(
  'transcript_lines',
  {
    callId: text('call_id').notNull(),
    seq: integer('seq').notNull(),
    businessId: businessId(),
    turn: integer('turn').notNull(),
    party: text('party').$type<'caller' | 'assistant'>().notNull(),
    text: text('text').notNull(),
    fromMs: doublePrecision('from_ms').notNull(),
    toMs: doublePrecision('to_ms').notNull(),
    words: jsonb('words').$type<WordTime[]>().notNull(),
    interrupted: boolean('interrupted').notNull(),
    confidence: doublePrecision('confidence'),
  },
  (table) => [primaryKey({ columns: [table.callId, table.seq] })],
);

/** A tool without its secrets, name and switch, which are columns of their own. */
export type ToolBody = ToolInput extends infer T ? (T extends ToolInput ? Omit<T, 'name' | 'secrets' | 'enabled'> : never) : never;

export const tools = pgTable(
  'tools',
  {
    businessId: businessId().references(() => businesses.id, { onDelete: 'cascade' }),
    id: text('id').notNull(),
    name: text('name').notNull(),
    definition: jsonb('definition').$type<ToolBody>().notNull(),
    secretNames: jsonb('secret_names').$type<string[]>().notNull(),
    /** Sealed by the secret box; null without secrets. */
    secrets: text('secrets'),
    enabled: boolean('enabled').notNull(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.id] })],
);

export const messages = pgTable(
  'messages',
  {
    businessId: businessId(),
    id: text('id').notNull(),
    callId: text('call_id').notNull(),
    name: text('name').notNull(),
    number: text('number').notNull(),
    text: text('text').notNull(),
    urgent: boolean('urgent').notNull(),
    takenAt: instant('taken_at').notNull(),
    doneAt: instant('done_at'),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.id] })],
);

export const callbacks = pgTable(
  'callbacks',
  {
    businessId: businessId(),
    id: text('id').notNull(),
    callId: text('call_id').notNull(),
    name: text('name').notNull(),
    number: text('number').notNull(),
    when: text('wanted_when').notNull(),
    reason: text('reason').notNull(),
    scheduledAt: instant('scheduled_at').notNull(),
    doneAt: instant('done_at'),
  },
  (table) => [primaryKey({ columns: [table.businessId, table.id] })],
);

export const journalCursor = pgTable('journal_cursor', {
  journal: text('journal').primaryKey(),
  segment: integer('segment').notNull(),
  byteOffset: bigint('byte_offset', { mode: 'number' }).notNull(),
  updatedAt: updatedAt(),
});
