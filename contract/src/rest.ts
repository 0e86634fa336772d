/** REST shapes under `/api/v1`. Times are RFC 3339 UTC, numbers E.164 (or a SIP user name), lists cursor-paged. */
import { z } from 'zod';
import { ending, turnStages, usageLine, wordTime } from './call-events.ts';
import { turnFinding, turnProblems } from './causes.ts';
import { knowledgeScope } from './knowledge.ts';
import { id, language, text, time } from './shapes.ts';

const vendorName = z.string().min(1).max(60);
const e164 = z.string().regex(/^\+[1-9]\d{6,14}$/, 'is not a number such as +15550100');
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
  dailyCostCeiling: z
    .number()
    .positive()
    .max(100_000)
    .nullable()
    .default(null)
    .describe('US dollars a day; calls beyond it end gracefully'),
  maxCalls: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .nullable()
    .default(null)
    .describe('calls at once; who calls beyond it hears busy, or is sent on to the overflow number'),
  overflowNumber: z
    .union([e164, sipUri])
    .nullable()
    .default(null)
    .describe('who takes calls that there is no room for: an E.164 number or a SIP address'),
  createdAt: time,
});
export const businessInput = business.omit({ id: true, createdAt: true });
export type Business = z.infer<typeof business>;

/** The rules of turn-taking, by name: when a quiet caller has finished, and what is heard while the assistant speaks. */
export const turnRule = z.enum([
  'no-words',
  'yes-no',
  'digits',
  'spelling',
  'email',
  'date',
  'name',
  'unfinished',
  'own-turns',
  'judged',
  'pauses',
  'sentence',
  'open-sentence',
  'silence',
  'echo',
  'stop',
  'backchannel',
]);

/** How the assistant takes turns. */
export const turnTaking = z.object({
  speculation: z
    .enum(['off', 'words', 'speech'])
    .default('speech')
    .describe('begin the answer before the caller has surely finished: its words, or its first speech too'),
  adaptive: z.boolean().default(true).describe("waiting follows the caller's own pauses and what was asked"),
  fillers: z.boolean().default(true).describe('say "One moment." when the answer will be late'),
  hedging: z.boolean().default(false).describe('ask a late language model a second time; costs more'),
  greetingProtected: z.boolean().default(false).describe('voice cannot interrupt the greeting (a legal notice)'),
  rules: z
    .partialRecord(turnRule, z.union([z.boolean(), z.number().int().min(0).max(10_000)]))
    .default({})
    .describe('false switches a rule off, a number is its wait in milliseconds'),
});
export type TurnTaking = z.infer<typeof turnTaking>;

/** Where a call may be handed over. Only these: nothing a caller or a model says is ever dialled. */
export const transferTarget = z.object({
  name: text(80).describe('as the language model is told of it'),
  to: text(200).describe('E.164 or sip: URI'),
  description: z.string().max(300).default(''),
});
export type TransferTarget = z.infer<typeof transferTarget>;

export const builtInTool = z.enum(['end_call', 'transfer_call', 'send_digits', 'take_message', 'schedule_callback', 'collect']);
export type BuiltInTool = z.infer<typeof builtInTool>;

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
  otherLanguages: z
    .array(language)
    .max(8)
    .default([])
    .describe('understood and answered too, when the caller speaks them; anything else is answered in `language`'),
  voice: z.string().min(1).max(120).default('slt'),
  transcriber: vendorName.optional().describe('vendor name; the best one installed when absent'),
  languageModel: vendorName.optional(),
  synthesizer: vendorName.optional(),
  speechToSpeech: vendorName.optional().describe('one speech model answers instead of transcriber, language model and synthesizer'),
  fallbacks: z
    .object({
      transcribers: z.array(vendorName).max(5).default([]),
      languageModels: z.array(vendorName).max(5).default([]),
      synthesizers: z.array(vendorName).max(5).default([]),
    })
    .prefault({})
    .describe('who takes over when the chosen one fails, in order; then whatever else is installed'),
  voices: z.record(vendorName, z.string().min(1).max(120)).default({}).describe('voice by synthesizer, where it is not `voice`'),
  turnTaking: turnTaking.prefault({}),
  knowledge: knowledgeScope.prefault({}).describe("what of the business's knowledge it answers from; all of it when empty"),
  grounding: z
    .enum(['strict', 'off'])
    .default('strict')
    .describe('strict: numbers, dates, prices and names that no passage, tool or instruction holds are not spoken'),
  builtInTools: z.array(builtInTool).default(['end_call', 'take_message', 'schedule_callback', 'collect']),
  transferTargets: z.array(transferTarget).max(20).default([]),
  costCeiling: z.number().positive().max(1_000).nullable().default(null).describe('US dollars a call may cost; it ends gracefully'),
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

const secretName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,59}$/);
const headerName = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}$/, 'is not a header name');

/** The manners of a tool. */
const toolManners = {
  sideEffect: z.boolean().default(true).describe('changes something outside: never repeated blindly, never cancelled once sent'),
  interruptible: z.boolean().default(false).describe('a read-only tool may be dropped when the caller interrupts'),
  timeoutMs: z.number().int().min(100).max(30_000).default(8_000),
  say: z.string().max(200).default('').describe('spoken while it runs'),
};

