import type { Assistant } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { ArrowLeft, ArrowUpRight, Phone, Trash2 } from 'lucide-react';
import { api } from '../../lib/api.ts';
import { assistantQuery } from '../../lib/queries.ts';
import { useRefresh } from '../../lib/saving.ts';
import { Button, buttonLook } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Card, CardTitle, Page } from '../../ui/page.tsx';
import { Failed, SkeletonRows } from '../../ui/states.tsx';
import { AssistantForm } from './assistant-form.tsx';
import { newAssistant } from './form-part.ts';
import { NumbersCard } from './numbers-card.tsx';

export function AssistantPage() {
  const { assistantId } = useParams({ from: '/shell/assistants/$assistantId' });
  const isNew = assistantId === 'new';
  const assistant = useQuery({ ...assistantQuery(assistantId), enabled: !isNew });
  const navigate = useNavigate();
  const back = (
    <Link to="/assistants" className={buttonLook({ look: 'quiet' })}>
      <ArrowLeft aria-hidden /> Assistants
    </Link>
  );
  if (isNew) {
    return (
      <Page title="New assistant" actions={back} narrow>
        <AssistantForm
          start={newAssistant}
          onSaved={({ id }) => void navigate({ to: '/assistants/$assistantId', params: { assistantId: id } })}
        />
      </Page>
    );
  }
  return (
    <Page title={assistant.data?.name ?? 'Assistant'} lead={assistant.data && 'Changes count from the next call on.'} actions={back}>
      {assistant.isPending ? (
        <Card>
          <SkeletonRows label="Loading the assistant" />
        </Card>
      ) : assistant.isError ? (
        <Card>
          <Failed what="This assistant could not be opened" error={assistant.error} retry={() => void assistant.refetch()} />
        </Card>
      ) : (
        <div className="grid items-start gap-5 xl:grid-cols-[minmax(0,1fr)_22rem]">
          <AssistantForm key={assistant.data.id} start={assistant.data} id={assistant.data.id} />
          <div className="grid gap-5">
            <TalkCard assistant={assistant.data} />
            <NumbersCard assistantId={assistant.data.id} />
            <Removal assistant={assistant.data} />
          </div>
        </div>
      )}
    </Page>
  );
}

function TalkCard({ assistant: { slug } }: { assistant: Assistant }) {
  return (
    <Card>
      <CardTitle title="Talk page" lead="Anyone with the link can call from a browser." />
      <div className="px-4 py-4 sm:px-5">
        <a href={`/talk/${slug}`} target="_blank" rel="noreferrer" className={`${buttonLook({ look: 'primary' })} w-full`}>
          <Phone aria-hidden /> Call from here
          <span className="sr-only"> (opens in a new tab)</span>
        </a>
        <p className="mt-3 flex items-center gap-1.5 font-mono text-[0.8rem] break-all text-ink-2">
          /talk/{slug}
          <ArrowUpRight className="size-3.5 shrink-0 text-ink-3" aria-hidden />
        </p>
      </div>
    </Card>
  );
}

function Removal({ assistant }: { assistant: Assistant }) {
  const refresh = useRefresh();
  const navigate = useNavigate();
  const remove = async () => {
    await api.delete(`/assistants/${encodeURIComponent(assistant.id)}`);
    await navigate({ to: '/assistants' });
    await refresh('assistants', 'numbers');
  };
  return (
    <Confirm
      title={`Delete ${assistant.name}?`}
      confirm="Delete"
      act={remove}
      trigger={
        <Button look="danger" className="justify-self-start">
          <Trash2 aria-hidden /> Delete this assistant
        </Button>
      }
    >
      Its numbers will no longer be answered. Past calls stay in the history.
    </Confirm>
  );
}
