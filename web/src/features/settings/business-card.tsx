import type { Business } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { sessionQuery } from '../../app/session.ts';
import { Card, CardTitle } from '../../ui/page.tsx';
import { SkeletonRows } from '../../ui/states.tsx';

/** A card about the business whose session this is; `children` makes its content, anew for another business. */
export function BusinessCard({ title, lead, children }: { title: string; lead: string; children: (business: Business) => ReactNode }) {
  const session = useQuery(sessionQuery);
  const business = session.data?.business;
  return (
    <Card>
      <CardTitle title={title} lead={lead} />
      {session.isPending ? (
        <SkeletonRows label="Loading the business" rows={1} />
      ) : business ? (
        children(business)
      ) : (
        <p className="px-4 py-4 text-ink-3 sm:px-5">There is no business yet.</p>
      )}
    </Card>
  );
}
