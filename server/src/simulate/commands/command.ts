/** What every command of the command line is: a function of its arguments and of what storey 7 hands down. */
import type { InstalledModels } from '#calls/installed-models.ts';
import type { Kit } from '#kit/kit.ts';
import type { SimulationRooms } from '../rooms.ts';

/** What a command may use of the house. Rooms are opened by the catalogue only, so they come from here. */
export interface Workshop {
  kit: Kit;
  /** The folder that `npx tandem` was called in; paths of arguments are relative to it. */
  folder: string;
  /** The data folder of this machine's call centre (`TANDEM_DATA`). */
  dataFolder: string;
  /** Where this machine's call centre is reached (`PUBLIC_URL`, else HOST and PORT). */
  serverUrl: string;
  /** The API key: `TANDEM_ADMIN_KEY`, else the one kept in the data folder; undefined when there is neither. */
  apiKey: () => Promise<string | undefined>;
  /** Models of the configured providers, on the system's clock; closed by whoever started the command. */
  models: () => Promise<InstalledModels>;
  /** What simulated calls play in. */
  rooms: () => SimulationRooms;
  /** A line for the person at the terminal (stdout), and one about what went wrong or how far it is (stderr). */
  print: (line: string) => void;
  tell: (line: string) => void;
  /** Aborted by Ctrl-C: stop, clean up, answer 130. */
  signal: AbortSignal;
}

/** Answers the exit code: 0 all well, 1 the answer is no (a check failed, a replay differs), 2 wrong arguments or no such thing. */
export interface Command {
  name: string;
  /** One line of the list of commands. */
  does: string;
  /** Shown by `--help`. */
  usage: string;
  run(args: readonly string[], workshop: Workshop): Promise<number>;
}
