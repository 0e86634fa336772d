import type { Assistant, PhoneNumber } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Bot, ChevronRight, Phone, Plus } from 'lucide-react';
import { numberOf } from '../../lib/format.ts';
import { assistantsQuery, numbersQuery } from '../../lib/queries.ts';
import { buttonLook } from '../../ui/button.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';

export function AssistantsPage() {
  const assistants = useQuery(assistantsQuery);
  const numbers = useQuery(numbersQuery);
  const add = (
    <Link to="/assistants/$assistantId" params={{ assistantId: 'new' }} className={buttonLook({ look: 'primary' })}>
      <Plus aria-hidden /> New assistant
    </Link>
  );
  return (
    <Page title="Assistants" lead="Who answers, how they sound, and on which numbers." actions={add}>
      {assistants.isPending ? (
        <Card>
          <SkeletonRows label="Loading assistants" rows={3} />
        </Card>
      ) : assistants.isError ? (
        <Card>
          <Failed what="The assistants could not be loaded" error={assistants.error} retry={() => void assistants.refetch()} />
        </Card>
      ) : assistants.data.length === 0 ? (
        <Card>
          <Empty icon={Bot} title="No assistant yet" action={add}>
            An assistant greets your callers, answers from your knowledge and hangs up politely.
          </Empty>
        </Card>
      ) : (
        <ul className="grid gap-4 md:grid-cols-2 xl:grid-cols-3">
          {assistants.data.map((assistant) => (
            <AssistantCard
              key={assistant.id}
              assistant={assistant}
              numbers={numbers.data?.filter(({ assistantId }) => assistantId === assistant.id) ?? []}
            />
          ))}
        </ul>
      )}
    </Page>
  );
}

function AssistantCard({ assistant, numbers }: { assistant: Assistant; numbers: PhoneNumber[] }) {
  return (
    <li>
      <Card className="relative flex h-full flex-col p-5 transition-colors hover:border-line-strong">
        <div className="flex items-center gap-3.5">
          <span
            className="grid size-11 shrink-0 place-items-center rounded-full bg-assistant-soft text-lg font-semibold text-assistant"
            aria-hidden
          >
            {assistant.name.charAt(0).toUpperCase()}
          </span>
          <div className="min-w-0 flex-1">
            <h2 className="truncate font-semibold tracking-tight">
              <Link to="/assistants/$assistantId" params={{ assistantId: assistant.id }} className="after:absolute after:inset-0">
                {assistant.name}
              </Link>
            </h2>
            <p className="truncate text-[0.8667rem] text-ink-3">
              {numbers.length ? numbers.map(({ address }) => numberOf(address)).join(', ') : 'No number yet'}
            </p>
          </div>
          <ChevronRight className="size-4 text-ink-3" aria-hidden />
        </div>
        <p className="mt-4 line-clamp-3 leading-relaxed text-ink-2">“{assistant.greeting}”</p>
        <div className="mt-auto pt-4">
          <a
            href={`/talk/${assistant.slug}`}
            target="_blank"
            rel="noreferrer"
            aria-label={`Call ${assistant.name} (opens in a new tab)`}
            className={`${buttonLook({ size: 'small' })} relative`}
          >
            <Phone aria-hidden /> Call
          </a>
        </div>
      </Card>
    </li>
  );
}
