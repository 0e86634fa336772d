/**
 * Turns: how long a caller waits, and how well the assistant keeps to the caller's manners, with the delays of a fast
 * stack. Callers on SIP/RTP, a whole Tandem (voice activity, recording, journal, metrics, database) and local providers
 * (Deepgram Flux, OpenAI chat, Cartesia, on their wire protocols) are three processes; every latency is taken in the
 * callers' one, on the clock that all three share.
 *
 *   npm run bench -- turns [--calls 1,100] [--turns 1000] [--turns-single 1000] [--stacks 10] [--conditions none,words,...] [--seed 1]
 *                          [--listener flux-general-en] [--language-model openai] [--save NAME]
 *
 * With one call, 1,000 turns would take an hour and a half a row: they come from ten stacks side by side (server, providers
 * and caller each their own), each with one call at a time.
 *
 * - v2v: caller's last sample -> first audible assistant sample (a filler counts). Approved questions stand apart, as
 *   `cached_v2v`: against `v2v` of the same run they are what kept speech and approved answers gain.
 * - endpoint: caller's last sample -> the transcriber's own end of turn leaves it. It is the endpoint wait, known from the
 *   provider's log; the transcriber's declared delay is in it. eou: -> the turn is committed, as Tandem tells.
 * - line: caller's last sample -> it has arrived at the transcriber. It counts as po, not as endpoint wait.
 * - po: v2v less what only the providers took: the endpoint wait from that arrival on, then the declared delays of the language model and the
 *   voice; what was begun in secret ran beside the wait, from the transcriber's eager end of turn on.
 *   po_request ... po_packet: its parts behind the line, each beyond what was declared: to the request, its first token, the
 *   clause at the voice, its first sound, the packet at the caller.
 * - bst: caller's first sample of a barge-in -> last audible sample; stale frames of that generation after it; heard text:
 *   the next prompt holds the words that had sounded, one more or less.
 * - fcr: speech into a scripted pause of 300-700 ms. fir: a backchannel or a cough after which some of the answer is
 *   missing; `fir_paused`: it fell silent for 300 ms, whether it went on or not.
 * - cached_answer: the transcriber's end of turn leaves it -> first audible packet arrives at the caller.
 * - greeting: the call is answered -> first audible sample. answer_gaps: answers with a silence of more than 100 ms inside.
 * - waterfall_abs: |v2v - the sum of Tandem's own stages|.
 */
import { parseArgs } from 'node:util';
import { publish, type Figure } from './results.ts';
import { figuresOf } from './turns/figures.ts';
import { measure, type Measures, together } from './turns/measure.ts';
import { EAGER_MS, fastStack, LEAST_END_OF_TURN_MS, LONG_TAIL } from './turns/script.ts';
import { type Condition, meanCost, type Run, runStacks } from './turns/stack.ts';

/** Each against the one that it is to be compared with: words and speech with none, hedging with tail. */
const known: readonly Condition[] = [
  { name: 'none', speculation: 'off', hedging: false, fillers: false, tail: false },
  { name: 'words', speculation: 'words', hedging: false, fillers: false, tail: false },
  { name: 'speech', speculation: 'speech', hedging: false, fillers: false, tail: false },
  { name: 'tail', speculation: 'speech', hedging: false, fillers: false, tail: true },
  { name: 'hedging', speculation: 'speech', hedging: true, fillers: false, tail: true },
  { name: 'all', speculation: 'speech', hedging: true, fillers: true, tail: false },
];

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '1,100' },
    turns: { type: 'string', default: '1000' },
    'turns-single': { type: 'string', default: '1000' },
    stacks: { type: 'string', default: '10' },
    conditions: { type: 'string', default: known.map(({ name }) => name).join(',') },
    seed: { type: 'string', default: '1' },
    listener: { type: 'string', default: 'flux-general-en' },
    'language-model': { type: 'string', default: 'openai' },
    save: { type: 'string', default: 'turns' },
  },
});
const levels = values.calls.split(',').map(Number);
const seed = Number(values.seed);
const conditions = values.conditions.split(',').map((name) => {
  const condition = known.find((one) => one.name === name);
  if (!condition) throw new Error(`there is no condition ${name}; there are: ${known.map((one) => one.name).join(', ')}`);
  return condition;
});

const stacksFor = (calls: number): number => (calls === 1 ? Number(values.stacks) : 1);
const turnsPerCall = (calls: number): number =>
  Math.ceil(Number(calls === 1 ? values['turns-single'] : values.turns) / calls / stacksFor(calls));

function complain({ failedCalls, providerFailures }: Measures): void {
  for (const failed of failedCalls.slice(0, 10)) console.log(`  call ${failed}`);
  for (const [what, times] of Object.entries(providerFailures)) console.log(`  ${times} x ${what}`);
}

const figures: Figure[] = [];
const samples: Record<string, unknown> = {};
for (const calls of levels) {
  for (const condition of conditions) {
    const stacks = stacksFor(calls);
    console.log(`${condition.name}: ${calls} calls of ${turnsPerCall(calls)} turns${stacks > 1 ? `, ${stacks} stacks` : ''} …`);
    let runs: Run[];
    try {
      runs = await runStacks(
        {
          condition,
          calls,
          turnsPerCall: turnsPerCall(calls),
          seed,
          listener: values.listener,
          languageModel: values['language-model'],
        },
        stacks,
      );
    } catch (error) {
      // An hour of other conditions is not to be lost with this one.
      console.error(error);
      process.exitCode = 1;
      continue;
    }
    const measures = together(runs.map(measure));
    complain(measures);
    figures.push(...figuresOf(runs, measures));
    samples[`${condition.name}_${calls}`] = { ...measures, cost: meanCost(runs) };
  }
}
// The names that stay are those of the last condition at the highest level.
const last = `_${conditions.at(-1)?.name}_${Math.max(...levels)}`;
figures.unshift(
  ...figures.filter(({ name }) => name.endsWith(last)).map((figure) => ({ ...figure, name: figure.name.slice(0, -last.length) })),
);
publish(
  values.save,
  {
    wire: 'SIP/RTP on loopback, PCMU, 20 ms',
    on: 'voice activity, jitter buffer, journal, recording, metrics, embedded database',
    listener: values.listener,
    language_model: values['language-model'],
    voice: 'cartesia',
    delays_ms: { ...fastStack, token: 0, eager: EAGER_MS, least_end_of_turn: LEAST_END_OF_TURN_MS, first_token_with_tail: LONG_TAIL },
    conditions: Object.fromEntries(conditions.map(({ name, ...settings }) => [name, settings])),
    turns_per_call: Object.fromEntries(levels.map((calls) => [calls, turnsPerCall(calls)])),
    stacks_side_by_side: Object.fromEntries(levels.map((calls) => [calls, stacksFor(calls)])),
    callers: 'a process of its own on the same machine, and so are the providers; their CPU is told apart',
  },
  figures,
  samples,
  seed,
);
