import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Providers } from './providers.ts';
import { defaultScenario, type Scenario } from './scenario.ts';
import { startProviders } from './server.ts';
import { Client, quiet, voiced } from './testing.ts';

let providers: Providers;
let clients: Client[] = [];

beforeAll(async () => {
  providers = await startProviders();
});
beforeEach(() => providers.tell(defaultScenario));
afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  clients = [];
});
afterAll(() => providers.close());

async function connect(url: string, headers: Record<string, string>): Promise<Client> {
  const client = new Client(url, headers);
  clients.push(client);
  return client.opened();
}

const deepgram = (path: string): Promise<Client> =>
  connect(`${providers.urls.deepgram}${path}`, { authorization: `Token ${providers.key}` });
const nova = (more = ''): Promise<Client> =>
  deepgram(`/v1/listen?model=nova-3&encoding=mulaw&sample_rate=8000&interim_results=true&endpointing=300&smart_format=true${more}`);
const flux = (more = ''): Promise<Client> => deepgram(`/v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000${more}`);
const events = (client: Client): unknown[] => client.of('TurnInfo').map((message) => message.event);
const text = (message: Record<string, unknown> | undefined): string =>
  (message?.channel as { alternatives: { transcript: string }[] } | undefined)?.alternatives[0]?.transcript ?? '';

function tell(scenario: Partial<Scenario>): void {
  providers.tell(scenario);
}

describe('deepgram nova-3', () => {
  test('interim results grow, the final one says speech_final, and the utterance ends', async () => {
    const client = await nova('&vad_events=true&utterance_end_ms=1000');
    client.hear(voiced(1200));
    client.hear(quiet(400));
    await client.until(() => client.of('Results').some((message) => message.speech_final));
    const results = client.of('Results');
    expect(client.types()[0]).toBe('SpeechStarted');
    expect(results.slice(0, -1).every((message) => message.is_final === false)).toBe(true);
    expect(results.length).toBeGreaterThan(3);
    expect(text(results[0])).toBe('When');
    const last = results.at(-1);
    expect(last).toMatchObject({ type: 'Results', channel_index: [0, 1], is_final: true, speech_final: true, from_finalize: false });
    expect(text(last)).toBe('When are you open?');
    expect(last?.channel).toMatchObject({
      alternatives: [{ words: [{ word: 'when', punctuated_word: 'When' }, {}, {}, { word: 'open' }] }],
    });
    client.hear(quiet(1000));
    await client.until(() => client.of('UtteranceEnd')[0]);
    expect(client.of('UtteranceEnd')[0]).toMatchObject({ channel: [0, 1] });
    client.send({ type: 'CloseStream' });
    await client.until(() => client.closed);
    expect(client.of('Metadata')[0]).toMatchObject({ transaction_key: 'deprecated', channels: 1, duration: 2.6 });
    expect(client.closed?.code).toBe(1000);
  });

  test('the final words come the transcript delay after the voice', async () => {
    tell({ delays: { transcript: 400 } });
    const client = await nova();
    client.hear(voiced(600));
    const endedMs = performance.now();
    client.hear(quiet(320));
    await client.until(() => client.of('Results').some((message) => message.is_final));
    const waitedMs = (client.received.at(-1)?.atMs ?? 0) - endedMs;
    expect(waitedMs).toBeGreaterThan(380);
    expect(waitedMs).toBeLessThan(700);
    const final = providers.log.findLast((event) => event.event === 'final');
    expect(final).toMatchObject({ declaredMs: 400, detail: 'When are you open?', provider: 'deepgram', stage: 'transcriber' });
    const ended = providers.log.findLast((event) => event.event === 'voice-ended');
    expect((final?.atMs ?? 0) - (ended?.atMs ?? 0)).toBeGreaterThan(398);
  });

  test('Finalize answers with from_finalize, also when there is nothing to say', async () => {
    const client = await nova();
    client.send({ type: 'Finalize' });
    await client.until(() => client.of('Results')[0]);
    expect(client.of('Results')[0]).toMatchObject({ from_finalize: true, is_final: true });
    client.hear(voiced(500));
    client.hear(quiet(80));
    client.send({ type: 'Finalize' });
    await client.until(() => client.of('Results').find((message) => message.from_finalize && text(message) !== ''));
    expect(text(client.of('Results').at(-1))).toBe('When are you open?');
  });

  test('a pause inside a turn is final, but not the end of speech', async () => {
    tell({ heard: [{ text: 'My number is', endsTurn: false }, { text: 'four two.' }] });
    const client = await nova();
    for (const stretch of [voiced(600), quiet(400)]) client.hear(stretch);
    await client.until(() => client.of('Results').find((message) => message.is_final));
    expect(client.of('Results').at(-1)).toMatchObject({ is_final: true, speech_final: false });
    for (const stretch of [voiced(600), quiet(400)]) client.hear(stretch);
    await client.until(() => client.of('Results').find((message) => message.speech_final));
    expect(text(client.of('Results').at(-1))).toBe('four two.');
  });

  test('without a right key the upgrade is refused with 401', async () => {
    const client = new Client(`${providers.urls.deepgram}/v1/listen`, { authorization: 'Token wrong' });
    clients.push(client);
    await client.until(() => client.failed?.status);
    expect(client.failed?.status).toBe(401);
    expect(JSON.parse(client.failed?.body ?? '')).toMatchObject({ err_code: 'INVALID_AUTH' });
  });
});

