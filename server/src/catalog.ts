/** The vendors installed: the literal list. A new vendor is a folder behind its seam and a line here. */
import type { Vendor } from '#kit/vendor.ts';
import type { ModelVendor } from '#models/vendor.ts';
import { anthropic } from '#models/anthropic/vendor.ts';
import { assemblyai } from '#models/assemblyai/vendor.ts';
import { cartesia } from '#models/cartesia/vendor.ts';
import { deepgram } from '#models/deepgram/vendor.ts';
import { elevenlabs } from '#models/elevenlabs/vendor.ts';
import { ExtractiveLanguageModel } from '#models/extractive/language-model.ts';
import { extractive } from '#models/extractive/vendor.ts';
import { flite } from '#models/flite/vendor.ts';
import { gemini } from '#models/gemini/vendor.ts';
import { hashing } from '#models/hashing/vendor.ts';
import { onnxEmbedder } from '#models/onnx-embedder/vendor.ts';
import { openai } from '#models/openai/vendor.ts';
import { pocketsphinx } from '#models/pocketsphinx/vendor.ts';
import { speechLike } from '#models/scripted/speech-like.ts';
import { scripted } from '#models/scripted/vendor.ts';
import { sherpa } from '#models/sherpa/vendor.ts';
import { smartTurn } from '#models/smart-turn/vendor.ts';
import { silero } from '#models/silero/vendor.ts';
import { soniox } from '#models/soniox/vendor.ts';
import { webrtcVad } from '#models/webrtc-vad/vendor.ts';
import type { DatabaseVendor } from '#store/database.ts';
import type { SharedMemoryVendor } from '#store/cache.ts';
import { pglite } from '#store/pglite/pglite.ts';
import { postgres } from '#store/postgres/postgres.ts';
import { redis } from '#store/redis/redis.ts';
import type { GatewayVendor } from '#telephony/gateway.ts';
import { browser } from '#telephony/browser/vendor.ts';
import { SipGateway } from '#telephony/sip/gateway.ts';
import { sip } from '#telephony/sip/vendor.ts';
import { twilio } from '#telephony/twilio/vendor.ts';
import { chroma } from '#vectors/chroma/vendor.ts';
import { memory } from '#vectors/memory/vendor.ts';
import { pgvector } from '#vectors/pgvector/vendor.ts';
import type { VectorVendor } from '#vectors/vendor.ts';

/** Ways in and out. */
export const gatewayVendors: readonly GatewayVendor[] = [sip, twilio, browser];

/** Best first: what an assistant gets when it names none. */
export const modelVendors: readonly ModelVendor[] = [
  onnxEmbedder,
  cartesia,
  elevenlabs,
  openai,
  anthropic,
  gemini,
  silero,
  smartTurn,
  webrtcVad,
  deepgram,
  assemblyai,
  soniox,
  sherpa,
  pocketsphinx,
  flite,
  extractive,
  hashing,
  scripted,
];

export const databaseVendors: readonly DatabaseVendor[] = [pglite, postgres];

/** Memory that several nodes share. */
export const sharedMemoryVendors: readonly SharedMemoryVendor[] = [redis];

/** Where vectors are kept and searched. */
export const vectorVendors: readonly VectorVendor[] = [memory, chroma, pgvector];

export const allVendors: readonly Vendor[] = [
  ...gatewayVendors,
  ...modelVendors,
  ...databaseVendors,
  ...sharedMemoryVendors,
  ...vectorVendors,
];

/** What a simulation is made of: `simulation.ts` puts it together. */
export const simulationParts = { SipGateway, sip, webrtcVad, ExtractiveLanguageModel, flite, speechLike } as const;
