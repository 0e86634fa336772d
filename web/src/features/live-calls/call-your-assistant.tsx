import { useQuery } from '@tanstack/react-query';
import { Phone } from 'lucide-react';
import { cx } from '../../lib/classes.ts';
import { assistantsQuery } from '../../lib/queries.ts';
import { buttonLook } from '../../ui/button.tsx';

/** Opens the page on which a browser calls the assistant: the demo's when there is one, else the first. */
export function CallYourAssistant({ size = 'medium', className }: { size?: 'medium' | 'large'; className?: string }) {
  const assistants = useQuery(assistantsQuery);
  const assistant = assistants.data?.find(({ slug }) => slug === 'demo') ?? assistants.data?.[0];
  if (!assistant) return null;
  return (
    <a
      href={`/talk/${assistant.slug}`}
      target="_blank"
      rel="noreferrer"
      className={cx(buttonLook({ look: 'primary', size }), className)}
      data-testid="call-your-assistant"
    >
      <Phone aria-hidden /> Call your assistant
      <span className="sr-only"> (opens in a new tab)</span>
    </a>
  );
}
