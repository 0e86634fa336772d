/** Faults as they are injected into whole calls, one at a time, and what an explanation has to name. */
import type { Assistant, CauseCode, TurnProblem } from '@tandem/contract';
import type { Manners } from './explain-models.ts';
import type { CallCentre, Caller } from './telephone.ts';
import type { LineOptions } from '#telephony/loopback/gateway.ts';

export interface Deed {
  centre: CallCentre;
  caller: Caller;
}

/** What the caller, the line or the machine does besides. */
export interface Deeds {
  /** Said instead of the turn's question. */
  question?: string;
  /** Right after the question was said. */
  afterQuestion?: (deed: Deed) => Promise<void>;
  /** Once the answer has been audible for a second. */
  overAnswer?: (deed: Deed) => Promise<void>;
  /** Instead of asking anything. */
  instead?: (deed: Deed) => Promise<void>;
}

export interface FaultKind {
  name: string;
  problem: TurnProblem;
  code: CauseCode;
  /** Sizes, mostly milliseconds. */
  sizes: readonly number[];
  /** What is usual in such a call. */
  usual?: Manners;
  assistant?: Partial<Assistant['turnTaking']>;
  grounding?: Assistant['grounding'];
  /** Two language models. */
  fallback?: boolean;
  manners?: (size: number) => Manners;
  deeds?: (size: number) => Deeds;
  /** From the first to the last turn; then no turn of the call is in order. */
  line?: (size: number) => LineOptions;
  /** The finding belongs to the turn before. */
  turnBefore?: boolean;
}

const QUICK: Partial<Assistant['turnTaking']> = { fillers: false };
const PLAIN: Partial<Assistant['turnTaking']> = { fillers: false, speculation: 'off' };

const makes =
  (ms: number, afterMs = 0) =>
  async ({ centre, caller }: Deed) => {
    if (afterMs > 0) await centre.kit.clock.advance(afterMs);
    caller.makes(ms);
    await centre.kit.clock.advance(ms);
  };

/** A sound without the dips between syllables. */
const hums =
  (ms: number, thenMs = 0) =>
  async ({ centre, caller }: Deed) => {
    const sound = Uint8Array.from({ length: ms * 8 }, (_, i) => (i % 16 < 8 ? 0x20 : 0xa0));
    caller.leg.play(
      (async function* () {
        yield sound;
      })(),
    );
    await centre.kit.clock.advance(ms + thenMs);
  };

