export * from './call-events.ts';
export * from './causes.ts';
export * from './errors.ts';
export * from './live.ts';
export * from './knowledge.ts';
export * from './rest.ts';
export * from './talk.ts';
export * from './waterfall.ts';
