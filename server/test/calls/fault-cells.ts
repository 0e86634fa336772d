/** The fault matrix as data: which stage fails, how, when, and how the turn has to come out. */
import { z } from 'zod';
import { type FailureCategory, VendorError } from '#kit/errors.ts';
import type { TestKit } from '#kit/testing.ts';
import type { ModelRequest } from '#models/language-model.ts';
import type { Tool } from '#models/tool.ts';
import {
  ForeignKnowledge,
  languageModel,
  type SessionFault,
  speechToSpeech,
  type Steps,
  synthesizer,
  ToolShelf,
  transcriber,
  type TranscriberFault,
  type VoiceFault,
} from './faulty-models.ts';
import type { OfficeOptions } from './telephone.ts';

export const QUESTION = 'when are you open this week please';
export const ANSWER = 'We are open from eight until six today. On Sunday we are closed all day. On Monday we open again.';
const FIRST_CLAUSE = 'We are open from eight until six today. ';

/**
 * `answers`: the answer is heard, whole. `speaks`: something is said that fits, and the call goes on. `apologises`: it
 * is said that it cannot go on, and the call ends with that. `asks-again`: the caller is asked to say it again, and is
 * understood at last; `never-understood`: that is said each time.
 */
export type Outcome = 'answers' | 'speaks' | 'apologises' | 'asks-again' | 'never-understood';

export interface Cell {
  stage: 'language-model' | 'synthesizer' | 'transcriber' | 'tool' | 'knowledge' | 'speech-to-speech';
  fault: string;
  moment: string;
  /** Who fails: the first provider, all of them, or the only one. */
  who: 'first' | 'all' | 'only';
  outcome: Outcome;
  /** Named by `provider-failed` facts, in order of their first failure. */
  failed: readonly string[];
  options: (probe: Probe) => OfficeOptions;
}

/** What a cell's models have seen. */
export class Probe {
  readonly requests: ModelRequest[] = [];
  /** Runs of tools by name. */
  readonly runs: string[] = [];
}

/** These open the breaker at once: who failed so while it rang is not asked in the call. */
const LASTING = new Set(['refused', 'garbage']);

const error = (vendor: string, category: FailureCategory, message: string, retryAfterMs?: number) =>
  new VendorError(vendor, category, message, retryAfterMs === undefined ? {} : { retryAfterMs });

/** Failures with an error, as the rooms classify them. */
const errors: Record<string, (vendor: string) => VendorError> = {
  refused: (vendor) => error(vendor, 'auth', '401'),
  429: (vendor) => error(vendor, 'rate-limited', '429', 10_000),
  500: (vendor) => error(vendor, 'retryable', '500'),
  reset: (vendor) => error(vendor, 'retryable', 'the connection was reset'),
  garbage: (vendor) => error(vendor, 'permanent', 'the answer is a web page'),
};

/** A healthy model: the answer, or what is left of it. */
const healthy = ({ continueFrom }: ModelRequest): Steps => [continueFrom === undefined ? ANSWER : ANSWER.slice(continueFrom.length)];

function* letters(text: string, eachMs: number): Generator<string | number> {
  for (const letter of text) {
    yield eachMs;
    yield letter;
  }
}

function* endless(): Generator<string | number> {
  for (let n = 1; ; n++) {
    yield `And there is one more thing that you should know about us, which is number ${n}. `;
    yield 5;
  }
}

/** The only question of a cell that fails for good: later turns are answered. */
const onlyFirstTurn = (faulty: (request: ModelRequest) => Steps) => (request: ModelRequest) =>
  request.messages.filter(({ role }) => role === 'user').length > 1 ? healthy(request) : faulty(request);

// Language models

function languageModels(who: Cell['who'], faulty: (vendor: string) => (request: ModelRequest) => Steps): Cell['options'] {
  const names = who === 'only' ? ['one'] : ['one', 'two'];
  return ({ requests }) => ({
    models: (kit) => ({
      languageModels: names.map((name) => {
        const bad = name === 'one' || who === 'all';
        return languageModel(kit, name, bad ? faulty(name) : healthy, requests);
      }),
    }),
  });
}

