import type { Trunk } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Cable, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { api } from '../../lib/api.ts';
import { trunksQuery } from '../../lib/queries.ts';
import { useRefresh } from '../../lib/saving.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Confirm } from '../../ui/dialog.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';
import { TrunkEditor } from './trunk-editor.tsx';

/** SIP trunks: who may send calls, and where calls out go. */
export function Trunks() {
  const trunks = useQuery(trunksQuery);
  const [adding, setAdding] = useState(false);
  const add = (
    <Button look="primary" onClick={() => setAdding(true)}>
      <Plus aria-hidden /> Add trunk
    </Button>
  );
  return (
    <Card>
      <CardTitle title="SIP trunks" lead="Calls from anywhere else are ignored." actions={add} />
      {trunks.isPending ? (
        <SkeletonRows label="Loading trunks" rows={3} />
      ) : trunks.isError ? (
        <Failed what="The trunks could not be loaded" error={trunks.error} retry={() => void trunks.refetch()} />
      ) : trunks.data.length === 0 ? (
        <Empty icon={Cable} title="No trunk yet" action={add}>
          Until there is one, no SIP phone or carrier can reach your assistants.
        </Empty>
      ) : (
        <ul className="divide-y divide-line">
          {trunks.data.map((trunk) => (
            <Row key={trunk.id} trunk={trunk} />
          ))}
        </ul>
      )}
      <TrunkEditor open={adding} onClose={() => setAdding(false)} />
    </Card>
  );
}

function Row({ trunk }: { trunk: Trunk }) {
  const refresh = useRefresh();
  const remove = async () => {
    await api.delete(`/trunks/${encodeURIComponent(trunk.id)}`);
    await refresh('trunks');
  };
  const facts: [string, string | null | undefined][] = [
    ['Accepts from', trunk.sources.join(', ')],
    ['Signs in as', trunk.username],
    ['Registers at', trunk.registrar],
    ['Calls out through', trunk.outboundProxy],
  ];
  return (
    <li className="flex items-start justify-between gap-4 py-3.5 pr-2.5 pl-4 sm:pl-5">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          {trunk.name}
          {trunk.outboundProxy ? <Badge tone="accent">Calls in and out</Badge> : <Badge>Calls in</Badge>}
        </p>
        <dl className="mt-1 text-[0.8667rem] text-ink-2">
          {facts.map(
            ([name, value]) =>
              value && (
                <div key={name} className="flex gap-2">
                  <dt className="shrink-0 text-ink-3">{name}</dt>
                  <dd className="num min-w-0 break-words">{value}</dd>
                </div>
              ),
          )}
        </dl>
      </div>
      <Confirm
        title={`Delete the trunk “${trunk.name}”?`}
        confirm="Delete"
        act={remove}
        trigger={
          <Button look="quiet" size="smallIcon" aria-label={`Delete the trunk ${trunk.name}`}>
            <Trash2 aria-hidden />
          </Button>
        }
      >
        Its calls will be ignored from now on. Calls in progress go on.
      </Confirm>
    </li>
  );
}
