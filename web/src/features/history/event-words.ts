/** One line about an event, for the timeline. */
import type { CallEvent } from '@tandem/contract';
import { costOf, endingInWords, latencyOf, plural, quantityOf, vendorOf } from '../../lib/format.ts';

const quoted = (text: string) => (text ? `“${text}”` : 'nothing');

export function eventInWords(event: CallEvent): string {
  switch (event.type) {
    case 'call-received':
      return `From ${event.from} to ${event.to} over ${event.gateway}`;
    case 'call-answered':
      return `After ${latencyOf(event.ringMs)} of ringing`;
    case 'leg-joined':
      return `The ${event.party}, ${event.codec} over ${event.gateway}`;
    case 'leg-left':
      return `The ${event.party}: ${event.cause}`;
    case 'line-measured':
      return `${event.packetsLost} of ${event.packetsReceived} packets lost, jitter ${event.jitterMs.toFixed(1)} ms, ${event.framesLate} of ${event.framesSent} frames late`;
    case 'speech-started':
      return 'The caller speaks';
    case 'speech-ended':
      return `After ${latencyOf(event.durationMs)} of speech`;
    case 'transcript-partial':
    case 'transcript-final':
      return quoted(event.text);
    case 'turn-committed':
      return `${quoted(event.text)} (${event.source}${event.rule ? `, ${event.rule}` : ''}${event.speculation && event.speculation !== 'none' ? `, prepared answer ${event.speculation}` : ''})`;
    case 'speculation-started':
      return `Begins an answer to ${quoted(event.text)}`;
    case 'speculation-dropped':
      return event.cause;
    case 'retrieval-done':
      return `${plural(event.passages.length, 'passage')} ${event.cached ? 'known from before' : `in ${latencyOf(event.tookMs)}`}, ${event.verdict ?? (event.answerable ? 'answerable' : 'not answerable')}`;
    case 'claim-withheld':
      return `${quoted(event.text)}, for ${event.claims.map(quoted).join(', ')}`;
    case 'reply-started':
      return event.kind;
    case 'provider-failed':
      return `${vendorOf(event.provider)} (${event.stage}): ${event.category}, ${event.next ? `${vendorOf(event.next)} takes over` : 'nobody is left'}`;
    case 'tool-called':
      return `${event.name} ${JSON.stringify(event.arguments) ?? ''}`;
    case 'tool-returned':
      return `${event.name}: ${event.outcome} after ${latencyOf(event.tookMs)}`;
    case 'speech-played':
      return event.filler ? `${quoted(event.text)} (filler)` : quoted(event.text);
    case 'reply-interrupted':
      return `${event.cause}; heard ${quoted(event.heard)}`;
    case 'turn-completed':
      return event.voiceToVoiceMs === undefined ? quoted(event.heard) : `Answered after ${latencyOf(event.voiceToVoiceMs)}`;
    case 'digit-received':
      return event.secret ? 'A key of a secret entry' : `Key ${event.digit}`;
    case 'usage-counted':
      return `${event.lines.map(quantityOf).join(', ')}; the call so far ${costOf(event.callCostMicros)}`;
    case 'collection-started':
      return event.what;
    case 'collection-completed':
      return `${event.what}: ${event.outcome} after ${plural(event.attempts, 'attempt')}`;
    case 'message-taken':
      return `From ${event.name || event.number}: ${quoted(event.text)}`;
    case 'callback-scheduled':
      return `For ${event.name || event.number}, ${event.when}`;
    case 'transfer-started':
      return `To ${event.target}`;
    case 'transfer-completed':
      return `To ${event.target}: ${event.outcome}`;
    case 'recording-started':
      return `Stereo, ${event.rate.toLocaleString()} Hz`;
    case 'recording-stopped':
      return `${event.reason}, after ${latencyOf(event.durationMs)}`;
    case 'call-summarised':
      return event.summary;
    case 'call-ended':
      return endingInWords(event);
    default:
      return '';
  }
}
