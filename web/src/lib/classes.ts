import { type ClassValue, clsx } from 'clsx';
import { twMerge } from 'tailwind-merge';

/** Class names joined; of two that set the same property the later wins. */
export const cx = (...classes: ClassValue[]): string => twMerge(clsx(classes));
