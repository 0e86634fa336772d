import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Tabs } from 'radix-ui';
import { gapsQuery } from '../../lib/queries.ts';
import { Page } from '../../ui/page.tsx';
import { TabRow } from '../../ui/tabs.tsx';
import { Documents } from './documents.tsx';
import { Gaps } from './gaps.tsx';
import { isKnowledgeTab, type KnowledgeSearch, type KnowledgeTab } from './knowledge-search.ts';
import { Questions } from './questions.tsx';
import { Sites } from './sites.tsx';
import { TryIt } from './try-it.tsx';

/** What assistants know: where it comes from, what is missing, and what they would say. */
export function KnowledgePage() {
  const { document, question, site, pagesOf, tab } = useSearch({ from: '/shell/knowledge' });
  const navigate = useNavigate();
  const gaps = useQuery(gapsQuery('open'));
  const go = (search: KnowledgeSearch, replace = false) => void navigate({ to: '/knowledge', search, replace });
  const shown: KnowledgeTab = tab ?? (question ? 'questions' : site ? 'sites' : 'documents');
  return (
    <Page title="Knowledge" lead="What your assistants may say. They answer from here, or say that they do not know.">
      <Tabs.Root
        value={shown}
        onValueChange={(next) => go(isKnowledgeTab(next) && next !== 'documents' ? { tab: next } : {}, true)}
        activationMode="manual"
      >
        <TabRow
          label="Kinds of knowledge"
          tabs={[
            { value: 'documents', title: 'Documents' },
            { value: 'sites', title: 'Sites' },
            { value: 'questions', title: 'Questions' },
            { value: 'gaps', title: 'Gaps', count: gaps.data?.length ?? 0 },
            { value: 'try', title: 'Try it' },
          ]}
        />
        <Tabs.Content value="documents" className="outline-none">
          <Documents
            openId={document}
            siteId={pagesOf}
            onOpen={(id) => go({ ...(id ? { document: id } : {}), ...(pagesOf ? { pagesOf } : {}) }, id === undefined)}
            onSite={(id) => go(id ? { pagesOf: id } : {}, true)}
          />
        </Tabs.Content>
        <Tabs.Content value="sites" className="outline-none">
          <Sites
            openId={site}
            onOpen={(id) => go(id ? { site: id } : { tab: 'sites' }, id === undefined)}
            onPages={(id) => go({ pagesOf: id })}
          />
        </Tabs.Content>
        <Tabs.Content value="questions" className="outline-none">
          <Questions openId={question} onOpen={(id) => go(id ? { question: id } : { tab: 'questions' }, id === undefined)} />
        </Tabs.Content>
        <Tabs.Content value="gaps" className="outline-none">
          <Gaps />
        </Tabs.Content>
        <Tabs.Content value="try" className="outline-none">
          <TryIt />
        </Tabs.Content>
      </Tabs.Root>
    </Page>
  );
}
