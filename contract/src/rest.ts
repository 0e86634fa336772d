/** REST shapes under `/api/v1`. Times are RFC 3339 UTC, numbers E.164 (or a SIP user name), lists cursor-paged. */
import { z } from 'zod';
import { ending, turnStages, wordTime } from './call-events.ts';

const id = z.string().min(1).max(64);
const time = z.string().describe('RFC 3339 UTC');
const text = (max: number) => z.string().trim().min(1).max(max);
/** A language tag such as `en` or `pt-BR` (RFC 5646, in outline). */
const language = z.string().regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/, 'is not a language tag such as en or pt-BR');
const vendorName = z.string().min(1).max(60);
const sipUri = z.string().regex(/^sips?:[^\s<>]{1,250}$/i, 'is not a SIP address such as sip:pbx.example.com');

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.string(),
  detail: z.string().optional(),
  instance: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof problem>;

export const pageQuery = z.object({
  cursor: z.string().max(400).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
/** A page of `item`: `nextCursor` is absent on the last one. */
export const page = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), nextCursor: z.string().optional() });
export type Page<T> = { items: T[]; nextCursor?: string };

export const business = z.object({
  id,
  name: text(200),
  language: language.default('en'),
  timeZone: z.string().max(60).refine(isTimeZone, 'is not a time zone such as Europe/Lisbon').default('UTC'),
  createdAt: time,
});
export const businessInput = business.omit({ id: true, createdAt: true });
export type Business = z.infer<typeof business>;

export const assistantInput = z.object({
  name: text(120),
  slug: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .describe('its page is /talk/:slug'),
  greeting: text(600),
  instructions: z.string().max(20_000).default(''),
  goodbye: text(400).default('Thank you for calling. Goodbye.'),
  language: language.default('en'),
  voice: z.string().min(1).max(120).default('slt'),
  transcriber: vendorName.optional().describe('vendor name; the best one installed when absent'),
  languageModel: vendorName.optional(),
  synthesizer: vendorName.optional(),
  eagerness: z.enum(['low', 'medium', 'high']).default('medium').describe('how soon the assistant takes the turn'),
  idleMs: z.number().int().min(2_000).max(60_000).default(8_000).describe('silence before it asks whether the caller is still there'),
  maxDurationMs: z.number().int().min(10_000).max(14_400_000).default(1_800_000),
  recording: z.boolean().default(true),
});
export const assistant = assistantInput.extend({ id, businessId: id, createdAt: time, updatedAt: time });
export type AssistantInput = z.infer<typeof assistantInput>;
export type Assistant = z.infer<typeof assistant>;

export const numberInput = z.object({
  address: z
    .string()
    .regex(/^(\+[1-9]\d{4,14}|[A-Za-z0-9][A-Za-z0-9._-]{0,62})$/)
    .describe('E.164, or the user part of a SIP address'),
  assistantId: id,
  label: z.string().max(120).default(''),
});
export const phoneNumber = numberInput.extend({ id, businessId: id, createdAt: time });
export type PhoneNumber = z.infer<typeof phoneNumber>;

export const documentInput = z.object({
  title: text(300),
  text: text(1_000_000),
  language: language.default('en'),
  tags: z.array(z.string().max(60)).max(50).default([]),
});
export const document = documentInput
  .omit({ text: true })
  .extend({ id, businessId: id, passages: z.number().int(), createdAt: time, updatedAt: time });
export const documentWithText = document.extend({ text: z.string() });
export type KnowledgeDocument = z.infer<typeof document>;

export const questionInput = z.object({
  phrasings: z.array(text(300)).min(1).max(50).describe('ways to ask it; the first is its title'),
  answer: text(1_000).describe('spoken as it stands'),
});
export const question = questionInput.extend({ id, businessId: id, createdAt: time, updatedAt: time });
export type Question = z.infer<typeof question>;

/** A SIP trunk: who may send us calls, and where (and whether at all) we may send ours. */
export const trunkInput = z.object({
  name: text(120),
  sources: z
    .array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()], { error: 'is not an address or CIDR range such as 203.0.113.0/24' }))
    .max(200)
    .default([])
    .describe('CIDR ranges whose calls are accepted without a password'),
  username: z.string().min(1).max(120).optional().describe('digest user a phone or PBX signs in with'),
  password: z.string().min(8).max(200).optional().describe('write-only'),
  registrar: sipUri.optional().describe('sip: URI of a PBX we register at'),
  registerUser: z.string().max(120).optional(),
  registerPassword: z.string().min(1).max(200).optional().describe('write-only'),
  outboundProxy: sipUri.optional().describe('sip: URI calls out are sent to; without it no call out is possible'),
});
export const trunk = trunkInput.omit({ password: true, registerPassword: true }).extend({ id, businessId: id, createdAt: time });
export type Trunk = z.infer<typeof trunk>;

export const call = z.object({
  id,
  businessId: id,
  direction: z.enum(['inbound', 'outbound']),
  gateway: z.string(),
  from: z.string(),
  to: z.string(),
  assistantId: z.string().nullable(),
  assistantName: z.string().nullable(),
  startedAt: time,
  answeredAt: time.nullable(),
  endedAt: time.nullable(),
  durationMs: z.number().nullable(),
  ending: ending.nullable(),
  turns: z.number().int(),
  hasRecording: z.boolean(),
  summary: z.string().nullable(),
  voiceToVoiceP50Ms: z.number().nullable(),
});
export type Call = z.infer<typeof call>;
export const callQuery = pageQuery.extend({
  state: z.enum(['live', 'ended']).optional(),
  assistantId: id.optional(),
  gateway: z.string().max(60).optional(),
  reason: z.string().max(60).optional(),
  search: z.string().max(120).optional().describe('part of a number'),
});
/** Placing a call: refused unless a trunk or carrier is configured for calling out. */
export const callInput = z.object({ to: text(200), assistantId: id, gateway: z.string().max(60).optional() });

export const transcriptLine = z.object({
  turn: z.number().int(),
  party: z.enum(['caller', 'assistant']),
  text: z.string(),
  fromMs: z.number().describe('from answer, as in the recording'),
  toMs: z.number(),
  words: z.array(wordTime).describe('from the start of the line'),
  interrupted: z.boolean(),
  confidence: z.number().optional(),
});
export type TranscriptLine = z.infer<typeof transcriptLine>;

export const callTurn = z.object({
  turn: z.number().int(),
  callerText: z.string().nullable(),
  assistantText: z.string().nullable(),
  interrupted: z.boolean(),
  stages: turnStages,
  voiceToVoiceMs: z.number().nullable(),
  passages: z.array(z.object({ id: z.string(), documentId: z.string(), title: z.string(), score: z.number() })),
});
export type CallTurn = z.infer<typeof callTurn>;

/** `/readyz`: whether a new call is taken. `reasons` each stop new calls; `degraded` is worth a person's attention while calls go on. */
export const readiness = z.object({ ready: z.boolean(), reasons: z.array(z.string()), degraded: z.array(z.string()) });
export type Readiness = z.infer<typeof readiness>;
