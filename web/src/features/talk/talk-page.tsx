import { useParams } from '@tanstack/react-router';
import { Grip, Mic, MicOff, Phone, PhoneOff, SendHorizontal } from 'lucide-react';
import { type FormEvent, type ReactNode, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { cx } from '../../lib/classes.ts';
import { clockOf } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';
import { useTitle } from '../../lib/title.ts';
import { Mark } from '../../ui/mark.tsx';
import { Notice } from '../../ui/states.tsx';
import { CaptionsBox } from './captions-box.tsx';
import { Halo, Meter } from './meters.tsx';
import { TalkCall, type TalkState } from './talk-call.ts';

/** A telephone in the browser: anybody with the link can call this assistant. */
export function TalkPage() {
  const { assistant } = useParams({ from: '/talk/$assistant' });
  const [call, setCall] = useState<TalkCall>();
  useEffect(() => {
    const made = new TalkCall(assistant);
    setCall(made);
    void made.prepare();
    const leave = () => made.close();
    addEventListener('pagehide', leave);
    return () => {
      removeEventListener('pagehide', leave);
      made.close();
    };
  }, [assistant]);
  return call ? <Telephone call={call} slug={assistant} /> : null;
}

function Telephone({ call, slug }: { call: TalkCall; slug: string }) {
  const state = useSyncExternalStore(call.subscribe, call.state);
  const name = state.assistantName ?? nameOf(slug);
  const busy = state.phase === 'connecting' || state.phase === 'talking';
  useTitle(state.unknown ? 'Nobody answers here' : `Call ${name}`);
  return (
    <main className="grid min-h-dvh place-items-center sm:px-4 sm:py-8">
      <div className="flex h-dvh w-full max-w-md flex-col bg-surface sm:h-[min(52rem,calc(100dvh-4rem))] sm:rounded-[2rem] sm:border sm:border-line sm:shadow-float">
        <header
          className={cx(
            'flex flex-col items-center px-6 text-center transition-all',
            busy || state.captions.length > 0 ? 'pt-7 pb-4' : 'pt-16 pb-6',
          )}
        >
          <Halo call={call} live={state.phase === 'talking'}>
            {name.charAt(0).toUpperCase()}
          </Halo>
          <h1 className="mt-4 max-w-full truncate text-xl font-semibold tracking-tight">{state.unknown ? 'Nobody answers here' : name}</h1>
          <CallState state={state} />
        </header>
        {state.unknown ? (
          <p className="flex-1 px-8 text-center leading-relaxed text-ink-2">
            There is no assistant at this address. Check the link you were given.
          </p>
        ) : (
          <>
            <CaptionsBox captions={state.captions} assistantName={name} hint={hintOf(state)} />
            {busy ? <InCall call={call} state={state} /> : <BeforeCall call={call} state={state} />}
          </>
        )}
        <footer className="flex items-center justify-center gap-1.5 pb-4 text-[0.75rem] text-ink-3">
          <Mark className="size-4" /> Tandem
        </footer>
      </div>
    </main>
  );
}

/** Until the server has told the name: `after-hours` → `After hours`. */
const nameOf = (slug: string): string => slug.charAt(0).toUpperCase() + slug.slice(1).replaceAll('-', ' ');

const hintOf = ({ phase, microphoneFault }: TalkState): string => {
  if (phase === 'connecting') return 'Your browser may ask for the microphone.';
  if (phase === 'talking') return microphoneFault ? 'Type your question below.' : 'Just speak. You can interrupt at any time.';
  return 'You will talk to an AI assistant. The call may be recorded.';
};

function CallState({ state }: { state: TalkState }) {
  const { phase, sentence, answeredAt, endedAt, unknown } = state;
  const now = useNow(1_000, phase === 'talking');
  const lasted = answeredAt === undefined ? '' : clockOf((endedAt ?? now.getTime()) - answeredAt);
  const words: Record<TalkState['phase'], string> = {
    ready: 'Ready when you are',
    connecting: 'Calling…',
    talking: lasted,
    ended: `${sentence ?? 'The call has ended.'}${lasted ? ` ${lasted}` : ''}`,
    refused: sentence ?? 'The call could not be placed.',
    lost: sentence ?? 'The connection was lost.',
  };
  const looks = {
    ready: 'text-ink-2',
    connecting: 'text-ink-2 animate-breathe',
    talking: 'text-assistant',
    ended: 'text-ink-2',
    refused: 'text-bad',
    lost: 'text-bad',
  };
  return (
    // A ticking clock is not announced; everything else is.
    <p
      className={cx('num mt-1 min-h-6', looks[phase])}
      data-testid="call-state"
      data-state={phase}
      role={phase === 'talking' ? 'timer' : 'status'}
    >
      {unknown ? '' : words[phase]}
    </p>
  );
}

function BeforeCall({ call, state }: { call: TalkCall; state: TalkState }) {
  const again = state.phase !== 'ready';
  return (
    <div className="flex flex-col items-center px-6 pt-4 pb-8">
      <button
        type="button"
        data-testid="call"
        onClick={() => void call.call()}
        aria-label={again ? 'Call again' : 'Call'}
        className="grid size-20 place-items-center rounded-full bg-good text-surface shadow-float transition-transform hover:scale-105 active:scale-95"
      >
        <Phone className="size-8" fill="currentColor" strokeWidth={1.2} aria-hidden />
      </button>
      <span className="mt-3 text-[0.9rem] text-ink-2" aria-hidden>
        {again ? 'Call again' : 'Call'}
      </span>
    </div>
  );
}

function InCall({ call, state }: { call: TalkCall; state: TalkState }) {
  const [keypad, setKeypad] = useState(false);
  const talking = state.phase === 'talking';
  const silent = state.microphoneFault !== undefined;
  return (
    <div className="px-5 pt-3 pb-5">
      {state.microphoneFault && talking && (
        <Notice tone="slow" className="mb-3">
          {faultWords[state.microphoneFault]}
        </Notice>
      )}
      {keypad ? <Keypad onDigit={(digit) => call.sendDigit(digit)} /> : <TypeInstead call={call} enabled={talking} first={silent} />}
      <div className="mt-5 grid grid-cols-3 items-center justify-items-center">
        <RoundButton
          label={state.muted ? 'Unmute' : 'Mute'}
          pressed={state.muted}
          disabled={!talking || silent}
          onClick={() => call.setMuted(!state.muted)}
          testId="mute"
        >
          {state.muted || silent ? <MicOff aria-hidden /> : <Mic aria-hidden />}
          {talking && !silent && !state.muted && <Meter call={call} />}
        </RoundButton>
        <button
          type="button"
          data-testid="hang-up"
          onClick={() => call.hangUp()}
          aria-label="Hang up"
          className="grid size-[4.5rem] place-items-center rounded-full bg-bad text-surface shadow-float transition-transform hover:scale-105 active:scale-95"
        >
          <PhoneOff className="size-7" aria-hidden />
        </button>
        <RoundButton label="Keypad" pressed={keypad} disabled={!talking} onClick={() => setKeypad(!keypad)} testId="keypad">
          <Grip aria-hidden />
        </RoundButton>
      </div>
      {talking && state.recognises === 'browser' && (
        <p className="mt-4 text-center text-[0.75rem] text-ink-3">Your browser’s speech recognition turns your voice into words.</p>
      )}
    </div>
  );
}

const faultWords = {
  denied: 'The microphone is blocked for this page. You can type, and hear the answers.',
  missing: 'No microphone was found. You can type, and hear the answers.',
  insecure: 'Browsers give the microphone to HTTPS pages only. You can type, and hear the answers.',
};

type RoundButtonProps = { label: string; pressed: boolean; disabled: boolean; onClick: () => void; testId: string; children: ReactNode };

function RoundButton({ label, pressed, disabled, onClick, testId, children }: RoundButtonProps) {
  return (
    <div className="flex flex-col items-center gap-1.5">
      <button
        type="button"
        data-testid={testId}
        aria-label={label}
        aria-pressed={pressed}
        disabled={disabled}
        onClick={onClick}
        className="relative grid size-14 place-items-center overflow-hidden rounded-full bg-sunken transition-colors hover:bg-line disabled:opacity-40 aria-pressed:bg-ink aria-pressed:text-paper [&_svg]:size-5"
      >
        {children}
      </button>
      <span className="text-[0.75rem] text-ink-3" aria-hidden>
        {label}
      </span>
    </div>
  );
}

function TypeInstead({ call, enabled, first }: { call: TalkCall; enabled: boolean; first: boolean }) {
  const [text, setText] = useState('');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (enabled && first) input.current?.focus();
  }, [enabled, first]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    call.sendTyped(text);
    setText('');
  };
  return (
    <form onSubmit={submit} className="relative">
      <input
        ref={input}
        data-testid="typed"
        className="h-12 w-full rounded-full border border-line-strong bg-surface pr-12 pl-5 hover:border-ink-3 disabled:opacity-50"
        placeholder={first ? 'Type your question' : 'Or type instead'}
        aria-label="Type instead of speaking"
        maxLength={500}
        value={text}
        disabled={!enabled}
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
      />
      <button
        type="submit"
        aria-label="Send"
        disabled={!enabled || !text.trim()}
        className="absolute top-1.5 right-1.5 grid size-9 place-items-center rounded-full bg-accent text-on-accent disabled:bg-sunken disabled:text-ink-3"
      >
        <SendHorizontal className="size-4" aria-hidden />
      </button>
    </form>
  );
}

const keys = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '0', '#'];
const keyNames: Record<string, string> = { '*': 'Star', '#': 'Hash' };

function Keypad({ onDigit }: { onDigit: (digit: string) => void }) {
  const [pressed, setPressed] = useState('');
  return (
    <div>
      <p className="num h-7 truncate text-center text-lg tracking-widest text-ink-2" aria-live="polite">
        {pressed}
      </p>
      <div className="mx-auto grid max-w-64 grid-cols-3 gap-2" role="group" aria-label="Keypad">
        {keys.map((key) => (
          <button
            key={key}
            type="button"
            aria-label={keyNames[key] ?? key}
            onClick={() => {
              setPressed((before) => (before + key).slice(-20));
              onDigit(key);
            }}
            className="num h-11 rounded-full bg-sunken text-lg font-medium transition-colors hover:bg-line active:bg-line-strong"
          >
            {key}
          </button>
        ))}
      </div>
    </div>
  );
}
