/** A worker thread that plays scenarios: one order after the other, as `simulate/run-all.ts` sends them. */
import { parentPort } from 'node:worker_threads';
import { systemKit } from '#kit/kit.ts';
import { answerOrder, type ThreadOrder } from '#simulate/run-all.ts';
import { simulationRooms } from './simulation.ts';

const base = { kit: systemKit('warn', { part: 'simulation' }), rooms: simulationRooms() };

parentPort?.on('message', (order: ThreadOrder) => {
  void answerOrder(order, base).then((answer) => parentPort?.postMessage(answer));
});
