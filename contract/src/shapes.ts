/** Shapes that every REST resource is made of. */
import { z } from 'zod';

export const id = z.string().min(1).max(64);
export const time = z.string().describe('RFC 3339 UTC');
export const text = (max: number) => z.string().trim().min(1).max(max);
/** A language tag such as `en` or `pt-BR` (RFC 5646, in outline). */
export const language = z.string().regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/, 'is not a language tag such as en or pt-BR');
