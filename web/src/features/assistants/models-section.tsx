import { useQuery } from '@tanstack/react-query';
import { vendorOf } from '../../lib/format.ts';
import { modelsQuery } from '../../lib/queries.ts';
import { SelectField, TextField } from '../../ui/field.tsx';
import { Card, CardTitle } from '../../ui/page.tsx';
import { Notice, SkeletonRows } from '../../ui/states.tsx';
import type { FormPart } from './form-part.ts';
import { ProviderChain } from './provider-chain.tsx';

const chainOf = (first: string | undefined, others: readonly string[]): string[] => [...new Set([...(first ? [first] : []), ...others])];

/** Voice and models: who listens, thinks and speaks, and who takes over when one of them fails. */
export function ModelsSection(part: FormPart) {
  const models = useQuery(modelsQuery);
  return (
    <Card>
      <CardTitle
        title="Voice and models"
        lead="Who listens, thinks and speaks. When one fails, the next takes over in the middle of the call."
      />
      {models.isPending ? (
        <SkeletonRows label="Loading the providers" rows={3} />
      ) : (
        <div className="grid grid-cols-1 gap-6 px-4 py-5 sm:px-5">
          {models.isError && <Notice tone="slow">The providers installed here could not be loaded; what is set stays as it is.</Notice>}
          <Chosen {...part} installed={models.data ?? { transcribers: [], languageModels: [], synthesizers: [], speechToSpeech: [] }} />
        </div>
      )}
    </Card>
  );
}

type Installed = { transcribers: string[]; languageModels: string[]; synthesizers: string[]; speechToSpeech: string[] };

function Chosen({ input, change, faultAt, installed }: FormPart & { installed: Installed }) {
  const { transcriber, languageModel, synthesizer, speechToSpeech, fallbacks } = input;
  const speakers = chainOf(synthesizer, fallbacks.synthesizers);
  return (
    <>
      {(installed.speechToSpeech.length > 0 || speechToSpeech) && (
        <SelectField
          label="One model for everything"
          hint="A speech model hears and answers by itself. If it fails, the providers below go on."
          value={speechToSpeech ?? ''}
          fault={faultAt('speechToSpeech')}
          onChange={({ target: { value } }) => change({ speechToSpeech: value || undefined })}
        >
          <option value="">No: listening, thinking and speaking are chosen one by one</option>
          {[...new Set([...installed.speechToSpeech, ...(speechToSpeech ? [speechToSpeech] : [])])].map((name) => (
            <option key={name} value={name}>
              {vendorOf(name)}
            </option>
          ))}
        </SelectField>
      )}
      <div className="grid grid-cols-1 gap-6 md:grid-cols-2">
        <ProviderChain
          title="Listening"
          hint="Turns the caller’s speech into words"
          installed={installed.transcribers}
          chain={chainOf(transcriber, fallbacks.transcribers)}
          fault={faultAt('transcriber') ?? faultAt('fallbacks.transcribers')}
          onChange={([first, ...transcribers]) => change({ transcriber: first, fallbacks: { ...fallbacks, transcribers } })}
        />
        <ProviderChain
          title="Thinking"
          hint="Decides what to say and do"
          installed={installed.languageModels}
          chain={chainOf(languageModel, fallbacks.languageModels)}
          fault={faultAt('languageModel') ?? faultAt('fallbacks.languageModels')}
          onChange={([first, ...languageModels]) => change({ languageModel: first, fallbacks: { ...fallbacks, languageModels } })}
        />
        <ProviderChain
          title="Speaking"
          hint="Gives the assistant its voice"
          installed={installed.synthesizers}
          chain={speakers}
          fault={faultAt('synthesizer') ?? faultAt('fallbacks.synthesizers')}
          onChange={([first, ...synthesizers]) => change({ synthesizer: first, fallbacks: { ...fallbacks, synthesizers } })}
        />
        <Voices input={input} change={change} faultAt={faultAt} speakers={speakers.length > 0 ? speakers : installed.synthesizers} />
      </div>
    </>
  );
}

/** One voice for all, and another where a provider names its voices differently. */
function Voices({ input, change, faultAt, speakers }: FormPart & { speakers: readonly string[] }) {
  const names = [...new Set([...speakers, ...Object.keys(input.voices)])];
  const setVoice = (name: string, voice: string) => {
    const { [name]: _old, ...others } = input.voices;
    change({ voices: voice.trim() ? { ...others, [name]: voice.trim() } : others });
  };
  return (
    <div className="grid content-start gap-4">
      <TextField
        label="Voice"
        list="voices"
        spellCheck={false}
        value={input.voice}
        fault={faultAt('voice')}
        hint="Built in: slt, kal, awb, rms; or a voice of your speech provider"
        onChange={({ target: { value } }) => change({ voice: value })}
      />
      <datalist id="voices">
        {['slt', 'kal', 'awb', 'rms'].map((voice) => (
          <option key={voice} value={voice} />
        ))}
      </datalist>
      {names.length > 1 && (
        <fieldset>
          <legend className="text-[0.8667rem] font-medium">Another voice with</legend>
          <div className="mt-1.5 grid gap-2">
            {names.map((name) => (
              <label key={name} className="grid grid-cols-[minmax(0,9rem)_minmax(0,1fr)] items-center gap-3 text-[0.8667rem]">
                <span className="truncate text-ink-2">{vendorOf(name)}</span>
                <input
                  className="h-9 min-w-0 rounded-lg border border-line-strong bg-surface px-3 hover:border-ink-3"
                  spellCheck={false}
                  placeholder={input.voice}
                  value={input.voices[name] ?? ''}
                  onChange={({ target: { value } }) => setVoice(name, value)}
                />
              </label>
            ))}
          </div>
          {faultAt('voices') && (
            <p className="mt-1.5 text-[0.8rem] text-bad" role="alert">
              {faultAt('voices')}
            </p>
          )}
        </fieldset>
      )}
    </div>
  );
}
