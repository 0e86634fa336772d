/** The one catalogue of error codes. A code never changes its meaning; `status` is the HTTP status of its problem document (RFC 9457). */
export const errorCatalogue = {
  'bad-request': { status: 400, title: 'The request could not be understood' },
  'invalid-input': { status: 422, title: 'A value in the request is not acceptable' },
  unauthenticated: { status: 401, title: 'A valid API key is needed' },
  forbidden: { status: 403, title: 'This key may not do that' },
  'not-found': { status: 404, title: 'There is no such thing' },
  conflict: { status: 409, title: 'It exists already' },
  'too-large': { status: 413, title: 'The request is too large' },
  'format-unknown': { status: 415, title: 'A file of this kind cannot be read' },
  'range-not-satisfiable': { status: 416, title: 'The range lies beyond the end' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'internal-error': { status: 500, title: 'Something failed on our side' },
  unavailable: { status: 503, title: 'Not available right now' },
  'database-unavailable': { status: 503, title: 'The database does not answer' },
  'setting-invalid': { status: 500, title: 'A setting is missing or wrong' },
  'port-taken': { status: 500, title: 'A network port is in use already' },
  'data-folder-locked': { status: 500, title: 'Another process uses this data folder' },
  'schema-too-new': { status: 500, title: 'The database was written by a newer version' },
  'number-unknown': { status: 404, title: 'No assistant answers this number' },
  'no-common-codec': { status: 488, title: 'No sound format in common' },
  'signature-invalid': { status: 403, title: 'The signature or token is not valid' },
  'outbound-not-configured': { status: 409, title: 'Calling out is not configured' },
  'dial-failed': { status: 502, title: 'The call could not be placed' },
  'call-ended': { status: 409, title: 'The call has ended' },
  'capacity-reached': { status: 503, title: 'All lines are busy' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ErrorCode = keyof typeof errorCatalogue;
