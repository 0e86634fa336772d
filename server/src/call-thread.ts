/**
 * The call thread: storeys 1 to 5 without the database. Legs, codecs, conversation, provider sockets, journal and
 * recording live here, so that nothing the office does can make a frame late. Started by `main.ts` as a worker.
 */
import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { LATE_BUCKETS_MS, MediaPacer } from '#audio/pacer.ts';
import { Admission, DEFAULT_LIMITS } from '#calls/admission.ts';
import type { Journal } from '#calls/journal.ts';
import { openJournal } from '#calls/journal-file.ts';
import { closeDeadCalls, type OpenCall } from '#calls/journal-repair.ts';
import type { CommandName, Commands, FromCallThread, ToCallThread, Vitals } from '#calls/office-link.ts';
import { readPrices } from '#calls/prices.ts';
import { parsePlaces, ProviderPlaces } from '#calls/provider-places.ts';
import { RecordingShelf } from '#calls/recording.ts';
import { repairRecordings } from '#calls/recording-repair.ts';
import { SortingThread } from '#calls/sorting-desk.ts';
import { Switchboard } from '#calls/switchboard.ts';
import { ToolShop } from '#calls/tools/tool-box.ts';
import { inTime } from '#conversation/deadlines.ts';
import { messageOf, TandemError } from '#kit/errors.ts';
import { FaultNet } from '#kit/fault-net.ts';
import { systemKit } from '#kit/kit.ts';
import { type MachineLoad, MachineLoadMeter } from '#kit/machine-load.ts';
import { DeskSeat } from '#knowledge/desk-client.ts';
import type { LogLevel } from '#kit/log.ts';
import type { Gateway, GatewayContext } from '#telephony/gateway.ts';
import { MediaServer } from '#telephony/media-server.ts';
import { gatewayVendors } from './catalog.ts';
import { closeModels, installModels } from './install-models.ts';

/** What `main.ts` hands over when it starts the thread. */
export interface CallThreadSettings {
  host: string;
  mediaPort: number;
  publicUrl: string;
  mediaUrl: string;
  dataFolder: string;
  logLevel: LogLevel;
  maxCalls: number;
  /** `provider:calls`, comma-separated: how many calls may use a provider at once. */
  providerCalls: string;
  egressAllow: string;
  /** Path of a price file; the built-in list prices without one. */
  prices: string | undefined;
  vendors: Record<string, Record<string, unknown>>;
}

/** Who calls a number that nobody knows yet waits so long for the office to look. */
const RESOLVE_WITHIN_MS = 1_000;

/** How often the thread tells how it is. Admission adds what came since. */
const VITALS_MS = 1_000;

const settings = workerData as CallThreadSettings;
const port = parentPort;
if (!port) throw new Error('call-thread.ts runs as a worker of main.ts');
const send = (message: FromCallThread) => port.postMessage(message);
const kit = systemKit(settings.logLevel, { part: 'calls' });

/**
 * Sound before everything else on a busy machine, where we are allowed to say so (CAP_SYS_NICE). On Linux a priority is
 * the calling thread's alone; elsewhere it would be the whole process's. Threads inherit it: call this when they are there.
 */
function preferSound(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(constants.priority.PRIORITY_ABOVE_NORMAL);
  } catch {
    kit.log.debug({}, 'the call thread runs at the priority of the others');
  }
}

/** The loop's counters under flat names, for the metrics. */
function pacerCounters(pacer: MediaPacer): Record<string, number> {
  const { frames, late, skipped, faults } = pacer.counters();
  const overDue = late.reduce((sum, count, bucket) => sum + ((LATE_BUCKETS_MS[bucket] ?? Infinity) > 5 ? count : 0), 0);
  return { frames, late: overDue, skipped, faults };
}

/** Calls that a dead process left open get their ending, and recordings the sound that was not in them yet. */
function closeAfterCrash(journal: Journal, openCalls: readonly OpenCall[], recordingsFolder: string): void {
  if (openCalls.length > 0) kit.log.warn({ calls: openCalls.length }, 'the last process left calls open: closing them');
  // Before the endings are written: a start that dies in here leaves the next one the same calls to repair.
  const failures = repairRecordings(
    recordingsFolder,
    openCalls.map(({ businessId, callId }) => `${businessId}/${callId}`),
  );
  // What has no room stays where it is, for the next start: a disk's fault keeps nobody from being answered.
  if (failures.length > 0)
    kit.log.error({ calls: failures.length, first: failures[0] }, 'recordings that the last process left could not be finished');
  closeDeadCalls(journal, openCalls);
}

