import { DgramSockets } from './dgram-sockets.ts';
import { describeSockets } from './socket.contract.ts';

describeSockets('dgram', () => new DgramSockets());
