import type { Call } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { ArrowLeft, AudioLines, MessageSquareText, VolumeX } from 'lucide-react';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { costOf, durationInWords, gatewayOf, momentOf, numberOf, plural, wholeMomentOf } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';
import { callQueries } from '../../lib/queries.ts';
import { EndingWords, Latency } from '../../ui/badge.tsx';
import { buttonLook } from '../../ui/button.tsx';
import { Card, CardTitle, Page } from '../../ui/page.tsx';
import { Empty, Failed, Notice, Skeleton, SkeletonRows } from '../../ui/states.tsx';
import { CostCard } from './cost-card.tsx';
import { storyOf } from './deeds.ts';
import { EventTimeline } from './event-timeline.tsx';
import { faultsOf } from './faults.ts';
import { FindingsCard } from './findings-card.tsx';
import { usePlayer } from './player.ts';
import { RecordingCard } from './recording-card.tsx';
import { supportOf } from './support.ts';
import { Transcript } from './transcript.tsx';
import { useRecording } from './use-recording.ts';
import { Waterfall } from './waterfall.tsx';

export function CallPage() {
  const { callId } = useParams({ from: '/shell/history/$callId' });
  const call = useQuery(callQueries.call(callId));
  return (
    <Page
      title={call.data ? numberOf(call.data.direction === 'inbound' ? call.data.from : call.data.to) : 'Call'}
      lead={call.data && <Story call={call.data} />}
      actions={
        <Link to="/history" className={buttonLook({ look: 'quiet' })}>
          <ArrowLeft aria-hidden /> History
        </Link>
      }
    >
      {call.isPending ? (
        <div role="status" aria-label="Loading the call" className="grid gap-5">
          <Skeleton className="h-20 w-full" />
          <Skeleton className="h-52 w-full" />
          <Skeleton className="h-80 w-full" />
        </div>
      ) : call.isError ? (
        <Card>
          <Failed what="This call could not be opened" error={call.error} retry={() => void call.refetch()} />
        </Card>
      ) : (
        <CallBody key={callId} call={call.data} />
      )}
    </Page>
  );
}

function CallBody({ call }: { call: Call }) {
  const [attempt, setAttempt] = useState(0);
  const transcript = useQuery(callQueries.transcript(call.id));
  const turns = useQuery(callQueries.turns(call.id));
  const events = useQuery(callQueries.events(call.id));
  const explanation = useQuery(callQueries.explanation(call.id));
  const faults = useMemo(() => faultsOf(explanation.data?.findings ?? []), [explanation.data]);
  const story = useMemo(() => storyOf(events.data ?? []), [events.data]);
  const support = useMemo(() => supportOf(events.data ?? []), [events.data]);
  const { moment, turn } = useSearch({ from: '/shell/history/$callId' });
  const recording = useRecording(call.id, call.hasRecording, attempt);
  const ready = recording.state === 'ready' ? recording : undefined;
  const player = usePlayer(ready?.url, ready?.outline.durationMs ?? 0);
  const lines = transcript.data ?? [];
  const soughtMs =
    moment === undefined ? lines.find((line) => line.turn === turn)?.fromMs : story.deeds.find((deed) => deed.moment === moment)?.atMs;
  useEffect(() => {
    if (soughtMs !== undefined) player?.seek(soughtMs);
  }, [player, soughtMs]);
  const pick = (turn: number) => {
    const line = lines.find((each) => each.turn === turn);
    if (line) player?.playFrom(line.fromMs);
  };
  return (
    <div className="grid gap-5">
      {call.endedAt === null && (
        <Notice tone="neutral">
          This call is still going on.{' '}
          <Link to="/" className="font-medium underline underline-offset-4">
            Follow it live
          </Link>
        </Notice>
      )}
      <Facts call={call} />
      {call.hasRecording ? (
        <RecordingCard recording={recording} player={player} lines={lines} retry={() => setAttempt((n) => n + 1)} />
      ) : (
        <Card className="flex items-center gap-3 px-5 py-4 text-ink-2">
          <VolumeX className="size-4 text-ink-3" aria-hidden /> This call was not recorded.
        </Card>
      )}
      {explanation.data && <FindingsCard explanation={explanation.data} onPick={player && pick} />}
      <Card>
        <CardTitle title="How long the caller waited" lead="From the caller’s last word to the first sound of the answer, turn by turn" />
        {turns.isPending ? (
          <SkeletonRows label="Loading turns" rows={4} />
        ) : turns.isError ? (
          <Failed what="The turns could not be loaded" error={turns.error} retry={() => void turns.refetch()} />
        ) : (
          <Waterfall turns={turns.data} faults={faults} onPick={player && pick} />
        )}
      </Card>
      <Card>
        <CardTitle title="What was said and done" lead="Exactly what each party heard, and what the assistant did meanwhile" />
        {events.isError && (
          <Notice tone="slow" className="mx-4 mt-4 sm:mx-5">
            What was done meanwhile, and what answers rest on, could not be loaded; the words are all here.
          </Notice>
        )}
        {transcript.isPending ? (
          <SkeletonRows label="Loading the transcript" rows={6} />
        ) : transcript.isError ? (
          <Failed what="The transcript could not be loaded" error={transcript.error} retry={() => void transcript.refetch()} />
        ) : lines.length === 0 && story.deeds.length === 0 ? (
          <Empty icon={MessageSquareText} title="Nothing was said" />
        ) : (
          <Transcript lines={lines} support={support} player={player} story={story} moment={moment} turn={turn} />
        )}
      </Card>
      {turns.data && <CostCard turns={turns.data} costMicros={call.costMicros} />}
      <EventTimeline callId={call.id} />
    </div>
  );
}