async function open(): Promise<void> {
  const recordingsFolder = `${settings.dataFolder}/recordings`;
  const { journal, openCalls } = await openJournal(`${settings.dataFolder}/journal`, kit, (events, position) =>
    send({ type: 'events', events, position }),
  );
  closeAfterCrash(journal, openCalls, recordingsFolder);
  const models = await installModels(settings.vendors, kit);
  const pacer = new MediaPacer(kit.clock, kit.log);
  const recordings = new RecordingShelf({ folder: recordingsFolder, kit, desk: new SortingThread(kit) });
  const shop = new ToolShop(kit, settings.egressAllow);
  const prices = await readPrices(settings.prices);
  const desk = new DeskSeat(kit.clock);
  const asking = new Map<number, () => void>();
  let asked = 0;
  /** The office publishes whoever lists the address before it answers. */
  const resolve = async (address: string): Promise<void> => {
    const id = ++asked;
    const answered = new Promise<void>((done) => asking.set(id, done));
    send({ type: 'resolve', id, address });
    await inTime(answered, RESOLVE_WITHIN_MS, { clock: kit.clock, vendor: 'office', signal: new AbortController().signal }).finally(() =>
      asking.delete(id),
    );
  };
  const admission = new Admission(kit.clock, { ...DEFAULT_LIMITS, maxCalls: settings.maxCalls });
  const meter = new MachineLoadMeter(settings.dataFolder);
  const switchboard = new Switchboard({
    kit,
    models,
    journal,
    recordings,
    maxCalls: settings.maxCalls,
    admission,
    places: new ProviderPlaces(parsePlaces(settings.providerCalls) ?? new Map()),
    shop,
    price: (line) => prices.priceOf(line),
    library: desk,
    resolve,
  });
  const context: GatewayContext = {
    kit,
    pacer,
    onCall: (call) => switchboard.receive(call),
    whoAnswers: (to, businessId) => switchboard.whoAnswers(to, businessId),
    wouldRefuse: (to, businessId) => switchboard.wouldRefuse(to, businessId),
    publicUrl: settings.publicUrl,
    mediaUrl: settings.mediaUrl,
  };
  const gateways: Gateway[] = gatewayVendors.map((vendor) => vendor.gateway(settings.vendors[vendor.name], context));
  switchboard.connect(gateways);
  const mediaServer = new MediaServer({ host: settings.host, port: settings.mediaPort, gateways, kit });

  const net = new FaultNet({
    clock: kit.clock,
    log: kit.log,
    blame: (callId, error) => switchboard.blame(callId, error),
    giveUp: () => process.exit(1),
  });

  const commands: { [N in CommandName]: (input: Commands[N]['input']) => Promise<Commands[N]['output']> } = {
    'place-call': async (input) => ({ callId: switchboard.place(input) }),
    'hang-up': async ({ businessId, callId }) => ({ found: switchboard.hangUp(businessId, callId) }),
    'gateway-request': async ({ gateway, request }) =>
      (await switchboard.gateway(gateway)?.request?.(request)) ?? { status: 404, headers: {}, body: '' },
    open: async () => {
      await switchboard.published;
      for (const gateway of gateways) await gateway.start();
      await mediaServer.start();
      preferSound();
      // Only now: a fault while starting must fail the start.
      net.spread();
      return {};
    },
    drain: async ({ withinMs }) => ({ left: await switchboard.drain(withinMs) }),
    stop: async () => {
      stopped = true;
      vitalsTimer.cancel();
      await switchboard.endAll({ by: 'system', reason: 'shutdown' });
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await mediaServer.stop();
      pacer.stop();
      await closeModels(models);
      await shop.close();
      await recordings.close();
      desk.close();
      await journal.close();
      meter.stop();
      return {};
    },
  };

  port?.on('message', (message: ToCallThread) => {
    if (message.type === 'publish') {
      void switchboard.publish(message.entries, message.removed);
      return;
    }
    if (message.type === 'library') {
      desk.sit(message.port);
      return;
    }
    if (message.type === 'resolved') {
      asking.get(message.id)?.();
      return;
    }
    if (message.type === 'stored') {
      journal.removeBefore(message.position).catch((error: unknown) => kit.log.warn({ error }, 'old journal files could not be removed'));
      return;
    }
    const { id, name } = message;
    const work = (commands[name] as (input: unknown) => Promise<unknown>)(message.input);
    work.then(
      (output) => {
        send({ type: 'answer', id, output });
        if (name === 'stop') port?.close();
      },
      (error: unknown) => {
        const code = error instanceof TandemError ? error.code : 'internal-error';
        if (code === 'internal-error') kit.log.error({ error, command: name }, 'a command failed');
        send({ type: 'refusal', id, code, message: messageOf(error) });
      },
    );
  });

  const vitals = (load: MachineLoad): Vitals => ({
    ...load,
    liveCalls: switchboard.live,
    refusing: switchboard.refusing,
    gateways: {
      ...Object.fromEntries(gateways.map((gateway) => [gateway.name, gateway.counters()])),
      media: mediaServer.counters(),
      switchboard: { ...switchboard.refused },
    },
    pacer: pacerCounters(pacer),
    journalDegraded: journal.degraded,
    journalLost: journal.lost,
    faults: net.count,
    heapUsedBytes: process.memoryUsage().heapUsed,
    keptSpeech: switchboard.keptSpeech,
    providerPlaces: { ...switchboard.providerPlaces },
    models: {
      transcribers: models.transcribers.map(({ name }) => name),
      languageModels: models.languageModels.map(({ name }) => name),
      synthesizers: models.synthesizers.map(({ name }) => name),
      speechToSpeech: models.speechToSpeech?.map(({ name }) => name) ?? [],
    },
  });
  let stopped = false;
  let vitalsTimer = kit.clock.after(0, function report() {
    void meter.read().then((load) => {
      if (stopped) return;
      admission.observe(load, switchboard.live);
      send({ type: 'vitals', vitals: vitals(load) });
      vitalsTimer = kit.clock.after(VITALS_MS, report);
    });
  });

  send({ type: 'ready', journal: journal.name, end: journal.end });
}

open().catch((error: unknown) => {
  send({ type: 'failed', code: error instanceof TandemError ? error.code : 'internal-error', message: messageOf(error) });
  port.close();
});
