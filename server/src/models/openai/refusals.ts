/** What only OpenAI means by a refusal. */
import type { JudgeRefusal } from '../provider-failures.ts';

/** A 429 without money left is no rate: waiting does not help. */
export const judgeRefusal: JudgeRefusal = ({ words }) => (words.includes('insufficient_quota') ? { category: 'auth' } : undefined);
