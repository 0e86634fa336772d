/** Which {@link DatagramSockets} a thread uses. */
import type { Clock } from '#kit/clock.ts';
import { TandemError } from '#kit/errors.ts';
import type { Log } from '#kit/log.ts';
import { DgramSockets } from './dgram-sockets.ts';
import { loadNative, type NativeBinding } from './native-binding.ts';
import { NativeSockets } from './native-sockets.ts';
import type { DatagramSockets } from './socket.ts';

/** `auto`: native where it loads (Linux with glibc on x64 and arm64), else dgram. */
export const UDP_KINDS = ['auto', 'native', 'dgram'] as const;
export type UdpKind = (typeof UDP_KINDS)[number];

/** Says in the log which it is. Throws `setting-invalid` when `native` is asked for and cannot be had. */
export function openSockets(kind: UdpKind, clock: Clock, log: Log, load: () => NativeBinding | string = loadNative): DatagramSockets {
  const binding = kind === 'dgram' ? 'TANDEM_UDP=dgram' : load();
  if (typeof binding === 'object') {
    log.info({ udp: 'native' }, 'UDP for sound: batched, by the native part');
    return new NativeSockets(binding, clock);
  }
  if (kind === 'native') throw new TandemError('setting-invalid', `TANDEM_UDP=native cannot be had: ${binding}`, { setting: 'TANDEM_UDP' });
  log.info({ udp: 'dgram', why: binding }, 'UDP for sound: node:dgram');
  return new DgramSockets();
}
