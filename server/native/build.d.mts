export function sources(): string[];
export function sourceDigest(): string;
