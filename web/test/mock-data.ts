/** A small business with a past, for looking at the console without a server. */
import type {
  Assistant,
  Business,
  Call,
  CallEvent,
  CallFact,
  CallTurn,
  PhoneNumber,
  TranscriptLine,
  Trunk,
  UsageLine,
  WordTime,
} from '@tandem/contract';
import { documents } from './mock-knowledge.ts';

const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();
const dated = { businessId: 'harbour', createdAt: ago(60 * 24 * 20), updatedAt: ago(60 * 30) };

export const business: Business = {
  id: 'harbour',
  name: 'Harbour Dental',
  language: 'en',
  timeZone: 'UTC',
  dailyCostCeiling: null,
  maxCalls: null,
  overflowNumber: null,
  createdAt: dated.createdAt,
};

const manners = {
  fallbacks: { transcribers: [], languageModels: [], synthesizers: [] },
  voices: {},
  turnTaking: { speculation: 'speech', adaptive: true, fillers: true, hedging: false, greetingProtected: false, rules: {} },
  knowledge: { bases: [], documentIds: [], tags: [], languages: [], audiences: [] },
  grounding: 'strict',
  builtInTools: ['end_call', 'take_message', 'schedule_callback', 'collect'],
  transferTargets: [],
  costCeiling: null,
} satisfies Partial<Assistant>;

export const assistants: Assistant[] = [
  {
    ...dated,
    ...manners,
    languageModel: 'openai',
    synthesizer: 'cartesia',
    fallbacks: { transcribers: [], languageModels: ['anthropic'], synthesizers: ['flite'] },
    voices: { flite: 'slt' },
    builtInTools: ['end_call', 'take_message', 'schedule_callback', 'collect', 'transfer_call'],
    transferTargets: [{ name: 'Reception', to: '+15550111', description: 'Complaints and invoices' }],
    id: 'ava',
    name: 'Ava',
    slug: 'demo',
    greeting: 'Harbour Dental, you are talking to Ava, an AI assistant. This call is recorded. How can I help you?',
    instructions: 'Be warm and brief. Offer to take a message when you do not know.',
    goodbye: 'Thank you for calling Harbour Dental. Goodbye.',
    language: 'en',
    otherLanguages: [],
    voice: 'slt',
    eagerness: 'medium',
    idleMs: 8_000,
    maxDurationMs: 1_800_000,
    recording: true,
  },
  {
    ...dated,
    ...manners,
    id: 'noor',
    name: 'Noor, after hours',
    slug: 'after-hours',
    greeting: 'Harbour Dental is closed now. I am Noor, an AI assistant. Is it an emergency?',
    instructions: '',
    goodbye: 'Goodbye, and get well soon.',
    language: 'en',
    otherLanguages: [],
    voice: 'kal',
    eagerness: 'low',
    idleMs: 10_000,
    maxDurationMs: 900_000,
    recording: false,
  },
];

export const numbers: PhoneNumber[] = [
  { ...dated, id: 'n1', address: '+15550100', assistantId: 'ava', label: 'Main line' },
  { ...dated, id: 'n2', address: 'demo', assistantId: 'ava', label: 'Softphones' },
  { ...dated, id: 'n3', address: '+15550199', assistantId: 'noor', label: '' },
];

export const trunks: Trunk[] = [
  { ...dated, id: 't1', name: 'this-machine', sources: ['127.0.0.0/8', '::1/128'] },
  { ...dated, id: 't2', name: 'Carrier', sources: ['203.0.113.0/24'], outboundProxy: 'sip:carrier.example.com', username: 'harbour' },
];

const reasons = [
  { by: 'caller', reason: 'hung-up' },
  { by: 'assistant', reason: 'goodbye' },
  { by: 'assistant', reason: 'idle' },
  { by: 'system', reason: 'media-lost' },
] as const;