describe('deepgram flux', () => {
  test('connected, start, eager, end with the transcript of the eager event', async () => {
    const client = await flux('&eager_eot_threshold=0.4');
    client.hear(voiced(1000));
    client.hear(quiet(400));
    await client.until(() => events(client).includes('EndOfTurn'));
    expect(client.received[0]?.json).toMatchObject({ type: 'Connected', sequence_id: 0 });
    const turns = client.of('TurnInfo');
    expect(events(client).filter((event) => event !== 'Update')).toEqual(['StartOfTurn', 'EagerEndOfTurn', 'EndOfTurn']);
    const [eager, end] = turns.slice(-2);
    expect(end).toMatchObject({ event: 'EndOfTurn', turn_index: 0, transcript: 'When are you open?', trigger: 'model' });
    expect(eager?.transcript).toBe(end?.transcript);
    expect(turns.map((message) => message.sequence_id)).toEqual(turns.map((_, n) => n + 1));
    client.hear(quiet(400));
    await client.until(() => client.of('TurnInfo').find((message) => message.turn_index === 1));
    expect(client.of('TurnInfo').at(-1)).toMatchObject({ event: 'Update', transcript: '' });
  });

  test('a pause is taken back by TurnResumed, and the turn holds both parts', async () => {
    tell({ heard: [{ text: 'I need to cancel', endsTurn: false }, { text: 'my order.' }], delays: { transcript: 20 } });
    const client = await flux('&eager_eot_threshold=0.4');
    client.hear(voiced(800));
    client.hear(quiet(400));
    await client.until(() => events(client).includes('EagerEndOfTurn'));
    client.hear(voiced(600));
    client.hear(quiet(400));
    await client.until(() => events(client).includes('EndOfTurn'));
    expect(events(client).filter((event) => event !== 'Update')).toEqual([
      'StartOfTurn',
      'EagerEndOfTurn',
      'TurnResumed',
      'EagerEndOfTurn',
      'EndOfTurn',
    ]);
    expect(client.of('TurnInfo').at(-1)).toMatchObject({ transcript: 'I need to cancel my order.' });
  });

  test('with eot_threshold 1 only ForceEndTurn ends a turn; Configure checks the ranges', async () => {
    const client = await flux('&eot_threshold=1.0');
    client.hear(voiced(600));
    client.hear(quiet(1000));
    client.send({ type: 'Configure', thresholds: { eot_threshold: 3 } });
    await client.until(() => client.of('ConfigureFailure')[0]);
    expect(events(client)).not.toContain('EndOfTurn');
    client.send({ type: 'ForceEndTurn' });
    await client.until(() => events(client).includes('EndOfTurn'));
    expect(client.of('TurnInfo').at(-1)).toMatchObject({ trigger: 'manual', transcript: 'When are you open?' });
    client.send({ type: 'Configure', thresholds: { eot_threshold: 0.8 } });
    await client.until(() => client.of('ConfigureSuccess')[0]);
    expect(client.of('ConfigureSuccess')[0]).toMatchObject({ thresholds: { eot_threshold: 0.8 } });
  });

  test('a caller who never goes on is ended by eot_timeout_ms', async () => {
    tell({ heard: [{ text: 'Well', endsTurn: false }] });
    const client = await flux('&eot_timeout_ms=600');
    client.hear(voiced(400));
    client.hear(quiet(300));
    await client.until(() => events(client).includes('StartOfTurn'));
    await client.until(() => providers.log.findLast((event) => event.event === 'final' && event.detail === 'Well'));
    client.hear(quiet(600));
    await client.until(() => events(client).includes('EndOfTurn'));
    expect(client.of('TurnInfo').find((message) => message.event === 'EndOfTurn')?.transcript).toBe('Well');
  });
});

