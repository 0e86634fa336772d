import type { Callback, Message } from '@tandem/contract';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { type LucideIcon, MessageSquareText, PhoneForwarded, PhoneIncoming } from 'lucide-react';
import { Tabs } from 'radix-ui';
import { type ReactNode, useId } from 'react';
import { api } from '../../lib/api.ts';
import { cx } from '../../lib/classes.ts';
import { momentOf, numberOf, wholeMomentOf } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';
import { callbacksQuery, messagesQuery } from '../../lib/queries.ts';
import { useSaving } from '../../lib/saving.ts';
import { Badge } from '../../ui/badge.tsx';
import { CheckField } from '../../ui/check-field.tsx';
import { Card, Page } from '../../ui/page.tsx';
import { Empty, Failed, Notice, SkeletonRows } from '../../ui/states.tsx';
import { TabRow } from '../../ui/tabs.tsx';

/** What callers left for people: to be dealt with first, done ones when asked for. */
export function MessagesPage() {
  const { tab, done } = useSearch({ from: '/shell/messages' });
  const navigate = useNavigate();
  const messages = useQuery(messagesQuery);
  const callbacks = useQuery(callbacksQuery);
  const show = (change: { tab?: 'callbacks' | undefined; done?: true | undefined }) =>
    void navigate({ to: '/messages', search: { tab, done, ...change }, replace: true });
  const open = (rows: readonly { doneAt: string | null }[] | undefined) => rows?.filter(({ doneAt }) => doneAt === null).length ?? 0;
  return (
    <Page title="Messages" lead="What callers left for you, and who wants to be called back.">
      <Tabs.Root
        value={tab ?? 'messages'}
        onValueChange={(next) => show({ tab: next === 'callbacks' ? 'callbacks' : undefined })}
        activationMode="manual"
      >
        <TabRow
          label="What was left"
          tabs={[
            { value: 'messages', title: 'Messages', count: open(messages.data) },
            { value: 'callbacks', title: 'Callbacks', count: open(callbacks.data) },
          ]}
        />
        <div className="mb-4">
          <CheckField
            label="Show those that are done too"
            checked={done === true}
            onChange={(on) => show({ done: on ? true : undefined })}
          />
        </div>
        <Tabs.Content value="messages" className="outline-none">
          <Left query={messages} done={done === true} noun="messages" icon={MessageSquareText} empty="No message is waiting">
            {(message) => <MessageRow key={message.id} message={message} />}
          </Left>
        </Tabs.Content>
        <Tabs.Content value="callbacks" className="outline-none">
          <Left query={callbacks} done={done === true} noun="callbacks" icon={PhoneForwarded} empty="Nobody waits for a callback">
            {(callback) => <CallbackRow key={callback.id} callback={callback} />}
          </Left>
        </Tabs.Content>
      </Tabs.Root>
    </Page>
  );
}

type LeftProps<Row> = {
  query: UseQueryResult<Row[]>;
  done: boolean;
  noun: string;
  icon: LucideIcon;
  empty: string;
  children: (row: Row) => ReactNode;
};

function Left<Row extends { doneAt: string | null }>({ query, done, noun, icon, empty, children }: LeftProps<Row>) {
  if (query.isPending)
    return (
      <Card>
        <SkeletonRows label={`Loading ${noun}`} rows={4} />
      </Card>
    );
  if (query.isError)
    return (
      <Card>
        <Failed what={`The ${noun} could not be loaded`} error={query.error} retry={() => void query.refetch()} />
      </Card>
    );
  const rows = query.data.filter(({ doneAt }) => done || doneAt === null);
  return (
    <Card>
      {rows.length === 0 ? (
        <Empty icon={icon} title={empty}>
          When an assistant cannot help, it takes one down; it appears here while the call still goes on.
        </Empty>
      ) : (
        <ul className="divide-y divide-line" data-testid={noun}>
          {rows.map(children)}
        </ul>
      )}
    </Card>
  );
}

function MessageRow({ message }: { message: Message }) {
  return (
    <Item path="messages" row={message} at={message.takenAt} badge={message.urgent && <Badge tone="bad">Urgent</Badge>}>
      <p className="mt-1 leading-relaxed break-words whitespace-pre-line">{message.text}</p>
    </Item>
  );
}

function CallbackRow({ callback }: { callback: Callback }) {
  const now = useNow(60_000);
  const asMoment = /^\d{4}-\d\d-\d\dT/.test(callback.when) ? momentOf(callback.when, now) : callback.when;
  return (
    <Item path="callbacks" row={callback} at={callback.scheduledAt} badge={asMoment && <Badge tone="accent">{asMoment}</Badge>}>
      {callback.reason && <p className="mt-1 leading-relaxed break-words">{callback.reason}</p>}
    </Item>
  );
}

type ItemProps = {
  path: 'messages' | 'callbacks';
  row: { id: string; callId: string; name: string; number: string; doneAt: string | null };
  at: string;
  badge: ReactNode;
  children: ReactNode;
};

function Item({ path, row, at, badge, children }: ItemProps) {
  const id = useId();
  const now = useNow(60_000);
  const saving = useSaving((done: boolean) => api.patch<unknown>(`/${path}/${encodeURIComponent(row.id)}`, { done }), [path]);
  const ticked = saving.isPending ? saving.variables : row.doneAt !== null;
  const who = row.name || numberOf(row.number);
  return (
    <li className={cx('flex gap-4 px-4 py-4 sm:px-5', ticked && 'text-ink-2')}>
      <input
        id={id}
        type="checkbox"
        checked={ticked}
        disabled={saving.isPending}
        onChange={({ target }) => saving.mutate(target.checked)}
        aria-label={`Done: ${who}`}
        className="mt-1 size-5 shrink-0 accent-(--accent)"
      />
      <div className="min-w-0 flex-1">
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <label htmlFor={id} className={cx('font-medium', ticked && 'line-through decoration-line-strong')}>
            {who}
          </label>
          {row.number && row.name && (
            <a href={`tel:${row.number}`} className="num text-[0.9rem] text-accent underline-offset-4 hover:underline">
              {numberOf(row.number)}
            </a>
          )}
          {badge}
        </div>
        {children}
        <p className="mt-1.5 flex flex-wrap gap-x-3 text-[0.8rem] text-ink-3">
          <span title={wholeMomentOf(at)}>{momentOf(at, now)}</span>
          {row.doneAt !== null && <span>Done {momentOf(row.doneAt, now).replace(/^[TY]/, (letter) => letter.toLowerCase())}</span>}
          <Link
            to="/history/$callId"
            params={{ callId: row.callId }}
            search={{ moment: row.id }}
            className="inline-flex items-center gap-1 text-accent underline-offset-4 hover:underline"
          >
            <PhoneIncoming className="size-3" aria-hidden /> Hear it in the call
          </Link>
        </p>
        {saving.fault && <Notice className="mt-2">{saving.fault}</Notice>}
      </div>
    </li>
  );
}
