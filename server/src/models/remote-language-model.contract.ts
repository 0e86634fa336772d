/**
 * What every language model behind an HTTP vendor keeps to, whatever bytes it speaks: a room's test gives the documented
 * bytes of each situation, the suite serves them from a loopback server and drives every deadline on a virtual clock.
 */
import type http from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { SystemClock } from '#kit/clock.ts';
import { VendorError } from '#kit/errors.ts';
import type { Kit } from '#kit/kit.ts';
import { testKit } from '#kit/testing.ts';
import { describeLanguageModel, modelRequest, partsOf, textOf } from './language-model.contract.ts';
import type { LanguageModel, ModelPart } from './language-model.ts';
import { httpDeadlines } from './provider-http.ts';
import { type LoopbackAnswer, LoopbackServer, refusing, streaming, until } from './http-vendor.contract.ts';

export interface RemoteLanguageModelContract {
  make: (kit: Kit, server: { url: string; key: string }) => LanguageModel;
  /** An event with a piece of text. */
  text: (words: string) => string;
  /** What a stream opens with before any words; may be empty. */
  opening: string;
  /** What ends a whole answer: 12 tokens in, 4 of them from a cache, 3 out. */
  closing: string;
  /** What only keeps a connection alive. */
  ping: string;
  /** A whole answer that calls `lookup` with the id 42, in the pieces that the vendor sends. */
  call: string;
  /** The same whose arguments are `{"id":`; absent where arguments are no text. */
  badCall?: string;
  /** The same, ended by the limit of tokens; absent where calls come whole. */
  cutCall?: string;
  /** The body of a refusal. */
  refusal: (status: number, message: string) => string;
  /** An event that says the vendor is overloaded. */
  overloaded: string;
  /** The end of an answer that the vendor's filter stopped. */
  blocked: string;
}

const KEY = 'sk-test-1234567890';
const reals = (): Kit => ({ ...testKit(), clock: new SystemClock() });

