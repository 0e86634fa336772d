import type { Readiness } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Skeleton } from '../../ui/states.tsx';
import { readinessOf } from './readiness.ts';

/** `/readyz` answers 200 or 503, with its reasons in both cases. */
async function askReadiness({ signal }: { signal: AbortSignal }): Promise<Readiness> {
  try {
    const response = await fetch('/readyz', { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) });
    return readinessOf(response.status, await response.json().catch(() => undefined));
  } catch {
    return { ready: false, reasons: ['The server cannot be reached.'], degraded: [] };
  }
}

export function Health() {
  const readiness = useQuery({ queryKey: ['readiness'], queryFn: askReadiness, refetchInterval: 10_000 });
  return (
    <Card>
      <CardTitle title="Health" lead="Whether the next call will be taken" />
      <div className="px-4 py-4 sm:px-5" role="status">
        {readiness.data === undefined ? (
          <Skeleton className="h-6 w-56" />
        ) : readiness.data.ready ? (
          <p className="flex items-center gap-2.5 font-medium text-good">
            <CircleCheck className="size-5" aria-hidden /> Ready for calls
          </p>
        ) : (
          <p className="flex items-center gap-2.5 font-medium text-bad">
            <CircleAlert className="size-5" aria-hidden /> Not taking new calls
          </p>
        )}
        <Sentences sentences={readiness.data?.reasons ?? []} />
        {readiness.data && readiness.data.degraded.length > 0 && (
          <>
            <p className="mt-3 flex items-center gap-2.5 font-medium text-slow">
              <TriangleAlert className="size-5" aria-hidden /> Calls go on, but
            </p>
            <Sentences sentences={readiness.data.degraded} />
          </>
        )}
      </div>
    </Card>
  );
}

function Sentences({ sentences }: { sentences: string[] }) {
  if (sentences.length === 0) return null;
  return (
    <ul className="mt-2 grid gap-1 pl-11 text-[0.9333rem] text-ink-2">
      {sentences.map((sentence) => (
        <li key={sentence} className="list-disc">
          {sentence}
        </li>
      ))}
    </ul>
  );
}