function languageModelCells(): Cell[] {
  const faults: [string, string, (vendor: string) => Steps][] = [
    ...Object.entries(errors).flatMap(([fault, make]): [string, string, (vendor: string) => Steps][] => [
      [fault, 'before the first word', (vendor) => [40, make(vendor)]],
      [fault, 'in the middle', (vendor) => [40, FIRST_CLAUSE, 'On Sunday', 200, make(vendor)]],
    ]),
    ['stall', 'before the first word', () => [3_600_000]],
    ['stall', 'in the middle', () => [40, FIRST_CLAUSE, 'On Sunday', 3_600_000]],
    ['trickle', 'from the first word on', () => letters(ANSWER, 2_500)],
    ['empty', 'always', () => [40]],
    ['only signs', 'always', () => [40, '***', ' … ', '---']],
  ];
  const cells = faults.flatMap(([fault, moment, steps]): Cell[] => {
    const base = { stage: 'language-model', fault, moment } as const;
    const faulty = (vendor: string) => () => steps(vendor);
    return [
      { ...base, who: 'first', outcome: 'answers', failed: ['one'], options: languageModels('first', faulty) },
      { ...base, who: 'all', outcome: 'apologises', failed: ['one', 'two'], options: languageModels('all', faulty) },
    ];
  });
  const contents: [string, Outcome, () => Steps][] = [
    ['endless answer', 'speaks', endless],
    [
      'markup',
      'answers',
      () => ['# **We** are _open_ from `eight` until six today.\n\n- On Sunday we are closed all day.\n- On Monday we open again.'],
    ],
    ['emoji', 'answers', () => [ANSWER.replace('today.', 'today. 😀👍🏽')]],
    ['a web address', 'speaks', () => ['You find it at https://www.example.com/opening-hours?week=1&lang=en#today in all detail.']],
    ['a thousand words without a stop', 'speaks', () => Array.from({ length: 1_000 }, (_, i) => `word${i} `)],
  ];
  for (const [fault, outcome, steps] of contents) {
    const options = languageModels('only', () => onlyFirstTurn(() => steps()));
    cells.push({ stage: 'language-model', fault, moment: 'always', who: 'only', outcome, failed: [], options });
  }
  for (const fault of ['500', 'reset']) {
    let n = 0;
    const once = (vendor: string) => (request: ModelRequest) => (n++ === 0 ? [40, errors[fault](vendor)] : healthy(request));
    const options = (probe: Probe) => {
      n = 0;
      return languageModels('only', once)(probe);
    };
    cells.push({ stage: 'language-model', fault, moment: 'once', who: 'only', outcome: 'answers', failed: ['one'], options });
  }
  return cells;
}

// Synthesizers

function voices(who: Cell['who'], fault: (vendor: string) => VoiceFault): Cell['options'] {
  return ({ requests }) => ({
    models: (kit) => ({
      languageModels: [languageModel(kit, 'mind', healthy, requests)],
      synthesizers: ['one', 'two'].map((name) => synthesizer(kit, name, name === 'one' || who === 'all' ? fault(name) : undefined)),
    }),
  });
}

function synthesizerCells(): Cell[] {
  const answer = /open|closed/;
  const faults: [string, string, Omit<VoiceFault, 'when' | 'error'> & { error?: (vendor: string) => VendorError }][] = [
    ...Object.entries(errors).flatMap(([fault, make]): [string, string, { afterMs: number; error: typeof make }][] => [
      [fault, 'before the first sound', { afterMs: 0, error: make }],
      [fault, 'in the middle', { afterMs: 700, error: make }],
    ]),
    ['stall', 'before the first sound', { afterMs: 0, instead: 'stall' }],
    ['stall', 'in the middle', { afterMs: 700, instead: 'stall' }],
    ['trickle', 'from the first sound on', { afterMs: 0, instead: 'trickle' }],
    ['no sound', 'always', { afterMs: 0, instead: 'end' }],
    ['endless', 'in the middle', { afterMs: 1_000, instead: 'endless' }],
  ];
  return faults.flatMap(([fault, moment, { error: make, ...how }]): Cell[] => {
    const base = { stage: 'synthesizer', fault, moment } as const;
    const faultOf = (when: RegExp) => (vendor: string) => ({ ...how, when, ...(make ? { error: make(vendor) } : {}) });
    const whole = 'answers';
    return [
      { ...base, who: 'first', outcome: whole, failed: ['one'], options: voices('first', faultOf(answer)) },
      {
        ...base,
        moment: `${moment}, from the greeting on`,
        who: 'first',
        outcome: whole,
        failed: ['one'],
        options: voices('first', faultOf(/./)),
      },
      // A clause whose text was said is over, whatever sound came after it.
      fault === 'endless'
        ? { ...base, who: 'all', outcome: 'answers', failed: ['one'], options: voices('all', faultOf(answer)) }
        : { ...base, who: 'all', outcome: 'apologises', failed: ['one', 'two'], options: voices('all', faultOf(answer)) },
    ];
  });
}

// Transcribers

