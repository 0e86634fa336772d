/** Who is signed in. The key itself is never kept: the server turns it into an HttpOnly cookie. */
import type { Business } from '@tandem/contract';
import { queryOptions } from '@tanstack/react-query';
import { ApiError, api } from '../lib/api.ts';

/** `business` is the one on screen: a row, or its id among `businesses`. */
type SessionAnswer = { business: Business | string | null; businesses?: Business[]; permissions?: string[] };
export type Session = { business: Business | undefined; permissions: string[] };

const sessionOf = ({ business, businesses = [], permissions = [] }: SessionAnswer): Session => ({
  business: typeof business === 'string' ? businesses.find(({ id }) => id === business) : (business ?? businesses[0]),
  permissions,
});

/** A key in the address bar (`/#key=…`, printed by a first start) is used once and removed from the address and the history entry. */
function takeKeyFromAddress(): string | undefined {
  const key = new URLSearchParams(location.hash.slice(1)).get('key') ?? undefined;
  if (key) history.replaceState(history.state, '', location.pathname + location.search);
  return key;
}

let keyInAddress = takeKeyFromAddress();

/** Tells when a key is put into the address of a page that is open already (no reload happens then). The answer stops listening. */
export function onKeyInAddress(tell: () => void): () => void {
  const listen = () => {
    keyInAddress = takeKeyFromAddress() ?? keyInAddress;
    if (keyInAddress) tell();
  };
  addEventListener('hashchange', listen);
  return () => removeEventListener('hashchange', listen);
}

/** Throws `ApiError` `unauthenticated` when the key is not valid. */
export const signIn = (key: string) => api.post<unknown>('/session', { key });
export const signOut = () => api.delete('/session');

/** The session, or null when nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  staleTime: 5 * 60_000,
  queryFn: async (): Promise<Session | null> => {
    const key = keyInAddress;
    keyInAddress = undefined;
    try {
      if (key) await signIn(key);
      return sessionOf(await api.get<SessionAnswer>('/session'));
    } catch (error) {
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return null;
      throw error;
    }
  },
});
