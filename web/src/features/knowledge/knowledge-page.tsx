import { useNavigate, useSearch } from '@tanstack/react-router';
import { Tabs } from 'radix-ui';
import { Page } from '../../ui/page.tsx';
import { TabRow } from '../../ui/tabs.tsx';
import { Documents } from './documents.tsx';
import { Questions } from './questions.tsx';

export function KnowledgePage() {
  const { document, question, tab: chosen } = useSearch({ from: '/shell/knowledge' });
  const navigate = useNavigate();
  const open = (id: string | undefined) =>
    void navigate({ to: '/knowledge', search: id ? { document: id } : {}, replace: id === undefined });
  const openQuestion = (id: string | undefined) =>
    void navigate({ to: '/knowledge', search: id ? { question: id } : { tab: 'questions' }, replace: id === undefined });
  return (
    <Page title="Knowledge" lead="What your assistants may say. They answer from here, or say that they do not know.">
      <Tabs.Root
        value={chosen ?? (question ? 'questions' : 'documents')}
        onValueChange={(next) =>
          void navigate({ to: '/knowledge', search: next === 'questions' ? { tab: 'questions' } : {}, replace: true })
        }
      >
        <TabRow
          label="Kinds of knowledge"
          tabs={[
            { value: 'documents', title: 'Documents' },
            { value: 'questions', title: 'Approved questions' },
          ]}
        />
        <Tabs.Content value="documents" className="outline-none">
          <Documents openId={document} onOpen={open} />
        </Tabs.Content>
        <Tabs.Content value="questions" className="outline-none">
          <Questions openId={question} onOpen={openQuestion} />
        </Tabs.Content>
      </Tabs.Root>
    </Page>
  );
}