export const call = (n: number, change: Partial<Call> = {}): Call => ({
  id: `call-${n}`,
  businessId: business.id,
  direction: 'inbound',
  gateway: ['sip', 'twilio', 'browser'][n % 3] ?? 'sip',
  from: n % 3 === 2 ? 'browser' : `+1555014${String(n % 100).padStart(4, '0')}`.slice(0, 12),
  to: '+15550100',
  assistantId: n % 5 === 4 ? 'noor' : 'ava',
  assistantName: n % 5 === 4 ? 'Noor, after hours' : 'Ava',
  startedAt: ago(n * 47 + 12),
  answeredAt: ago(n * 47 + 12),
  endedAt: ago(n * 47 + 10),
  durationMs: 38_000 + n * 7_300,
  ending: reasons[n % 4] ?? null,
  turns: 2 + (n % 7),
  hasRecording: true,
  summary: null,
  voiceToVoiceP50Ms: n % 9 === 8 ? null : 320 + ((n * 331) % 1_500),
  costMicros: 8_200 + n * 1_340,
  turnProblems: [{ slow: 2 }, {}, {}, { slow: 1, unanswered: 2 }, {}, { 'cut-off': 1 }, null][n % 7] ?? null,
  ...change,
});

type Exchange = {
  ask?: string;
  answer: string;
  interrupted?: boolean;
  stages: number[];
  documents?: string[];
  /** Ids of what each sentence of the answer rests on. */
  support?: string[][];
  /** The answer was begun so long after the caller's last word. */
  eagerMs?: number;
  /** "One moment." left so long after the caller's last word. */
  fillerMs?: number;
  /** What was done meanwhile. */
  deeds?: CallFact[];
};

const talk: Exchange[] = [
  {
    answer: 'Harbour Dental, you are talking to Ava, an AI assistant. This call is recorded. How can I help you?',
    stages: [0, 0, 0, 20, 5, 60, 12],
  },
  {
    ask: 'Hi, are you open on Friday afternoon?',
    answer: 'Yes. We are open Monday to Friday, from eight in the morning to six in the evening.',
    stages: [350, 4, 2, 15, 3, 48, 11],
    eagerMs: 140,
    documents: ['hours'],
    support: [['hours#0'], ['hours#0']],
  },
  {
    ask: 'And how much is a check-up?',
    answer: 'A check-up costs forty-five dollars. If you would also like a cleaning, that',
    interrupted: true,
    stages: [352, 60, 2, 140, 60, 96, 14],
    documents: ['prices', 'insurance', 'training'],
    support: [['prices#0'], []],
    deeds: [{ type: 'claim-withheld', turn: 2, text: 'A cleaning takes thirty minutes.', claims: ['thirty minutes'] }],
  },
  {
    ask: 'No, only the check-up. Where can I park?',
    answer: 'Parking is free behind the building, at Pier Street twelve.',
    stages: [610, 120, 3, 320, 90, 210, 12],
    fillerMs: 905,
    deeds: [
      {
        type: 'provider-failed',
        turn: 3,
        stage: 'language-model',
        provider: 'openai',
        category: 'rate-limited',
        message: 'Too many requests',
        next: 'anthropic',
      },
    ],
    documents: ['parking'],
    support: [['parking#0']],
  },
  {
    ask: 'Do you have an appointment tomorrow at nine?',
    answer: 'I cannot see the calendar. May I take a message so that somebody calls you back?',
    stages: [600, 380, 4, 720, 180, 260, 15],
    deeds: [
      {
        type: 'tool-called',
        turn: 4,
        toolCallId: 'call_1',
        name: 'find_slot',
        arguments: { day: '2026-03-02', time: '09:00' },
        idempotencyKey: 'k-1',
        sideEffect: false,
      },
      {
        type: 'tool-returned',
        turn: 4,
        toolCallId: 'call_1',
        name: 'find_slot',
        outcome: 'failed',
        tookMs: 512,
        result: 'The calendar answered 503',
      },
      {
        type: 'message-taken',
        messageId: 'message_1',
        name: 'Dana Whitfield',
        number: '+15550142',
        text: 'Would like a check-up tomorrow at nine.',
        urgent: false,
      },
    ],
    support: [['call_1'], []],
  },
  { ask: 'Yes please. Thank you, bye.', answer: 'Thank you for calling Harbour Dental. Goodbye.', stages: [340, 10, 0, 8, 2, 4, 11] },
];

