import type { KnowledgeScope } from '@tandem/contract';
import { Link } from '@tanstack/react-router';
import { plural } from '../../lib/format.ts';
import { Button } from '../../ui/button.tsx';
import { ChoicesField } from '../../ui/choices-field.tsx';
import { SwitchField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { nameOf, useKnownMetadata } from '../../lib/metadata.ts';
import type { FormPart } from './form-part.ts';

const languageIn = (text: string): string | undefined =>
  /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/.test(text.trim()) ? text.trim() : undefined;

/** From what it answers, and how strictly it keeps to that. */
export function KnowledgeSection({ input: { knowledge, grounding }, change, faultAt }: FormPart) {
  const known = useKnownMetadata();
  const put = (part: Partial<KnowledgeScope>) => change({ knowledge: { ...knowledge, ...part } });
  return (
    <Card>
      <CardTitle
        title="What it knows"
        lead={
          <>
            What is left open here is all of{' '}
            <Link to="/knowledge" className="underline underline-offset-4">
              Knowledge
            </Link>
            .
          </>
        }
      />
      <div className="grid gap-6 px-4 py-5 sm:px-5">
        <ChoicesField
          label="Knowledge bases"
          none="all of them"
          known={known.bases}
          chosen={knowledge.bases}
          read={nameOf}
          fault={faultAt('knowledge.bases')}
          onChange={(bases) => put({ bases })}
        />
        <ChoicesField
          label="Tags"
          none="any tag, or none"
          known={known.tags}
          chosen={knowledge.tags}
          hint={knowledge.tags.length > 1 ? 'One of these tags is enough.' : undefined}
          fault={faultAt('knowledge.tags')}
          onChange={(tags) => put({ tags })}
        />
        <div className="grid gap-6 sm:grid-cols-2">
          <ChoicesField
            label="Languages of the documents"
            none="any"
            known={known.languages}
            chosen={knowledge.languages}
            read={languageIn}
            fault={faultAt('knowledge.languages')}
            onChange={(languages) => put({ languages })}
          />
          <ChoicesField
            label="Audiences besides everyone"
            none="none"
            known={known.audiences}
            chosen={knowledge.audiences}
            read={nameOf}
            fault={faultAt('knowledge.audiences')}
            onChange={(audiences) => put({ audiences: audiences.filter((audience) => audience !== 'everyone') })}
          />
        </div>
        {knowledge.documentIds.length > 0 && (
          <p className="flex flex-wrap items-center gap-3 text-[0.8667rem] text-ink-2">
            Of these only {plural(knowledge.documentIds.length, 'document')}, as set through the API.
            <Button size="small" onClick={() => put({ documentIds: [] })}>
              Allow all
            </Button>
          </p>
        )}
        <SwitchField
          label="Hold back what it cannot prove"
          hint="Numbers, dates, prices and names that are in no document, tool result or instruction are caught before they are spoken."
          checked={grounding === 'strict'}
          onChange={(on) => change({ grounding: on ? 'strict' : 'off' })}
        />
      </div>
    </Card>
  );
}