function transcribers(who: Cell['who'], fault: (vendor: string) => TranscriberFault): Cell['options'] {
  const names = who === 'only' ? ['one'] : ['one', 'two'];
  return ({ requests }) => ({
    models: (kit, air) => ({
      languageModels: [languageModel(kit, 'mind', healthy, requests)],
      transcribers: names.map((name) => transcriber(kit, air, name, name === 'one' || who === 'all' ? fault(name) : undefined)),
    }),
  });
}

function transcriberCells(): Cell[] {
  const base = { stage: 'transcriber' } as const;
  const cells = Object.entries(errors).flatMap(([fault, make]): Cell[] => [
    {
      ...base,
      fault,
      moment: 'at the answer',
      who: 'first',
      outcome: 'answers',
      failed: ['one'],
      options: transcribers('first', (vendor) => ({ atOpen: make(vendor) })),
    },
    {
      ...base,
      fault,
      moment: 'while the caller speaks',
      who: 'first',
      outcome: 'answers',
      failed: ['one'],
      options: transcribers('first', (vendor) => ({ afterWords: 3, error: make(vendor) })),
    },
    {
      ...base,
      fault,
      moment: 'at the answer',
      who: 'all',
      outcome: 'apologises',
      failed: ['one', 'two'],
      options: transcribers('all', (vendor) => ({ atOpen: make(vendor) })),
    },
    {
      ...base,
      fault,
      moment: 'while the caller speaks',
      who: 'all',
      outcome: LASTING.has(fault) ? 'apologises' : 'answers',
      failed: ['one', 'two'],
      options: transcribers('all', (vendor) => ({ afterWords: 3, error: make(vendor), streams: 1 })),
    },
  ]);
  const others: [string, string, Outcome, readonly string[], TranscriberFault][] = [
    ['stall', 'before the first word', 'asks-again', ['one'], { muteAfterWords: 0 }],
    ['stall', 'while the caller speaks', 'answers', ['one'], { muteAfterWords: 3 }],
    ['late finals', 'always', 'answers', [], { finalMs: 3_000 }],
    ['duplicate finals', 'always', 'answers', [], { finals: 'twice' }],
    ['no finals', 'always', 'answers', [], { finals: 'never' }],
    ['empty finals', 'always', 'never-understood', [], { finals: 'empty' }],
  ];
  for (const [fault, moment, outcome, failed, how] of others)
    cells.push({ ...base, fault, moment, who: 'first', outcome, failed, options: transcribers('first', () => how) });
  return cells;
}

// Tools

type Calls = (round: number) => { name: string; arguments: unknown; badArguments?: string };

function toolOptions(calls: Calls, tools: (kit: TestKit, probe: Probe) => Tool[]): Cell['options'] {
  return (probe) => ({
    shop: (kit) => new ToolShelf(kit, tools(kit, probe)),
    models: (kit) => ({
      languageModels: [
        languageModel(
          kit,
          'mind',
          (request) => {
            const results = request.messages.filter(({ role }) => role === 'tool').length;
            const turn = request.messages.filter(({ role }) => role === 'user').length;
            const able = request.tools.some(({ name }) => name === 'look_up');
            if (turn > 1 || !able || (results > 0 && calls(results) === calls(0))) return [ANSWER];
            return [40, { type: 'tool-call', call: { id: `tool_${results}`, ...calls(results) } }];
          },
          probe.requests,
        ),
      ],
    }),
  });
}