/** A tool that is an HTTP request. `{{argument}}` in URL, headers and body is replaced; `{{secret:NAME}}` only on the way out. */
export const httpToolInput = z.object({
  kind: z.literal('http'),
  name: z.string().regex(/^[a-z][a-z0-9_]{0,59}$/, 'is not a tool name such as look_up_order'),
  description: text(1_000),
  parameters: z.record(z.string(), z.unknown()).default({ type: 'object', properties: {} }).describe('JSON Schema of its arguments'),
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('GET'),
  url: z
    .string()
    .max(2_000)
    .regex(/^https?:\/\//, 'is not an http(s) address'),
  headers: z.record(headerName, z.string().max(2_000)).default({}),
  body: z.string().max(20_000).default('').describe('template; the arguments as JSON when empty and the method has a body'),
  reconcileUrl: z
    .string()
    .max(2_000)
    .default('')
    .describe('asked with GET and {{idempotencyKey}} when nobody knows whether the request arrived: 2xx done, 404 not done'),
  secrets: z.record(secretName, z.string().min(1).max(4_000)).default({}).describe('write-only'),
  ...toolManners,
});
/** Tools of an MCP server over streamable HTTP. */
export const mcpToolInput = z.object({
  kind: z.literal('mcp'),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,29}$/, 'is not a name such as bookings')
    .describe('prefix of its tools'),
  description: z.string().max(1_000).default(''),
  url: z
    .string()
    .max(2_000)
    .regex(/^https?:\/\//, 'is not an http(s) address'),
  headers: z.record(headerName, z.string().max(2_000)).default({}),
  secrets: z.record(secretName, z.string().min(1).max(4_000)).default({}).describe('write-only'),
  allow: z.array(z.string().max(120)).max(200).default([]).describe("names of the server's tools that may be called; all when empty"),
  ...toolManners,
});
const toolScope = {
  assistantIds: z.array(id).max(200).default([]).describe('who may use it; every assistant when empty'),
  enabled: z.boolean().default(true),
};
export const toolInput = z.discriminatedUnion('kind', [httpToolInput.extend(toolScope), mcpToolInput.extend(toolScope)]);
export type ToolInput = z.infer<typeof toolInput>;
const storedTool = { id, businessId: id, secretNames: z.array(z.string()), createdAt: time, updatedAt: time };
/** As it is shown: secrets only by name. */
export const toolDefinition = z.discriminatedUnion('kind', [
  httpToolInput.omit({ secrets: true }).extend({ ...toolScope, ...storedTool }),
  mcpToolInput.omit({ secrets: true }).extend({ ...toolScope, ...storedTool }),
]);
export type ToolDefinition = z.infer<typeof toolDefinition>;

export const message = z.object({
  id,
  businessId: id,
  callId: id,
  name: z.string(),
  number: z.string(),
  text: z.string(),
  urgent: z.boolean(),
  takenAt: time,
  doneAt: time.nullable(),
});
export type Message = z.infer<typeof message>;
export const callback = z.object({
  id,
  businessId: id,
  callId: id,
  name: z.string(),
  number: z.string(),
  when: z.string(),
  reason: z.string(),
  scheduledAt: time,
  doneAt: time.nullable(),
});
export type Callback = z.infer<typeof callback>;

/** P50, P95 and P99 of one stage of the waterfall over a set of turns. */
export const stageLatency = z.object({ stage: z.string(), n: z.number().int(), p50Ms: z.number(), p95Ms: z.number(), p99Ms: z.number() });
export const latencyQuery = z.object({
  from: time.optional(),
  to: time.optional(),
  assistantId: id.optional(),
  by: z.enum(['business', 'assistant', 'provider']).default('business'),
});
export const latencyReport = z.object({
  groups: z.array(z.object({ key: z.string(), label: z.string(), turns: z.number().int(), stages: z.array(stageLatency) })),
});
export type LatencyReport = z.infer<typeof latencyReport>;

export const usageQuery = z.object({ from: time.optional(), to: time.optional(), assistantId: id.optional() });
export const usageReport = z.object({
  totalCostMicros: z.number(),
  embeddingCostMicros: z
    .number()
    .optional()
    .describe('of the total: vectors of documents and of what callers asked, which belong to no call; absent when there were none'),
  calls: z.number().int(),
  lines: z.array(usageLine),
  days: z.array(z.object({ day: z.string(), calls: z.number().int(), costMicros: z.number() })),
});
export type UsageReport = z.infer<typeof usageReport>;

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
  costMicros: z.number().nullable().describe('millionths of a US dollar, so far'),
  turnProblems: turnProblems
    .nullable()
    .optional()
    .describe('how many turns were bad, by problem; null until somebody has looked, a few seconds after the end'),
});
export type Call = z.infer<typeof call>;
export const callQuery = pageQuery.extend({
  state: z.enum(['live', 'ended']).optional(),
  assistantId: id.optional(),
  gateway: z.string().max(60).optional(),
  reason: z.string().max(60).optional(),
  search: z.string().max(120).optional().describe('part of a number'),
  slow: z.stringbool().optional().describe('true: only calls with a slow turn'),
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
  usage: z.array(usageLine).default([]),
  passages: z.array(z.object({ id: z.string(), documentId: z.string(), title: z.string(), score: z.number() })),
  findings: z.array(turnFinding).optional().describe('what was bad about it and why; only where `causes` was asked for'),
});
export type CallTurn = z.infer<typeof callTurn>;

/** `/readyz`: whether a new call is taken. `reasons` each stop new calls; `degraded` is worth a person's attention while calls go on. */
export const readiness = z.object({ ready: z.boolean(), reasons: z.array(z.string()), degraded: z.array(z.string()) });
export type Readiness = z.infer<typeof readiness>;

/** The providers this installation can use, best first; an assistant names them. */
export const installedModels = z.object({
  transcribers: z.array(z.string()),
  languageModels: z.array(z.string()),
  synthesizers: z.array(z.string()),
  speechToSpeech: z.array(z.string()),
});
export type InstalledModels = z.infer<typeof installedModels>;
