/** Which of an assistant's stock lines a reply is. */
import type { FloorAction } from './floor-terms.ts';
import type { SettledPlan } from './plan.ts';

export function stockLine(
  { kind, line, round }: Pick<Extract<FloorAction, { type: 'reply' }>, 'kind' | 'line' | 'round'>,
  { greeting, goodbye, lines }: SettledPlan,
): string {
  if (kind === 'greeting') return greeting;
  if (kind === 'apology') return lines.apology;
  if (kind === 'goodbye') return goodbye;
  if (line === 'moment') return lines.moment;
  const choices = line === 'missed' ? lines.missed : lines.idle;
  return choices[Math.min(round, choices.length - 1)] ?? '';
}
