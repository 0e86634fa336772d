import { expect, test } from 'vitest';
import { z } from 'zod';
import { describeSettings, readConfig } from './config.ts';

const vendor = {
  name: 'acme',
  settings: z.object({
    key: z.string().min(4).optional().meta({ env: 'ACME_KEY', secret: true, description: 'key' }),
    rate: z.coerce.number().int().default(5).meta({ env: 'TANDEM_ACME_RATE', description: 'rate' }),
  }),
};

test('defaults serve a laptop', () => {
  const { house, vendors } = readConfig([vendor], {});
  expect(house).toMatchObject({
    host: '127.0.0.1',
    port: 3000,
    mediaPort: 3001,
    publicUrl: 'http://127.0.0.1:3000',
    mediaUrl: 'ws://127.0.0.1:3001',
    seed: 'demo',
  });
  expect(vendors.acme).toEqual({ rate: 5 });
});

test('behind a public URL both ports share its origin', () => {
  const { house } = readConfig([], { PUBLIC_URL: 'https://voice.example.com/', HOST: '0.0.0.0', PORT: '8080' });
  expect(house).toMatchObject({ publicUrl: 'https://voice.example.com', mediaUrl: 'wss://voice.example.com', mediaPort: 8081 });
});

test('every fault is listed by the name of its setting, and no secret is', () => {
  const wrong = { PORT: 'ninety', LOG_LEVEL: 'loud', ACME_KEY: 'abc', TANDEM_ACME_RATE: 'x' };
  expect(() => readConfig([vendor], wrong)).toThrow(/PORT[\s\S]*LOG_LEVEL[\s\S]*ACME_KEY[\s\S]*TANDEM_ACME_RATE/);
  expect(() => readConfig([vendor], wrong)).not.toThrow(/abc/);
});

test('a TANDEM_ name that is no setting is reported', () => {
  expect(readConfig([vendor], { TANDEM_ACME_RAET: '3', TANDEM_ACME_RATE: '3' }).unknown).toEqual(['TANDEM_ACME_RAET']);
});

test('secrets print as ***', () => {
  expect(describeSettings([vendor], { ACME_KEY: 'sesame' }).find(({ env }) => env === 'ACME_KEY')?.value).toBe('***');
});

test('a wrong value is shown, and ports that collide are a fault', () => {
  expect(() => readConfig([vendor], { PORT: 'ninety' })).toThrow(/PORT: .*\(it is "ninety"\)/);
  expect(() => readConfig([vendor], { PORT: '4000', TANDEM_MEDIA_PORT: '4000' })).toThrow(/TANDEM_MEDIA_PORT: must differ from PORT/);
  expect(() => readConfig([vendor], { PORT: '65535' })).toThrow(/TANDEM_MEDIA_PORT/);
});
