import { useId, useState } from 'react';
import { TextField } from '../../ui/field.tsx';
import { type Metadata, useKnownMetadata } from '../../lib/metadata.ts';

type MetadataFieldsProps = {
  value: Metadata;
  onChange: (value: Metadata) => void;
  faultAt?: (path: string) => string | undefined;
};

/** Tags, knowledge base, language and audience: an assistant may be limited to some of each. */
export function MetadataFields({ value, onChange, faultAt = () => undefined }: MetadataFieldsProps) {
  const id = useId();
  const known = useKnownMetadata();
  const [tags, setTags] = useState(value.tags.join(', '));
  const put = (part: Partial<Metadata>) => onChange({ ...value, ...part });
  return (
    <div className="grid gap-5 sm:grid-cols-2">
      <TextField
        label="Tags"
        value={tags}
        fault={faultAt('tags')}
        hint={known.tags.length > 0 ? `Separated by commas. In use: ${known.tags.slice(0, 5).join(', ')}` : 'Separated by commas'}
        onChange={({ target: { value: text } }) => {
          setTags(text);
          const list = text.split(',').map((tag) => tag.trim());
          put({ tags: [...new Set(list.filter(Boolean))] });
        }}
      />
      <TextField
        label="Knowledge base"
        list={`${id}-bases`}
        value={value.base}
        maxLength={40}
        spellCheck={false}
        fault={faultAt('base')}
        hint="Small letters, digits and hyphens, such as spare-parts"
        onChange={({ target }) => put({ base: target.value.trim() })}
      />
      <TextField
        label="Language"
        list={`${id}-languages`}
        value={value.language}
        spellCheck={false}
        fault={faultAt('language')}
        hint="Such as en or pt-BR"
        onChange={({ target }) => put({ language: target.value.trim() })}
      />
      <TextField
        label="Who may hear it"
        list={`${id}-audiences`}
        value={value.audience}
        maxLength={40}
        spellCheck={false}
        fault={faultAt('audience')}
        hint="everyone, or a word of your own such as dealers"
        onChange={({ target }) => put({ audience: target.value.trim() })}
      />
      <Options id={`${id}-bases`} values={known.bases} />
      <Options id={`${id}-languages`} values={known.languages} />
      <Options id={`${id}-audiences`} values={['everyone', ...known.audiences]} />
    </div>
  );
}

function Options({ id, values }: { id: string; values: readonly string[] }) {
  return (
    <datalist id={id}>
      {values.map((value) => (
        <option key={value} value={value} />
      ))}
    </datalist>
  );
}
