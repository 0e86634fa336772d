/** Structured logs: one JSON line each, with the ids that tie lines to a business and a call. Never a secret, never digits. */
import pino from 'pino';

export interface Log {
  debug(fields: Record<string, unknown>, message: string): void;
  info(fields: Record<string, unknown>, message: string): void;
  warn(fields: Record<string, unknown>, message: string): void;
  error(fields: Record<string, unknown>, message: string): void;
  /** A log whose lines all carry `fields` (businessId, callId, part, …). */
  with(fields: Record<string, unknown>): Log;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

function wrap(logger: pino.Logger): Log {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    with: (fields) => wrap(logger.child(fields)),
  };
}

/** Writes JSON lines to standard output. Errors under `error` or `cause` are written with message and stack. */
export function jsonLog(level: LogLevel, fields: Record<string, unknown> = {}): Log {
  return wrap(
    pino({
      level,
      base: fields,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
      redact: {
        paths: [
          'apiKey',
          'token',
          'password',
          'secret',
          'authorization',
          '*.apiKey',
          '*.token',
          '*.password',
          '*.secret',
          '*.authorization',
        ],
        censor: '***',
      },
    }),
  );
}

/** Swallows everything: for tests that are not about logs. */
export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
};