/** The call in a sentence. */
function Story({ call }: { call: Call }) {
  const now = useNow(60_000);
  const spoke = call.durationMs === null ? '' : ` and talked for ${durationInWords(call.durationMs)}`;
  return (
    <p className="leading-relaxed" title={wholeMomentOf(call.startedAt)}>
      {call.direction === 'inbound' ? `Called ${numberOf(call.to)}` : `Was called from ${numberOf(call.from)}`}
      {call.answeredAt === null ? ' and was never answered' : spoke}. {momentOf(call.startedAt, now)}.
    </p>
  );
}

function Facts({ call }: { call: Call }) {
  return (
    <Card>
      <dl className="flex flex-wrap gap-px overflow-hidden rounded-xl bg-line">
        <Fact name="Assistant">
          {call.assistantId ? (
            <Link
              to="/assistants/$assistantId"
              params={{ assistantId: call.assistantId }}
              className="underline decoration-line-strong underline-offset-4 hover:decoration-current"
            >
              {call.assistantName ?? 'Open'}
            </Link>
          ) : (
            (call.assistantName ?? 'None')
          )}
        </Fact>
        <Fact name="Ending">{call.ending ? <EndingWords ending={call.ending} /> : 'Still going on'}</Fact>
        <Fact name="Answers after">
          {call.voiceToVoiceP50Ms === null ? '–' : <Latency ms={call.voiceToVoiceP50Ms} />}
          {call.voiceToVoiceP50Ms !== null && <span className="text-[0.8667rem] text-ink-3"> median</span>}
        </Fact>
        <Fact name="Turns">{plural(call.turns, 'turn')}</Fact>
        {call.costMicros !== null && (
          <Fact name="Cost">
            <span className="num">{costOf(call.costMicros)}</span>
            {call.endedAt === null && <span className="text-[0.8667rem] text-ink-3"> so far</span>}
          </Fact>
        )}
        <Fact name="Line">{gatewayOf(call.gateway)}</Fact>
      </dl>
      {call.summary && (
        <p className="flex gap-3 border-t border-line px-4 py-3.5 leading-relaxed sm:px-5">
          <AudioLines className="mt-1 size-4 shrink-0 text-ink-3" aria-hidden />
          {call.summary}
        </p>
      )}
    </Card>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="min-w-0 grow basis-36 bg-surface px-4 py-3.5 sm:px-5">
      <dt className="text-[0.8rem] text-ink-3">{name}</dt>
      <dd className="mt-0.5 font-medium">{children}</dd>
    </div>
  );
}
