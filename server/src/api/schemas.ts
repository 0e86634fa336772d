/** The shapes of the API under the names they have in its description: each is named once, so that a schema is a reference everywhere. */
import {
  assistant,
  business,
  call,
  callEvent,
  callTurn,
  document,
  documentWithText,
  errorCatalogue,
  phoneNumber,
  problem,
  question,
  readiness,
  transcriptLine,
  trunk,
} from '@tandem/contract';
import { z } from 'zod';

export const shapes = {
  assistant: assistant.meta({ id: 'Assistant' }),
  business: business.meta({ id: 'Business' }),
  call: call.meta({ id: 'Call' }),
  callEvent: callEvent.meta({ id: 'CallEvent' }),
  callTurn: callTurn.meta({ id: 'CallTurn' }),
  document: document.meta({ id: 'Document' }),
  documentWithText: documentWithText.meta({ id: 'DocumentWithText' }),
  phoneNumber: phoneNumber.meta({ id: 'Number' }),
  problem: problem.meta({ id: 'Problem' }),
  question: question.meta({ id: 'Question' }),
  readiness: readiness.meta({ id: 'Readiness' }),
  transcriptLine: transcriptLine.meta({ id: 'TranscriptLine' }),
  trunk: trunk.meta({ id: 'Trunk' }),
};

/** Any text is looked up; what no row has is `not-found`. */
export const idParams = z.object({ id: z.string().max(64) });

/** Why a request fails, for the description of the API. */
export function problemTable(): string {
  const rows = Object.entries(errorCatalogue).map(([code, { status, title }]) => `| \`${code}\` | ${status} | ${title} |`);
  return ['| code | status | meaning |', '| --- | --- | --- |', ...rows].join('\n');
}
