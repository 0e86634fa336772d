/** One line about an event, for the timeline. */
import type { CallEvent } from '@tandem/contract';
import { endingInWords, latencyOf } from '../../lib/format.ts';

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
      return `${quoted(event.text)} (${event.source})`;
    case 'retrieval-done':
      return `${event.passages.length} passages in ${latencyOf(event.tookMs)}, ${event.answerable ? 'answerable' : 'not answerable'}`;
    case 'reply-started':
      return event.kind;
    case 'tool-called':
      return event.name;
    case 'tool-returned':
      return `${event.name}: ${event.outcome} after ${latencyOf(event.tookMs)}`;
    case 'speech-played':
      return quoted(event.text);
    case 'reply-interrupted':
      return `${event.cause}; heard ${quoted(event.heard)}`;
    case 'turn-completed':
      return event.voiceToVoiceMs === undefined ? quoted(event.heard) : `Answered after ${latencyOf(event.voiceToVoiceMs)}`;
    case 'digit-received':
      return `Key ${event.digit}`;
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