export function describeRemoteLanguageModel(name: string, contract: RemoteLanguageModelContract): void {
  const { text, opening, closing, ping } = contract;
  const hello: LoopbackAnswer = (response) => {
    streaming(response).write(ping + opening + text('Hello,'));
    setImmediate(() => response.end(text(' we are open.') + closing));
  };
  const saying =
    (bytes: string): LoopbackAnswer =>
    (response) =>
      streaming(response).end(bytes);

  describeLanguageModel(name, {
    make: async () => {
      const server = await new LoopbackServer().start();
      server.answer = hello;
      const model = contract.make(reals(), { url: server.url, key: KEY });
      return {
        model,
        close: async () => {
          await model.close?.();
          await server.stop();
        },
      };
    },
  });

  describe(`${name} as a language model over HTTP`, () => {
    const closings: (() => Promise<void>)[] = [];
    afterEach(async () => {
      for (const close of closings.splice(0)) await close();
    });

    async function started(answer: LoopbackAnswer = hello, kit: Kit = reals()) {
      const server = await new LoopbackServer().start();
      server.answer = answer;
      const model = contract.make(kit, { url: server.url, key: KEY });
      closings.push(async () => {
        await model.close?.();
        await server.stop();
      });
      return { server, model };
    }

    const failure = (model: LanguageModel): Promise<VendorError> =>
      partsOf(model, modelRequest()).then(
        () => {
          throw new Error('it did not fail');
        },
        (error: VendorError) => error,
      );

    test('text in pieces, usage with cached tokens last, one kept socket for two requests', async () => {
      const { server, model } = await started();
      const parts = await partsOf(model, modelRequest());
      expect(parts.filter((part) => part.type === 'text').map((part) => part.text)).toEqual(['Hello,', ' we are open.']);
      expect(parts.at(-1)).toEqual({ type: 'usage', inputTokens: 12, outputTokens: 3, cachedTokens: 4 });
      await partsOf(model, modelRequest());
      expect(server.connections).toBe(1);
      expect(model.model).toBeTruthy();
    });

    test('any cut of the bytes reads the same, in the middle of a character too', async () => {
      const bytes = Buffer.from(ping + opening + text('Grüße — ') + text('ça va 👋') + closing);
      for (const size of [1, 2, 3, 7, 64]) {
        const { model } = await started((response) => {
          streaming(response);
          let at = 0;
          const more = () => {
            if (at >= bytes.length) response.end();
            else response.write(bytes.subarray(at, (at += size)), () => setImmediate(more));
          };
          more();
        });
        expect(textOf(await partsOf(model, modelRequest()))).toBe('Grüße — ça va 👋');
      }
    });

    test('a tool call with its arguments', async () => {
      const { model } = await started(saying(contract.call));
      const calls = (await partsOf(model, modelRequest())).filter((part) => part.type === 'tool-call');
      expect(calls).toMatchObject([{ call: { name: 'lookup', arguments: { id: '42' } } }]);
      expect(calls[0].call.id).not.toBe('');
      expect(calls[0].call.badArguments).toBeUndefined();
    });

    test.runIf(contract.badCall)('arguments that are no JSON come as such, so that the model can be told', async () => {
      const { model } = await started(saying(contract.badCall ?? ''));
      const calls = (await partsOf(model, modelRequest())).filter((part) => part.type === 'tool-call');
      expect(calls).toMatchObject([{ call: { name: 'lookup', badArguments: '{"id":' } }]);
      expect(calls[0].call.arguments).toBeUndefined();
    });

    test.runIf(contract.cutCall)('a tool call that the limit of tokens cut is no call', async () => {
      const { model } = await started(saying(contract.cutCall ?? ''));
      expect(await failure(model)).toMatchObject({ category: 'retryable' });
    });

    test('warming opens one connection, twice is once, and the next request finds it; without a key, without a cost', async () => {
      const { server, model } = await started();
      await model.warm?.();
      await model.warm?.();
      expect(server.knocks.map(({ method }) => method)).toEqual(['OPTIONS']);
      expect(JSON.stringify(server.knocks[0].headers)).not.toContain(KEY);
      await partsOf(model, modelRequest());
      expect(server.connections).toBe(1);
    });

    test('warming never rejects, even if nobody listens', async () => {
      const { server, model } = await started();
      await server.stop();
      await expect(model.warm?.()).resolves.toBeUndefined();
    });

    test('a kept socket that its server has closed costs one more connection, not the answer', async () => {
      const { server, model } = await started();
      await partsOf(model, modelRequest());
      server.answer = (response) => {
        server.answer = hello;
        response.socket?.resetAndDestroy();
      };
      expect(textOf(await partsOf(model, modelRequest()))).toBe('Hello, we are open.');
      expect(server.connections).toBe(2);
    });

    type Case = [what: string, answer: LoopbackAnswer, expected: Partial<VendorError>];
    const refusal = (status: number, headers: http.OutgoingHttpHeaders = {}) =>
      refusing(status, contract.refusal(status, `no, with the key ${KEY}`), headers);
    test.each<Case>([
      ['a wrong key', refusal(401), { category: 'auth' }],
      ['no permission', refusal(403), { category: 'auth' }],
      ['too fast', refusal(429, { 'retry-after': '7' }), { category: 'rate-limited', retryAfterMs: 7_000 }],
      ['a bad request', refusal(400), { category: 'bad-input' }],
      ['an unknown model', refusal(404), { category: 'permanent' }],
      ['a fault of theirs', refusal(500), { category: 'retryable' }],
      ['overload', refusing(503, 'upstream'), { category: 'retryable' }],
      ['a web page', refusing(200, '<html>Welcome</html>', { 'content-type': 'text/html' }), { category: 'permanent' }],
      ['another address', refusing(302, '', { location: 'https://example.com' }), { category: 'permanent' }],
      ['a cut-off stream', saying(opening + text('Half a')), { category: 'retryable' }],
      ['an empty stream', saying(''), { category: 'retryable' }],
      ['a reset', (response) => response.socket?.resetAndDestroy(), { category: 'retryable' }],
      [
        'a reset in the stream',
        (response) => streaming(response).write(opening + text('Hal'), () => response.socket?.resetAndDestroy()),
        { category: 'retryable' },
      ],
      ['overload in the stream', saying(opening + contract.overloaded), { category: 'retryable' }],
      ['not JSON in the stream', saying(`${opening}data: {oops\n\n`), { category: 'retryable' }],
      ['blocked by a filter', saying(opening + contract.blocked), { category: 'bad-input' }],
    ])('%s', async (_what, answer, expected) => {
      const { model } = await started(answer);
      const error = await failure(model);
      expect(error).toBeInstanceOf(VendorError);
      expect(error).toMatchObject({ vendor: name.split(' ')[0], ...expected });
      expect(error.message).not.toContain(KEY);
    });

    test('words before a fault in the same packet are said before it is thrown', async () => {
      const { model } = await started(saying(opening + text('We are ') + contract.overloaded));
      const parts: ModelPart[] = [];
      const work = (async () => {
        for await (const part of model.generate(modelRequest())) parts.push(part);
      })();
      await expect(work).rejects.toBeInstanceOf(VendorError);
      expect(textOf(parts)).toBe('We are ');
    });

    test('an endless event is refused', async () => {
      const { model } = await started((response) => {
        streaming(response).write('data: ');
        const more = () => {
          if (!response.destroyed) response.write('x'.repeat(64 * 1024), () => setImmediate(more));
        };
        more();
      });
      expect(await failure(model)).toMatchObject({ category: 'retryable' });
    });

    test('no piece of the answer within its deadline, pings notwithstanding', async () => {
      const kit = testKit();
      const { server, model } = await started((response) => streaming(response).write(ping + opening + ping), kit);
      const error = failure(model);
      await until(() => server.requests.length === 1);
      await kit.clock.advance(httpDeadlines.firstMs - 1);
      expect(server.aborted).toBe(0);
      await kit.clock.advance(1);
      expect(await error).toMatchObject({ category: 'retryable', message: expect.stringContaining('8000 ms') as string });
      await until(() => server.aborted === 1);
      expect(kit.clock.pending).toBe(0);
    });

    test('a stream that stalls is given up, pings notwithstanding', async () => {
      const kit = testKit();
      let response: http.ServerResponse | undefined;
      const { model } = await started((given) => {
        response = given;
        streaming(given).write(opening + text('One'));
      }, kit);
      const parts: ModelPart[] = [];
      const work = (async () => {
        for await (const part of model.generate(modelRequest())) parts.push(part);
      })();
      const error = work.catch((thrown: unknown) => thrown);
      await until(() => parts.length === 1 && kit.clock.pending === 1);
      await kit.clock.advance(httpDeadlines.betweenMs - 1);
      await new Promise<void>((resolve) => response?.write(ping, () => resolve()));
      await kit.clock.advance(1);
      expect(await error).toMatchObject({ category: 'retryable', message: expect.stringContaining('stalled') as string });
      expect(kit.clock.pending).toBe(0);
    });

    test("a reader's own slowness is not the vendor's", async () => {
      const kit = testKit();
      let response: http.ServerResponse | undefined;
      const { model } = await started((given) => {
        response = given;
        streaming(given).write(opening + text('One'));
      }, kit);
      const words: string[] = [];
      for await (const part of model.generate(modelRequest())) {
        if (part.type !== 'text') continue;
        words.push(part.text);
        if (words.length > 1) continue;
        await kit.clock.advance(60_000);
        response?.end(text(' two.') + closing);
      }
      expect(words).toEqual(['One', ' two.']);
      expect(kit.clock.pending).toBe(0);
    });

    test('an abort closes the request at once', async () => {
      const kit = testKit();
      const { server, model } = await started((response) => streaming(response).write(ping), kit);
      const controller = new AbortController();
      const reason = new Error('barge-in');
      const work = partsOf(model, modelRequest({ signal: controller.signal })).catch((thrown: unknown) => thrown);
      await until(() => server.requests.length === 1);
      controller.abort(reason);
      expect(await work).toBe(reason);
      await until(() => server.aborted === 1);
      expect(kit.clock.pending).toBe(0);
    });

    test('a reader that stops early closes the request', async () => {
      const kit = testKit();
      const { server, model } = await started((response) => streaming(response).write(opening + text('One')), kit);
      for await (const part of model.generate(modelRequest())) if (part.type === 'text') break;
      await until(() => server.aborted === 1);
      expect(kit.clock.pending).toBe(0);
    });
  });
}
