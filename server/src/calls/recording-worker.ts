/** The thread that sorts recordings (`sorting-desk.ts`): it may wait for the disk, calls may not. */
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { SystemClock } from '#kit/clock.ts';
import { type Questions, Remote } from '#kit/remote.ts';
import { RecordingSorter, type SortingJobs } from './recording-sorter.ts';
import { answersOf } from './sorting-desk.ts';

if (!parentPort) throw new Error('recordings are sorted in a worker thread');
// A thread of Linux has the priority of whoever made it: sound goes before this. Elsewhere it would be the process's.
if (process.platform === 'linux') setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
/** Answers until the thread is ended. */
export const remote = new Remote<Questions, SortingJobs>(parentPort, new SystemClock(), answersOf(new RecordingSorter()));