describe('assemblyai', () => {
  const assembly = (more = ''): Promise<Client> =>
    connect(`${providers.urls.assemblyai}/v3/ws?sample_rate=8000&encoding=pcm_mulaw${more}`, { authorization: providers.key });

  test('begins, grows a turn, ends it, and terminates', async () => {
    const client = await assembly('&format_turns=true');
    client.hear(voiced(1000), 800);
    client.hear(quiet(400), 800);
    await client.until(() => client.of('Turn').some((message) => message.turn_is_formatted));
    expect(client.types().slice(0, 2)).toEqual(['Begin', 'SpeechStarted']);
    const turns = client.of('Turn');
    expect(turns[0]).toMatchObject({ turn_order: 0, end_of_turn: false });
    expect((turns[1]?.words as { word_is_final: boolean }[] | undefined)?.at(-1)?.word_is_final).toBe(false);
    expect(turns.at(-2)).toMatchObject({ end_of_turn: true, turn_is_formatted: false, transcript: 'when are you open' });
    expect(turns.at(-1)).toMatchObject({ end_of_turn: true, turn_is_formatted: true, transcript: 'When are you open?' });
    client.send({ type: 'Terminate' });
    await client.until(() => client.closed);
    expect(client.of('Termination')[0]).toMatchObject({ audio_duration_seconds: 1 });
  });

  test('ForceEndpoint ends the turn at once', async () => {
    tell({ endOfTurnMs: 2000 });
    const client = await assembly();
    client.hear(voiced(600), 800);
    client.hear(quiet(100), 800);
    client.send({ type: 'ForceEndpoint' });
    await client.until(() => client.of('Turn').find((message) => message.end_of_turn));
    expect(client.of('Turn').at(-1)?.transcript).toBe('when are you open');
  });

  test('refuses pieces shorter than 50 ms and wrong keys inside the socket', async () => {
    const client = await assembly();
    client.send(quiet(20));
    await client.until(() => client.closed);
    expect(client.of('Error')[0]).toMatchObject({ error_code: 3007 });
    expect(client.closed?.code).toBe(3007);
    const stranger = await connect(`${providers.urls.assemblyai}/v3/ws?sample_rate=8000&encoding=pcm_mulaw`, { authorization: 'wrong' });
    await stranger.until(() => stranger.closed);
    expect(stranger.of('Error')[0]).toMatchObject({ error_code: 1008 });
    expect(stranger.closed?.code).toBe(1008);
  });
});

describe('soniox', () => {
  const soniox = async (more: object = {}): Promise<Client> => {
    const client = await connect(`${providers.urls.soniox}/transcribe-websocket`, { authorization: `Bearer ${providers.key}` });
    const start = { model: 'stt-rt-v5', audio_format: 'mulaw', sample_rate: 8000, num_channels: 1, enable_endpoint_detection: true };
    client.send({ ...start, ...more });
    return client;
  };
  const tokens = (client: Client): { text: string; is_final: boolean }[] =>
    client.received.flatMap((one) => (one.json?.tokens ?? []) as { text: string; is_final: boolean }[]);

  test('non-final tokens come again, final ones once, then <end>', async () => {
    const client = await soniox();
    client.hear(voiced(1000));
    client.hear(quiet(400));
    await client.until(() => tokens(client).find((token) => token.text === '<end>'));
    const finals = tokens(client).filter((token) => token.is_final);
    expect(finals.map((token) => token.text).join('')).toBe('When are you open?<end>');
    expect(tokens(client).filter((token) => !token.is_final && token.text === 'When').length).toBeGreaterThan(1);
    client.send('');
    await client.until(() => client.closed);
    expect(client.received.at(-1)?.json).toMatchObject({ tokens: [], finished: true, total_audio_proc_ms: 1400 });
  });

  test('finalize answers with <fin>', async () => {
    const client = await soniox();
    client.hear(voiced(600));
    client.hear(quiet(80));
    client.send({ type: 'finalize' });
    await client.until(() => tokens(client).find((token) => token.text === '<fin>'));
    const finals = tokens(client).filter((token) => token.is_final);
    expect(finals.map((token) => token.text).join('')).toBe('When are you open?<fin>');
  });

  test('a wrong start is answered and closed', async () => {
    const client = await soniox({ audio_format: 'vinyl' });
    await client.until(() => client.closed);
    expect(client.received[0]?.json).toMatchObject({ error_code: 400, error_message: 'Invalid audio format: vinyl' });
  });
});