export const faultKinds: readonly FaultKind[] = [
  {
    name: 'the final words are late',
    problem: 'slow',
    code: 'transcriber-late',
    sizes: [1_600, 1_900, 2_200, 2_400],
    assistant: QUICK,
    manners: (finalMs) => ({ finalMs }),
  },
  {
    name: 'the words never become final',
    problem: 'slow',
    code: 'transcriber-late',
    sizes: [1, 2],
    assistant: QUICK,
    manners: () => ({ noFinal: true }),
  },
  {
    name: 'noise keeps the voice activity up',
    problem: 'slow',
    code: 'voice-held',
    sizes: [1_200, 1_800, 2_600, 4_000],
    assistant: QUICK,
    deeds: (ms) => ({ afterQuestion: makes(ms) }),
  },
  {
    name: 'a noise after the words',
    problem: 'slow',
    code: 'voice-held',
    sizes: [500, 800, 1_200],
    assistant: QUICK,
    deeds: (ms) => ({ afterQuestion: makes(ms, 250) }),
  },
  {
    name: 'the rule for unfinished sentences waits',
    problem: 'slow',
    code: 'endpoint-waited',
    sizes: [1_700, 2_000, 2_500],
    assistant: QUICK,
    deeds: () => ({ question: 'I would like to know about the' }),
  },
  {
    name: 'tail of the language model',
    problem: 'slow',
    code: 'model-late',
    sizes: [1_500, 1_700, 1_900, 2_600],
    assistant: QUICK,
    manners: (firstTokenMs) => ({ firstTokenMs }),
  },
  {
    name: 'tail of the language model, nothing prepared ahead',
    problem: 'slow',
    code: 'model-late',
    sizes: [1_200, 1_500, 1_900],
    assistant: PLAIN,
    manners: (firstTokenMs) => ({ firstTokenMs }),
  },
  {
    name: 'slow to the first clause',
    problem: 'slow',
    code: 'model-slow',
    sizes: [1_300, 1_600, 1_900],
    assistant: QUICK,
    manners: (firstClauseMs) => ({ firstClauseMs }),
  },
  {
    name: 'late voice',
    problem: 'slow',
    code: 'synthesizer-late',
    sizes: [1_400, 1_900, 2_800],
    assistant: QUICK,
    manners: (firstSoundMs) => ({ firstSoundMs }),
  },
  {
    name: 'late voice, nothing prepared ahead',
    problem: 'slow',
    code: 'synthesizer-late',
    sizes: [900, 1_050, 1_150],
    assistant: PLAIN,
    manners: (firstSoundMs) => ({ firstSoundMs }),
  },
  {
    name: 'stalled tool',
    problem: 'slow',
    code: 'tool-stalled',
    sizes: [1_000, 1_600, 2_400, 4_000],
    assistant: QUICK,
    manners: (toolMs) => ({ toolMs }),
  },
  {
    name: 'stalled tool behind fillers',
    problem: 'slow',
    code: 'tool-stalled',
    sizes: [3_000, 5_000, 7_000],
    manners: (toolMs) => ({ toolMs }),
  },
  {
    name: 'late retrieval',
    problem: 'slow',
    code: 'retrieval-late',
    sizes: [440, 465, 490],
    assistant: { ...PLAIN, rules: { silence: 300 } },
    usual: { firstTokenMs: 600, firstSoundMs: 260, finalMs: 290 },
    manners: (retrievalMs) => ({ retrievalMs }),
  },
  {
    name: 'a provider fails, another takes over',
    problem: 'slow',
    code: 'provider-failed',
    sizes: [1_300, 1_500, 1_700, 1_900],
    assistant: QUICK,
    fallback: true,
    manners: (failsAfterMs) => ({ failsAfterMs }),
  },
  {
    name: 'a provider stalls, another takes over',
    problem: 'slow',
    code: 'provider-failed',
    sizes: [5_000, 30_000],
    assistant: QUICK,
    fallback: true,
    manners: (failsAfterMs) => ({ failsAfterMs }),
  },
  {
    name: 'the machine stands still while the caller waits',
    problem: 'slow',
    code: 'machine-late',
    sizes: [1_300, 1_700, 2_500],
    assistant: QUICK,
    deeds: (ms) => ({
      afterQuestion: async ({ centre }) => {
        await centre.kit.clock.advance(300);
        centre.kit.clock.stall(ms);
      },
    }),
  },
  {
    name: 'the machine stands still while the assistant speaks',
    problem: 'broken-sound',
    code: 'machine-late',
    sizes: [200, 400, 900],
    deeds: (ms) => ({ overAnswer: async ({ centre }) => centre.kit.clock.stall(ms) }),
  },
  {
    name: "the caller's packets are lost",
    problem: 'broken-sound',
    code: 'packet-loss',
    sizes: [0.09, 0.14, 0.2],
    line: (loss) => ({ impairments: { loss } }),
  },
  {
    name: 'what was prepared does not fit the final words',
    problem: 'slow',
    code: 'speculation-missed',
    sizes: [690, 730, 770],
    assistant: QUICK,
    usual: { firstTokenMs: 700, firstSoundMs: 250 },
    manners: (finalMs) => ({ finalMs, corrects: true }),
  },
  {
    name: 'a pause is taken for the end',
    problem: 'cut-off',
    code: 'endpoint-early',
    sizes: [900, 1_050, 1_200],
    usual: { firstTokenMs: 120, firstSoundMs: 60 },
    deeds: (pauseMs) => ({ afterQuestion: goesOn(pauseMs) }),
  },
  {
    name: 'the caller pauses for long',
    problem: 'cut-off',
    code: 'caller-paused',
    sizes: [1_440, 1_480, 1_520],
    usual: { firstTokenMs: 120, firstSoundMs: 60 },
    deeds: (pauseMs) => ({ afterQuestion: goesOn(pauseMs) }),
  },
  {
    name: 'a cough over the answer',
    problem: 'false-interruption',
    code: 'noise',
    sizes: [290, 340, 400],
    deeds: (ms) => ({ overAnswer: makes(ms) }),
  },
  {
    name: 'a long noise over the answer',
    problem: 'false-interruption',
    code: 'noise',
    sizes: [1_500, 2_000, 2_600],
    deeds: (ms) => ({ overAnswer: hums(ms, 4_000) }),
  },
  {
    name: 'a backchannel over the answer',
    problem: 'false-interruption',
    code: 'backchannel',
    sizes: [1_150, 1_300, 1_500],
    deeds: (wordMs) => ({ overAnswer: ({ caller }) => caller.says('okay', { wordMs }) }),
  },
  {
    name: 'nothing is known',
    problem: 'unanswered',
    code: 'knowledge-gap',
    sizes: [1, 2, 3],
    manners: () => ({ found: 'nothing', answer: 'I am sorry, I do not know that.' }),
  },
  {
    name: 'what was found is weak',
    problem: 'unanswered',
    code: 'wrong-passage',
    sizes: [1, 2, 3],
    manners: () => ({ found: 'weak', answer: 'Could you tell me a little more?' }),
  },
  {
    name: 'what was found does not hold the answer',
    problem: 'unanswered',
    code: 'wrong-passage',
    sizes: [95, 140, 720],
    grounding: 'strict',
    manners: (price) => ({ answer: `That costs ${price} dollars at the moment. We are glad to help.` }),
  },
  {
    name: 'a voice without words',
    problem: 'unanswered',
    code: 'words-missed',
    sizes: [600, 1_100, 1_600],
    turnBefore: true,
    deeds: (ms) => ({ instead: hums(ms) }),
  },
  {
    name: 'a tool in the middle of the answer',
    problem: 'dead-air',
    code: 'tool-stalled',
    sizes: [4_500, 5_500],
    assistant: QUICK,
    manners: (toolMs) => ({ toolMs, toolLine: 'I am looking.' }),
  },
  {
    name: 'the voice stops between two clauses',
    problem: 'dead-air',
    code: 'synthesizer-late',
    sizes: [3_700, 4_300, 4_800],
    assistant: QUICK,
    manners: (laterSoundMs) => ({ laterSoundMs }),
  },
];

function goesOn(pauseMs: number) {
  return async ({ centre, caller }: Deed) => {
    await centre.kit.clock.advance(pauseMs);
    await caller.says('on the holidays in the summer as well');
  };
}
