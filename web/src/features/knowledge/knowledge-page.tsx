import { useNavigate, useSearch } from '@tanstack/react-router';
import { Tabs } from 'radix-ui';
import { Page } from '../../ui/page.tsx';
import { Documents } from './documents.tsx';
import { Questions } from './questions.tsx';

const tab =
  '-mb-px border-b-2 border-transparent px-1 pb-2.5 text-ink-2 hover:text-ink data-[state=active]:border-accent data-[state=active]:font-medium data-[state=active]:text-ink';

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
        <Tabs.List className="mb-5 flex gap-6 border-b border-line" aria-label="Kinds of knowledge">
          <Tabs.Trigger value="documents" className={tab}>
            Documents
          </Tabs.Trigger>
          <Tabs.Trigger value="questions" className={tab}>
            Approved questions
          </Tabs.Trigger>
        </Tabs.List>
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
