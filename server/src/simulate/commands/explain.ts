/** `npx tandem explain CALL`: which turns of a call were bad, and why. */
import { parseArgs } from 'node:util';
import type { CallExplanation, TurnCause, TurnFinding } from '@tandem/contract';
import { explainCall } from '#calls/explain/explain.ts';
import { messageOf } from '#kit/errors.ts';
import { readCall } from '../replay/source.ts';
import type { Command } from './command.ts';

const usage = `npx tandem explain CALL [options]

  CALL             id of a call, "latest", or a file of its events
  --url URL        ask this server (its key: TANDEM_ADMIN_KEY, or the data folder's)
  --file FILE      read the events from this file
  --business ID    of the server's businesses
  --json           the explanation as JSON

Without --url and --file: the journal of this machine's data folder, else the server it is configured for.
Exit code: 0 nothing was bad, 1 something was, 2 there is no such call.`;

const WIDTH = 100;

export const explain: Command = {
  name: 'explain',
  does: 'says which turns of a call were bad, and why',
  usage,
  async run(args, workshop) {
    const options = { url: { type: 'string' }, file: { type: 'string' }, business: { type: 'string' }, json: { type: 'boolean' } } as const;
    let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
    try {
      parsed = parseArgs({ args: [...args], options, allowPositionals: true });
    } catch (error) {
      workshop.tell(`${messageOf(error)}\n\n${usage}`);
      return 2;
    }
    const { url, file, business, json } = parsed.values;
    const name = parsed.positionals[0] ?? (file === undefined ? undefined : 'latest');
    if (name === undefined || parsed.positionals.length > 1) {
      workshop.tell(usage);
      return 2;
    }
    const { events } = await readCall(name, { url, file, business }, workshop);
    const explanation = explainCall(events);
    if (json) workshop.print(JSON.stringify(explanation, null, 2));
    else for (const line of linesOf(explanation)) workshop.print(line);
    return explanation.findings.length > 0 ? 1 : 0;
  },
};

/** For a terminal. */
export function linesOf({ callId, summary, findings }: CallExplanation): string[] {
  return [`${callId}: ${summary}`, ...findings.flatMap((finding) => ['', ...findingLines(finding)])];
}

function findingLines({ turn, problem, atMs, sentence, causes }: TurnFinding): string[] {
  const [main, ...others] = causes;
  const head = `Turn ${turn} at ${clock(atMs)}, ${problem.replace('-', ' ')}: ${sentence}`;
  return [
    ...folded(head, ''),
    ...folded(`why    ${inWords(main)}`, '  '),
    ...folded(`do     ${main.advice}`, '  '),
    ...others.flatMap((cause) => folded(`also   ${inWords(cause)}`, '  ')),
    `  events ${main.evidence.seqs.join(', ') || 'none'}`,
  ];
}

const inWords = ({ code, sentence, confidence }: TurnCause): string => `${sentence} [${code}, ${Math.round(confidence * 100)} % sure]`;

const clock = (ms: number): string => `${Math.floor(ms / 60_000)}:${((ms % 60_000) / 1000).toFixed(1).padStart(4, '0')}`;

/** Lines of at most {@link WIDTH}; those after the first are set in. */
function folded(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/ (?=\S)/)) {
    if (line.length + word.length + 1 > WIDTH && line.trim() !== '') {
      lines.push(line);
      line = `${indent}       `;
    }
    line += line.trim() === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}