function toolCells(): Cell[] {
  const right = { name: 'look_up', arguments: { day: 'today' } };
  const once: Calls = () => right;
  const tool = (probe: Probe, run: Tool['run'], more: Partial<Tool> = {}): Tool => ({
    name: 'look_up',
    description: 'Opening hours of a day.',
    schema: z.object({ day: z.string() }),
    sideEffect: false,
    interruptible: true,
    timeoutMs: 3_000,
    run: (input, context) => {
      probe.runs.push('look_up');
      return run(input, context);
    },
    ...more,
  });
  const never = () => new Promise<never>(() => {});
  const hours = () => Promise.resolve({ open: '8-18' });
  const cell = (fault: string, outcome: Outcome, calls: Calls, run: Tool['run'], more: Partial<Tool> = {}): Cell => ({
    stage: 'tool',
    fault,
    moment: more.sideEffect ? 'a side effect' : 'a look-up',
    who: 'only',
    outcome,
    failed: [],
    options: toolOptions(calls, (_, probe) => [tool(probe, run, more)]),
  });
  const bad: Calls = () => bad1;
  const bad1 = { name: 'look_up', arguments: undefined, badArguments: '{"day": "tod' };
  const wrong1 = { name: 'look_up', arguments: { day: 7 } };
  const wrong: Calls = () => wrong1;
  const unknown1 = { name: 'delete_everything', arguments: {} };
  const failing = (category: FailureCategory) => () => Promise.reject(error('shop', category, 'no'));
  return [
    cell('refused', 'answers', once, failing('auth')),
    cell('refused', 'answers', once, failing('auth'), { sideEffect: true }),
    cell('500', 'answers', once, failing('retryable')),
    cell('500', 'answers', once, failing('retryable'), { sideEffect: true }),
    cell('stall', 'answers', once, never),
    cell('stall', 'answers', once, never, { sideEffect: true }),
    cell('a long stall with a line of its own', 'answers', once, never, { timeoutMs: 9_000, say: 'I am looking that up for you.' }),
    cell('10 MB', 'answers', once, () => Promise.resolve({ text: 'x'.repeat(10_000_000) })),
    cell('invalid arguments, once', 'answers', bad, hours),
    cell('wrong arguments, once', 'answers', wrong, hours),
    cell('invalid arguments, every time', 'speaks', (n) => ({ ...bad1, badArguments: `${bad1.badArguments}${n}` }), hours),
    cell('wrong arguments, every time', 'speaks', (n) => ({ ...wrong1, arguments: { day: n } }), hours),
    cell('unknown tool, once', 'answers', () => unknown1, hours),
    cell('unknown tool, every time', 'speaks', (n) => ({ ...unknown1, arguments: { n } }), hours),
    cell('loop with new arguments', 'answers', (n) => ({ ...right, arguments: { day: `day ${n}` } }), hours),
    cell('loop with the same arguments', 'answers', () => ({ ...right }), hours),
    cell('throws at once', 'answers', once, () => {
      throw new TypeError('undefined is not a function');
    }),
    cell('no result', 'answers', once, () => Promise.resolve(undefined)),
  ];
}

// Speech to speech

/** The ordinary conversation takes over; the question is answered, by whoever has heard it. */
function speechToSpeechCells(): Cell[] {
  const moments: [string, SessionFault['when'], number][] = [
    ['at the answer', 'opened', 20],
    ['while the caller speaks', 'voice', 600],
    ['before the answer', 'committed', 20],
    ['in the middle of the answer', 'sound', 300],
  ];
  const faults: [string, ((vendor: string) => VendorError) | undefined][] = [...Object.entries(errors), ['stall', undefined]];
  return faults.flatMap(([fault, make]) =>
    moments.map(([moment, when, afterMs]): Cell => {
      const error = make?.('scripted');
      return {
        stage: 'speech-to-speech',
        fault,
        moment,
        who: 'first',
        outcome: 'answers',
        failed: ['scripted'],
        options: ({ requests }) => ({
          assistant: { speechToSpeech: 'scripted' },
          models: (kit, air) => ({
            speechToSpeech: [
              speechToSpeech(
                kit,
                { heard: [QUESTION], rules: [{ say: ANSWER }], firstMs: 200, wordsMs: 300, silenceMs: 900 },
                { when, afterMs, ...(error ? { error } : {}) },
              ),
            ],
            transcribers: [transcriber(kit, air, 'ear')],
            languageModels: [languageModel(kit, 'mind', healthy, requests)],
          }),
        }),
      };
    }),
  );
}

// Knowledge

function knowledgeCells(): Cell[] {
  const passage = { id: 'p', documentId: 'd', title: 't', text: 'x'.repeat(1_000_000), score: 0.9, answer: undefined };
  const faults: [string, ConstructorParameters<typeof ForeignKnowledge>[1]][] = [
    [
      'throws',
      () => {
        throw new Error('the index is broken');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the index is broken'))],
    ['stall', () => new Promise(() => {})],
    ['empty', () => ({ passages: [], answerable: false })],
    ['10 MB', () => ({ passages: Array.from({ length: 10 }, () => passage), answerable: true })],
  ];
  return faults.map(([fault, search]) => ({
    stage: 'knowledge',
    fault,
    moment: 'always',
    who: 'only',
    outcome: 'answers',
    failed: [],
    options: ({ requests }) => ({
      knowledge: (source) => new ForeignKnowledge(source, search),
      models: (kit) => ({ languageModels: [languageModel(kit, 'mind', healthy, requests)] }),
    }),
  }));
}

/** Every cell, in the order of a turn. */
export const faultCells: readonly Cell[] = [
  ...transcriberCells(),
  ...knowledgeCells(),
  ...languageModelCells(),
  ...toolCells(),
  ...synthesizerCells(),
  ...speechToSpeechCells(),
];

export const nameOf = ({ stage, fault, moment, who }: Cell): string =>
  `${stage}: ${fault}, ${moment}, ${who === 'only' ? 'the only one' : who}`;