/** Word times for `text` spoken at four words a second and a bit. */
function wordsOf(text: string): WordTime[] {
  let at = 0;
  return text.split(' ').map((word) => {
    const fromMs = at;
    const toMs = fromMs + 90 + word.length * 42;
    at = toMs + (/[.,?]$/.test(word) ? 190 : 25);
    return { text: word, fromMs, toMs };
  });
}

const piecesOf = (answer: string): string[] => (answer.match(/[^.?]+[.?]?/g) ?? []).map((piece) => piece.trim());

/** What saying `answer` to `ask` used, by some price. */
function usageOf(answer: string, ask = ''): UsageLine[] {
  const lines: Omit<UsageLine, 'costMicros'>[] = [
    { stage: 'transcriber', provider: 'deepgram', model: 'flux-general-en', unit: 'seconds', quantity: 4 + ask.length / 14 },
    { stage: 'language-model', provider: 'openai', model: 'gpt-4.1-mini', unit: 'input-tokens', quantity: 900 + ask.length },
    { stage: 'language-model', provider: 'openai', model: 'gpt-4.1-mini', unit: 'output-tokens', quantity: Math.round(answer.length / 4) },
    { stage: 'synthesizer', provider: 'cartesia', model: 'sonic-3', unit: 'characters', quantity: answer.length },
  ];
  const prices = [128, 0.4, 1.6, 37];
  return lines.map((line, n) => ({ ...line, costMicros: line.quantity * (prices[n] ?? 0) }));
}

export type Story = { lines: TranscriptLine[]; turns: CallTurn[]; events: CallEvent[]; durationMs: number };

