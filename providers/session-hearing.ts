/** What a speech-to-speech session hears. Faults belong to its answers, so hearing itself meets none. */
import { Hearing, type HearingListener } from './hearing.ts';
import { Outlet, type Target } from './outlet.ts';
import type { RouteContext } from './route.ts';
import type { SoundShape } from './voice.ts';

const nowhere: Target = { send: () => {}, sendByte: () => {}, reset: () => {}, close: () => {} };

function withoutFaults(context: RouteContext): RouteContext {
  return {
    provider: context.provider,
    connection: context.connection,
    route: context.route,
    url: context.url,
    params: context.params,
    get scenario() {
      return context.scenario;
    },
    get body() {
      return context.body;
    },
    get bodyText() {
      return context.bodyText;
    },
    signal: context.signal,
    takeFault: () => undefined,
    draw: (stage, orMs) => context.draw(stage, orMs),
    random: () => context.random(),
    log: (event, more) => context.log(event, more),
    after: (ms, run) => context.after(ms, run),
    pause: (ms) => context.pause(ms),
    nextMark: () => context.nextMark(),
  };
}

/** @param gapMs silence that ends a stretch of voice. */
export function sessionHearing(context: RouteContext, shape: SoundShape, listener: HearingListener, gapMs: () => number): Hearing {
  const quiet = withoutFaults(context);
  return new Hearing(quiet, new Outlet(nowhere, quiet), shape, listener, gapMs);
}
