import type { KnowledgeSite } from '@tandem/contract';
import { useQuery } from '@tanstack/react-query';
import { Globe, Plus, RotateCw } from 'lucide-react';
import { api } from '../../lib/api.ts';
import { momentOf, plural } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';
import { isMoving, sourcesQuery } from '../../lib/queries.ts';
import { useSaving } from '../../lib/saving.ts';
import { Badge } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Progress } from '../../ui/progress.tsx';
import { Empty, Failed, SkeletonRows } from '../../ui/states.tsx';
import { faultInWords, placeOf } from './document-words.ts';
import { rhythmInWords, SiteEditor } from './site-editor.tsx';

type SitesProps = { openId: string | undefined; onOpen: (id: string | undefined) => void; onPages: (siteId: string) => void };

/** Sites whose pages are read. `openId` stands open (`new` for one being added). */
export function Sites({ openId, onOpen, onPages }: SitesProps) {
  const sources = useQuery(sourcesQuery);
  const open = openId === 'new' ? 'new' : sources.data?.find(({ id }) => id === openId);
  const add = (
    <Button look="primary" onClick={() => onOpen('new')}>
      <Plus aria-hidden /> Add a site
    </Button>
  );
  return (
    <>
      <Card>
        <CardTitle title="Sites" lead="Their pages are read as documents, as far as the site allows it." actions={add} />
        {sources.isPending ? (
          <SkeletonRows label="Loading sites" rows={3} />
        ) : sources.isError ? (
          <Failed what="The sites could not be loaded" error={sources.error} retry={() => void sources.refetch()} />
        ) : sources.data.length === 0 ? (
          <Empty icon={Globe} title="No site yet" action={add}>
            Give the address of your website: what it says about you, callers can ask for. It can be read again by itself, every day or
            week.
          </Empty>
        ) : (
          <ul className="divide-y divide-line" data-testid="sites">
            {sources.data.map((site) => (
              <SiteRow key={site.id} site={site} onOpen={() => onOpen(site.id)} onPages={() => onPages(site.id)} />
            ))}
          </ul>
        )}
      </Card>
      <SiteEditor key={open === 'new' ? 'new' : (open?.id ?? 'none')} site={open} onClose={() => onOpen(undefined)} />
    </>
  );
}

function SiteRow({ site, onOpen, onPages }: { site: KnowledgeSite; onOpen: () => void; onPages: () => void }) {
  const now = useNow(60_000);
  const moving = isMoving(site);
  const crawling = useSaving(() => api.post<KnowledgeSite>(`/sources/${encodeURIComponent(site.id)}/crawl`), ['sources']);
  const { url, found, read, changed, refused, crawledAt } = site;
  // `found` grows while pages are read: the bar may only end when the site is done.
  const share = found > 0 ? (read + refused) / Math.max(found, read + refused, 1) : 0;
  const words = site.state === 'waiting' ? 'Waiting to be read' : `${read.toLocaleString()} of ${plural(found, 'page')} read`;
  const last = crawledAt
    ? `Last read ${momentOf(crawledAt, now).replace(/^[TY]/, (letter) => letter.toLowerCase())}`
    : 'Never read to the end';
  return (
    <li className="relative px-4 py-4 transition-colors hover:bg-sunken sm:px-5" data-testid="site" data-state={site.state}>
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2 sm:flex-nowrap">
        <Globe className={`size-4 shrink-0 ${site.state === 'failed' ? 'text-bad' : 'text-ink-3'}`} aria-hidden />
        <div className="min-w-0 flex-1">
          <button type="button" onClick={onOpen} className="block max-w-full truncate text-left font-medium after:absolute after:inset-0">
            {placeOf(url)}
          </button>
          <p className="mt-0.5 text-[0.8rem] text-ink-3">
            {moving ? words : last} · {rhythmInWords(site.everyHours).toLowerCase()}
          </p>
        </div>
        <div className="flex w-full shrink-0 items-center gap-3 pl-8 sm:w-auto sm:pl-0">
          {moving ? (
            <Progress share={share} label={`Reading ${placeOf(url)}`} words={words} className="w-44" />
          ) : site.state === 'failed' ? (
            <Badge tone="bad">Not read</Badge>
          ) : (
            <dl className="flex gap-5 text-[0.8667rem]">
              <Count name="read" value={read} />
              <Count name="changed" value={changed} />
              <Count name="kept out" value={refused} />
            </dl>
          )}
          <Button
            size="small"
            className="relative ml-auto"
            busy={crawling.isPending}
            disabled={moving}
            aria-label={`Read ${placeOf(url)} again now`}
            onClick={() => crawling.mutate()}
          >
            <RotateCw aria-hidden /> Read now
          </Button>
        </div>
      </div>
      <div className="mt-1 ml-8 text-[0.8667rem] leading-relaxed">
        {site.state === 'failed' && (
          <p>
            <span className="text-bad">{faultInWords(site.fault).reason}</span>{' '}
            <span className="text-ink-2">{site.detail ?? faultInWords(site.fault).advice}</span>
          </p>
        )}
        {crawling.fault && <p className="text-bad">{crawling.fault}</p>}
        {read > 0 && (
          <button type="button" onClick={onPages} className="relative text-accent underline-offset-4 hover:underline">
            See its pages
          </button>
        )}
      </div>
    </li>
  );
}

function Count({ name, value }: { name: string; value: number }) {
  return (
    <div className="flex flex-col-reverse items-center">
      <dt className="text-[0.75rem] text-ink-3">{name}</dt>
      <dd className="num font-medium">{value.toLocaleString()}</dd>
    </div>
  );
}
