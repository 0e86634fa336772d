import type { HistorySearch } from '../features/history/history-search.ts';
import { isKnowledgeTab, type KnowledgeSearch } from '../features/knowledge/knowledge-search.ts';
import type { ReportSearch } from '../features/reports/range.ts';
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, Outlet } from '@tanstack/react-router';
import { Compass } from 'lucide-react';
import { buttonLook } from '../ui/button.tsx';
import { Empty, Failed } from '../ui/states.tsx';

const root = createRootRoute({ component: Outlet, notFoundComponent: Nowhere });
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: lazyRouteComponent(() => import('./shell.tsx'), 'Shell') });

const live = createRoute({
  getParentRoute: () => shell,
  path: '/',
  component: lazyRouteComponent(() => import('../features/live-calls/live-calls-page.tsx'), 'LiveCallsPage'),
});

/** The router parses `?search=15` as a number; it is text all the same. */
const words = (value: unknown): string | undefined =>
  typeof value === 'number' ? `${value}` : typeof value === 'string' && value ? value : undefined;

const history = createRoute({
  getParentRoute: () => shell,
  path: '/history',
  validateSearch: ({ search, reason, assistantId, gateway, slow }: Record<string, unknown>): HistorySearch => ({
    search: words(search),
    reason: words(reason),
    assistantId: words(assistantId),
    gateway: words(gateway),
    slow: slow === true || undefined,
  }),
  component: lazyRouteComponent(() => import('../features/history/history-page.tsx'), 'HistoryPage'),
});
const call = createRoute({
  getParentRoute: () => shell,
  path: '/history/$callId',
  /** The call opens at `moment`, the id of a message or callback, or at `turn`, what the caller said n-th. */
  validateSearch: ({ moment, turn }: Record<string, unknown>): { moment?: string | undefined; turn?: number | undefined } => ({
    moment: words(moment),
    turn: typeof turn === 'number' && Number.isInteger(turn) && turn >= 0 ? turn : undefined,
  }),
  component: lazyRouteComponent(() => import('../features/history/call-page.tsx'), 'CallPage'),
});
const assistants = createRoute({
  getParentRoute: () => shell,
  path: '/assistants',
  component: lazyRouteComponent(() => import('../features/assistants/assistants-page.tsx'), 'AssistantsPage'),
});
const assistant = createRoute({
  getParentRoute: () => shell,
  path: '/assistants/$assistantId',
  component: lazyRouteComponent(() => import('../features/assistants/assistant-page.tsx'), 'AssistantPage'),
});
const knowledge = createRoute({
  getParentRoute: () => shell,
  path: '/knowledge',
  validateSearch: ({ document, question, site, pagesOf, tab }: Record<string, unknown>): KnowledgeSearch => ({
    document: words(document),
    question: words(question),
    site: words(site),
    pagesOf: words(pagesOf),
    tab: isKnowledgeTab(tab) ? tab : undefined,
  }),
  component: lazyRouteComponent(() => import('../features/knowledge/knowledge-page.tsx'), 'KnowledgePage'),
});
const tools = createRoute({
  getParentRoute: () => shell,
  path: '/tools',
  validateSearch: ({ tool }: Record<string, unknown>): { tool?: string } => ({ tool: words(tool) }),
  component: lazyRouteComponent(() => import('../features/tools/tools-page.tsx'), 'ToolsPage'),
});
const messages = createRoute({
  getParentRoute: () => shell,
  path: '/messages',
  validateSearch: ({ tab, done }: Record<string, unknown>): { tab?: 'callbacks'; done?: true } => ({
    tab: tab === 'callbacks' ? 'callbacks' : undefined,
    done: done === true ? true : undefined,
  }),
  component: lazyRouteComponent(() => import('../features/messages/messages-page.tsx'), 'MessagesPage'),
});
const reports = createRoute({
  getParentRoute: () => shell,
  path: '/reports',
  validateSearch: ({ days, from, to, assistantId, by }: Record<string, unknown>): ReportSearch => ({
    days: typeof days === 'number' && days > 0 && days <= 93 ? days : undefined,
    from: words(from),
    to: words(to),
    assistantId: words(assistantId),
    by: by === 'assistant' || by === 'provider' ? by : undefined,
  }),
  component: lazyRouteComponent(() => import('../features/reports/reports-page.tsx'), 'ReportsPage'),
});
const settings = createRoute({
  getParentRoute: () => shell,
  path: '/settings',
  component: lazyRouteComponent(() => import('../features/settings/settings-page.tsx'), 'SettingsPage'),
});

/** Outside the shell: callers have no key. */
const talk = createRoute({
  getParentRoute: () => root,
  path: '/talk/$assistant',
  component: lazyRouteComponent(() => import('../features/talk/talk-page.tsx'), 'TalkPage'),
});

export const router = createRouter({
  routeTree: root.addChildren([
    shell.addChildren([live, history, call, assistants, assistant, knowledge, tools, messages, reports, settings]),
    talk,
  ]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: ({ error, reset }) => <Failed what="This screen failed" error={error} retry={reset} />,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

function Nowhere() {
  return (
    <main className="grid min-h-dvh place-items-center">
      <Empty
        icon={Compass}
        title="There is nothing at this address"
        action={
          <Link to="/" className={buttonLook({ look: 'primary' })}>
            Go to live calls
          </Link>
        }
      />
    </main>
  );
}