/** One whole call: its words, its turns, its events. */
export function tell(callId: string): Story {
  const lines: TranscriptLine[] = [];
  const turns: CallTurn[] = [];
  const facts: (CallFact & { at: number })[] = [
    {
      at: 0,
      type: 'call-received',
      startedAt: ago(3),
      direction: 'inbound',
      gateway: 'sip',
      from: '+15550142',
      to: '+15550100',
      assistantId: 'ava',
      assistantName: 'Ava',
    },
    { at: 40, type: 'call-answered', ringMs: 40 },
    { at: 41, type: 'leg-joined', legId: 'leg-1', party: 'caller', gateway: 'sip', codec: 'PCMU' },
    { at: 42, type: 'recording-started', channels: 2, rate: 8000 },
  ];
  let at = 60;
  for (const [
    turn,
    { ask, answer, interrupted = false, stages, documents: found = [], support, eagerMs, fillerMs, deeds = [] },
  ] of talk.entries()) {
    if (ask) {
      const words = wordsOf(ask);
      const toMs = words.at(-1)?.toMs ?? 0;
      lines.push({
        turn,
        party: 'caller',
        text: ask,
        fromMs: at,
        toMs: at + toMs,
        words,
        interrupted: false,
        confidence: turn === 4 ? 0.41 : 0.93,
      });
      facts.push({ at, type: 'speech-started', party: 'caller' });
      for (let n = 2; n < words.length; n += 2) {
        const heard = words.slice(0, n);
        facts.push({
          at: at + (heard.at(-1)?.toMs ?? 0) + 120,
          type: 'transcript-partial',
          turn,
          text: heard.map(({ text }) => text.toLowerCase()).join(' '),
        });
      }
      facts.push({ at: at + toMs + 200, type: 'speech-ended', party: 'caller', durationMs: toMs });
      at += toMs;
    }
    const speechEndAt = at;
    const [endpoint = 0, words = 0, retrieval = 0, token = 0, clause = 0, sound = 0, packet = 0] = stages;
    const marks = [endpoint, words, retrieval, token, clause, sound, packet].map(
      (
        (sum) => (ms) =>
          (sum += ms)
      )(speechEndAt),
    );
    const [endpointAt, committedAt, retrievalAt, firstTokenAt, firstClauseAt, firstAudioAt, firstPacketAt = 0] = marks;
    const caught = ask === undefined ? {} : { speechEndAt, endpointAt, finalAt: committedAt, committedAt };
    const passages = found.map((id, n) => ({
      id: `${id}#0`,
      documentId: id,
      title: documents.find((each) => each.id === id)?.title ?? id,
      score: 0.88 - n * 0.21,
    }));
    const allStages = {
      ...caught,
      ...(passages.length > 0 ? { retrievalAt } : {}),
      requestAt: retrievalAt,
      firstTokenAt,
      firstClauseAt,
      firstAudioAt,
      firstPacketAt,
      ...(eagerMs === undefined ? {} : { eagerAt: speechEndAt + eagerMs, requestAt: speechEndAt + eagerMs + 2 }),
      ...(fillerMs === undefined ? {} : { fillerAt: speechEndAt + fillerMs }),
    };
    const voiceToVoiceMs = ask === undefined ? null : (fillerMs ?? firstPacketAt - speechEndAt);
    for (const [n, deed] of deeds.entries()) facts.push({ ...deed, at: speechEndAt + 700 + n * 400 });
    if (ask && committedAt !== undefined) {
      facts.push({
        at: committedAt,
        type: 'transcript-final',
        turn,
        text: ask,
        fromAt: speechEndAt - 900,
        toAt: speechEndAt,
        confidence: 0.93,
      });
      facts.push({ at: committedAt, type: 'turn-committed', turn, text: ask, source: 'speech', stages: {} });
      facts.push({
        at: committedAt + retrieval,
        type: 'retrieval-done',
        turn,
        query: ask,
        passages,
        answerable: passages.length > 0,
        verdict: passages.length > 0 ? 'answer' : 'unknown',
        confidence: passages.length > 0 ? { score: 0.88, margin: 0.21, coverage: 0.92 } : { score: 0.12, margin: 0.02, coverage: 0.2 },
        cached: eagerMs !== undefined,
        tookMs: retrieval,
      });
    }
    facts.push({ at: firstTokenAt ?? at, type: 'reply-started', turn, epoch: turn + 1, kind: turn === 0 ? 'greeting' : 'answer' });
    const spoken = wordsOf(fillerMs === undefined ? answer : `One moment. ${answer}`);
    if (fillerMs !== undefined)
      facts.push({
        at: firstPacketAt + (spoken[1]?.toMs ?? 0),
        type: 'speech-played',
        turn,
        text: 'One moment.',
        fromAt: firstPacketAt,
        toAt: firstPacketAt + (spoken[1]?.toMs ?? 0),
        words: [],
        filler: true,
      });
    const lasts = spoken.at(-1)?.toMs ?? 0;
    const text = spoken.map((word) => word.text).join(' ');
    lines.push({ turn, party: 'assistant', text, fromMs: firstPacketAt, toMs: firstPacketAt + lasts, words: spoken, interrupted });
    let from = 0;
    for (const piece of piecesOf(answer)) {
      const count = piece.split(' ').length;
      const last = spoken[from + count - 1];
      facts.push({
        at: firstPacketAt + (last?.toMs ?? lasts),
        type: 'speech-played',
        turn,
        text: piece,
        fromAt: firstPacketAt,
        toAt: firstPacketAt + lasts,
        words: [],
      });
      from += count;
    }
    at = firstPacketAt + lasts;
    if (interrupted) facts.push({ at, type: 'reply-interrupted', turn, cause: 'words', heard: answer });
    facts.push({
      at,
      type: 'turn-completed',
      turn,
      heard: answer,
      interrupted,
      stages: allStages,
      ...(voiceToVoiceMs === null ? {} : { voiceToVoiceMs }),
      ...(support ? { sentences: piecesOf(answer).map((text, n) => ({ text, passages: support[n] ?? [] })) } : {}),
    });
    turns.push({
      turn,
      callerText: ask ?? null,
      assistantText: answer,
      interrupted,
      stages: allStages,
      voiceToVoiceMs,
      usage: usageOf(answer, ask),
      passages,
    });
    at += interrupted ? -300 : 700;
  }
  facts.push({ at, type: 'recording-stopped', reason: 'call-ended', durationMs: at });
  facts.push({ at, type: 'call-ended', by: 'caller', reason: 'hung-up', durationMs: at });
  const events = facts.sort((a, b) => a.at - b.at).map((fact, seq): CallEvent => ({ ...fact, businessId: business.id, callId, seq }));
  return { lines, turns, events, durationMs: at };
}
